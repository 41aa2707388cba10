use super::*;
use crate::facts::{LinkState, QuorumMember};
use crate::observation::EvidenceLine;
use crate::problem::ProblemCode;
use crate::topology::fixture::{conf, links, name, status, with_qdevice};

const SUM: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn shown(node: &str, text: String) -> Evidence {
    let lines = text.lines().map(|line| EvidenceLine { text: line.to_owned(), guilty: false }).collect();
    Evidence {
        node: node.into(),
        command: "tool".into(),
        exit: Some(0),
        at: Timestamp::UNIX_EPOCH,
        millis: 4,
        lines,
        cut: false,
    }
}

/// Node `n` of `all`, with everything in order.
fn answer(n: u32, all: u32) -> VerifyAnswer {
    let everybody: Vec<u32> = (1..=all).collect();
    let quorum = status(n, &everybody, "1.11", all);
    let printed = format!("Ring ID:          1.11\nQuorate:          Yes\nTotal votes:      {all}\n");
    VerifyAnswer {
        node: name(n),
        members: Ok(quorum.members.clone()),
        ssh: everybody.iter().filter(|peer| **peer != n).map(|peer| (name(*peer), Ok(NodeSsh::Works))).collect(),
        evidence: BTreeMap::from([(VerifyCode::Ring, vec![shown(&name(n), printed)])]),
        status: Ok(Some(quorum.clone())),
        quorum: Ok(quorum),
        links: Ok(links(n, &everybody, &[])),
        conf: Ok(conf(all)),
        digests: Ok(sums(SUM, SUM)),
        writable: Ok(true),
        clock: Ok(ClockOffset { millis: i64::from(n) * 100, error_millis: 4 }),
    }
}

fn sums(shared: &str, local: &str) -> BTreeMap<String, String> {
    [(CONFIG_SHARED, shared), (CONFIG_LOCAL, local)].map(|(path, sum)| (path.to_owned(), sum.to_owned())).into()
}

fn three() -> Vec<VerifyAnswer> {
    (1..=3).map(|n| answer(n, 3)).collect()
}

fn judged(answers: &[VerifyAnswer]) -> Verification {
    judge(answers, Timestamp::UNIX_EPOCH)
}

fn found(answers: &[VerifyAnswer], row: usize, what: VerifyCode) -> VerifyCell {
    let verification = judged(answers);
    verification.rows[row].cells.iter().find(|cell| cell.what == what).expect("a cell").clone()
}

/// Codes and parameters of a cell that must fail.
fn wrong(cell: &VerifyCell) -> Vec<(DisagreementCode, Vec<&str>)> {
    assert_eq!(cell.verdict, Verdict::Fail, "{cell:?}");
    cell.disagreements.iter().map(|one| (one.code, one.params.values().map(String::as_str).collect())).collect()
}

#[test]
fn nodes_that_agree_prove_it() {
    let verification = judged(&three());
    assert!(verification.agreed, "{verification:#?}");
    assert_eq!(verification.rows.len(), 3);
    let order: Vec<VerifyCode> = verification.rows[0].cells.iter().map(|cell| cell.what).collect();
    assert_eq!(order, VerifyCode::ALL);
    assert_eq!(found(&three(), 0, VerifyCode::Links).brief.as_deref(), Some("4/4"));
    assert!(!judged(&[]).agreed, "nobody asked is nothing proven");
}

#[test]
fn the_one_that_differs_fails_and_both_sides_are_quoted() {
    let mut answers = three();
    answers[2].quorum.as_mut().unwrap().ring_id = "3.15".into();
    answers[2].evidence.insert(VerifyCode::Ring, vec![shown("cedar", "Ring ID:  3.15\n".into())]);
    let cell = found(&answers, 2, VerifyCode::Ring);
    assert_eq!(wrong(&cell), [(DisagreementCode::RingDiffers, vec!["1.11", "3.15", "ash"])]);
    let lines = cell.evidence.iter().flat_map(|one| &one.lines).filter(|line| line.guilty);
    assert_eq!(lines.map(|line| line.text.as_str()).collect::<Vec<_>>(), ["Ring ID:  3.15", "Ring ID:          1.11"]);
    assert_eq!(found(&answers, 0, VerifyCode::Ring).verdict, Verdict::Pass, "the majority is not to blame");
    assert!(!judged(&answers).agreed);
}

#[test]
fn without_a_majority_everybody_fails() {
    let mut answers: Vec<VerifyAnswer> = (1..=2).map(|n| answer(n, 2)).collect();
    answers[1].conf.as_mut().unwrap().config_version = 9;
    let said = |row| found(&answers, row, VerifyCode::ConfigVersion);
    assert_eq!(wrong(&said(0)), [(DisagreementCode::ConfigVersionDiffers, vec!["9", "2", "beech"])]);
    assert_eq!(wrong(&said(1)), [(DisagreementCode::ConfigVersionDiffers, vec!["2", "9", "ash"])]);
}

#[test]
fn quorum_is_taken_from_both_tools() {
    let mut answers = three();
    answers[0].quorum = Ok(status(1, &[1], "1.15", 3));
    let cell = found(&answers, 0, VerifyCode::Quorate);
    assert_eq!(wrong(&cell)[0], (DisagreementCode::NotQuorate, vec!["2", "1"]));
    assert_eq!(wrong(&cell)[1], (DisagreementCode::PvecmDiffers, vec!["Yes, 1.11, 3/3", "No, 1.15, 1/3"]));
    let mut down = three();
    down[1].status = Ok(None);
    assert_eq!(found(&down, 1, VerifyCode::Quorate).verdict, Verdict::Error);
    let mut blocked = three();
    blocked[1].quorum.as_mut().unwrap().blocked = true;
    assert_eq!(wrong(&found(&blocked, 1, VerifyCode::Quorate))[0].0, DisagreementCode::NotQuorate);
}

#[test]
fn votes_are_those_of_the_configuration_and_all_there() {
    let with = |total: u32, expected: u32| {
        let mut answers = three();
        for answer in &mut answers {
            let status = answer.quorum.as_mut().unwrap();
            (status.total_votes, status.expected_votes) = (total, expected);
        }
        found(&answers, 1, VerifyCode::Votes)
    };
    assert_eq!(wrong(&with(1, 1)), [(DisagreementCode::VotesNotAsConfigured, vec!["3", "1"])], "`pvecm expected 1`");
    assert_eq!(wrong(&with(2, 3)), [(DisagreementCode::VotesMissing, vec!["3", "2"])]);
    let mut odd = three();
    odd[0].quorum = Ok(status(1, &[1], "1.15", 3));
    assert_eq!(
        wrong(&found(&odd, 0, VerifyCode::Votes))[0],
        (DisagreementCode::VotesDiffer, vec!["3/3", "1/3", "beech"])
    );
}

#[test]
fn members_are_those_of_the_configuration_and_all_are_asked() {
    let mut missing = three();
    for answer in &mut missing {
        answer.quorum.as_mut().unwrap().members.retain(|member: &QuorumMember| member.id != 3);
        answer.members.as_mut().unwrap().retain(|member| member.id != 3);
    }
    assert_eq!(wrong(&found(&missing, 0, VerifyCode::Members)), [(DisagreementCode::MemberMissing, vec!["cedar"])]);
    let two = &three()[..2];
    assert_eq!(wrong(&found(two, 0, VerifyCode::Members)), [(DisagreementCode::MemberNotAsked, vec!["cedar"])]);
    let mut odd = three();
    odd[1].quorum.as_mut().unwrap().members.pop();
    let cell = found(&odd, 1, VerifyCode::Members);
    assert_eq!(wrong(&cell)[0], (DisagreementCode::MembersDiffer, vec!["ash, beech, cedar", "ash, beech", "ash"]));
}

#[test]
fn configuration_files_are_compared_on_a_node_and_between_nodes() {
    let mut answers = three();
    answers[1].digests = Ok(sums(SUM, &"00".repeat(32)));
    let cell = found(&answers, 1, VerifyCode::ConfigSame);
    assert_eq!(wrong(&cell), [(DisagreementCode::ConfigCopiesDiffer, vec!["000000000000", &SUM[..12]])]);
    let mut other = three();
    let sum = format!("{}ff", &SUM[..62]);
    other[1].digests = Ok(sums(&sum, &sum));
    let cell = found(&other, 1, VerifyCode::ConfigSame);
    assert_eq!(
        wrong(&cell),
        [(DisagreementCode::ConfigDiffers, vec![&SUM[..12], &SUM[..12], "ash"])],
        "all digits count"
    );
    let mut half = three();
    half[1].digests.as_mut().unwrap().remove(CONFIG_LOCAL);
    assert_eq!(found(&half, 1, VerifyCode::ConfigSame).verdict, Verdict::Error);
}

#[test]
fn every_link_of_every_pair_has_to_be_connected() {
    let mut answers = three();
    answers[0].links.as_mut().unwrap().links.retain(|row: &LinkState| row.peer != 3);
    answers[0].links.as_mut().unwrap().links[0].connected = false;
    let cell = found(&answers, 0, VerifyCode::Links);
    assert_eq!(cell.brief.as_deref(), Some("1/4"));
    let down = |link, peer| (DisagreementCode::LinkDown, vec![link, peer]);
    assert_eq!(wrong(&cell), [down("0", "beech"), down("0", "cedar"), down("1", "cedar")]);
    let mut foreign = three();
    foreign[0].links.as_mut().unwrap().node_id = 77;
    assert_eq!(found(&foreign, 0, VerifyCode::Links).verdict, Verdict::Error, "nothing to compare is no pass");
}

#[test]
fn a_read_only_etc_pve_fails() {
    let mut answers = three();
    answers[2].writable = Ok(false);
    assert_eq!(wrong(&found(&answers, 2, VerifyCode::Writable)), [(DisagreementCode::ReadOnly, vec![])]);
}

#[test]
fn silence_is_an_error_in_every_cell() {
    let why = || ProblemCode::NodeHangs.into();
    let mut answers = three();
    answers[1] = VerifyAnswer {
        quorum: Err(why()),
        status: Err(why()),
        links: Err(why()),
        conf: Err(why()),
        digests: Err(why()),
        writable: Err(why()),
        clock: Err(why()),
        ..answer(2, 3)
    };
    let verification = judged(&answers);
    assert!(verification.rows[1].cells.iter().all(|cell| cell.verdict == Verdict::Error));
    assert!(verification.rows[0].cells.iter().all(|cell| cell.verdict == Verdict::Pass));
    assert!(!verification.agreed);
    let cell = found(&answers, 1, VerifyCode::Ring);
    assert_eq!(cell.disagreements, [Disagreement::new(DisagreementCode::NoAnswer).with("problem", "node_hangs")]);
}

#[test]
fn a_qdevices_votes_belong_to_the_configured_ones() {
    let answers: Vec<VerifyAnswer> = (1..=2)
        .map(|n| {
            let view = with_qdevice(crate::topology::fixture::view(n, &[1, 2], "1.11", 2, 0), true);
            let quorum = view.quorum.expect("a status").value;
            let conf = view.conf.expect("a configuration").value;
            VerifyAnswer { status: Ok(Some(quorum.clone())), quorum: Ok(quorum), conf: Ok(conf), ..answer(n, 2) }
        })
        .collect();
    let verification = judged(&answers);
    assert!(verification.agreed, "{verification:#?}");
    assert_eq!(found(&answers, 0, VerifyCode::Votes).brief.as_deref(), Some("3/3"));
}

#[test]
fn ssh_between_all_nodes_is_part_of_the_proof() {
    assert_eq!(found(&three(), 0, VerifyCode::NodeSsh).brief.as_deref(), Some("2/2"));
    let with = |how: Gathered<NodeSsh>| {
        let mut answers = three();
        answers[1].ssh.insert(name(3), how);
        found(&answers, 1, VerifyCode::NodeSsh)
    };
    assert_eq!(wrong(&with(Ok(NodeSsh::HostKey))), [(DisagreementCode::SshHostKey, vec!["cedar"])]);
    assert_eq!(wrong(&with(Ok(NodeSsh::Denied))), [(DisagreementCode::SshDenied, vec!["cedar"])]);
    let failed = with(Ok(NodeSsh::Failed { text: "No route to host".into() }));
    assert_eq!(wrong(&failed), [(DisagreementCode::SshFailed, vec!["cedar", "No route to host"])]);
    assert_eq!(with(Err(ProblemCode::NodeHangs.into())).verdict, Verdict::Error);
    let mut untried = three();
    untried[2].ssh.clear();
    assert_eq!(found(&untried, 2, VerifyCode::NodeSsh).verdict, Verdict::Error, "nobody asked is nothing proven");
}

#[test]
fn pvecm_must_name_the_same_members() {
    let mut answers = three();
    answers[0].members.as_mut().unwrap().pop();
    let cell = found(&answers, 0, VerifyCode::Members);
    assert_eq!(wrong(&cell), [(DisagreementCode::PvecmNodesDiffer, vec!["ash, beech", "ash, beech, cedar"])]);
    answers[0].members = Err(ProblemCode::Garbage.into());
    assert_eq!(found(&answers, 0, VerifyCode::Members).verdict, Verdict::Error);
}

#[test]
fn clocks_more_than_a_second_apart_disagree() {
    let mut answers = three();
    answers[2].clock = Ok(ClockOffset { millis: 1_110, error_millis: 4 });
    assert_eq!(found(&answers, 0, VerifyCode::Clocks).verdict, Verdict::Fail, "1010 ms, 8 of them unsure");
    answers[2].clock = Ok(ClockOffset { millis: 1_100, error_millis: 4 });
    let cell = found(&answers, 0, VerifyCode::Clocks);
    assert_eq!((cell.verdict, cell.brief.as_deref()), (Verdict::Pass, Some("±1000 ms")));
    answers[2].clock = Ok(ClockOffset { millis: -5_000, error_millis: 4 });
    answers[2].evidence.insert(VerifyCode::Clocks, vec![shown("cedar", "1764345600.123456789\n".into())]);
    let cell = found(&answers, 0, VerifyCode::Clocks);
    assert_eq!(
        wrong(&cell),
        [(DisagreementCode::ClocksApart, vec!["1000", "5100", "-5000", "100", "cedar"])],
        "limit, apart, theirs, ours, who"
    );
    assert!(cell.evidence.iter().any(|one| one.node == "cedar" && one.lines[0].guilty), "both sides are quoted");
    answers[2].clock = Ok(ClockOffset { millis: 300, error_millis: 2_000 });
    assert_eq!(
        found(&answers, 0, VerifyCode::Clocks).verdict,
        Verdict::Error,
        "an answer that took seconds tells nothing"
    );
}

#[test]
fn the_other_end_of_a_link_is_quoted_too() {
    let mut answers = three();
    answers[0].links.as_mut().unwrap().links.retain(|row: &LinkState| row.peer != 3);
    answers[2].evidence.insert(VerifyCode::Links, vec![shown("cedar", "LINK: 0 connected".into())]);
    let cell = found(&answers, 0, VerifyCode::Links);
    assert_eq!(cell.evidence.iter().filter(|one| one.node == "cedar").count(), 1, "once, for both links");
}
