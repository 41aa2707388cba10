use super::*;
use crate::digest;
use crate::ids::NodeId;
use crate::operation::StepStatus;
use crate::plan::{Action, ConsequenceCode, Intent, MaterialFacts, Plan, Step};
use crate::problem::ProblemCode;
use crate::recovery::{DeathProof, WrittenOff};
use crate::risk::Risk;
use std::collections::BTreeMap;
use uuid::Uuid;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a time")
}

fn operation(state: OperationState) -> Operation {
    let gone = |name: &str| WrittenOff {
        name: name.into(),
        addresses: Vec::new(),
        proof: DeathProof::Attested { by: "anna".into(), how: "both cords are pulled".into() },
        guests: Vec::new(),
        services: Vec::new(),
    };
    let written_off = vec![gone("pve2"), gone("pve3")];
    let members = vec!["pve1".to_owned()];
    let through = NodeId::from_uuid(Uuid::nil());
    let attested = |node: &str| Consequence {
        code: ConsequenceCode::AttestedOff,
        params: BTreeMap::from([("node".into(), node.into()), ("by".into(), "anna".into())]),
    };
    let action =
        Action::SetExpected { votes: 1, expected: None, members: members.clone(), written_off: written_off.clone() };
    let plan = Plan {
        cluster: ClusterId::from_uuid(Uuid::nil()),
        intent: Intent::SetExpected { through, votes: 1, members, written_off },
        risk: Risk::Destructive,
        target: "expected 1 on prod".into(),
        steps: vec![Step {
            node: through,
            node_name: "pve1".into(),
            action,
            commands: vec!["pvecm expected 1".into()],
        }],
        consequences: vec![
            Consequence { code: ConsequenceCode::ExpectedRisesAgain, params: BTreeMap::new() },
            attested("pve2"),
            attested("pve3"),
        ],
        facts: MaterialFacts { cluster_name: None, config_version: None, members: Vec::new(), expected_votes: None },
        acknowledged: Vec::new(),
    };
    Operation {
        id: OperationId::from_uuid(Uuid::nil()),
        cluster: plan.cluster,
        digest: digest::of("test", &plan).expect("a digest"),
        plan,
        reason: "the rack burns".into(),
        proposed_by: "anna".into(),
        proposed_at: at(0),
        state,
        steps: vec![StepStatus::Waiting],
        finished_at: None,
    }
}

fn entry(index: u64, code: AuditCode, outcome: Outcome, details: &[(&str, &str)]) -> ChainedEntry {
    let second = i64::try_from(index).expect("small") * 10;
    let mut entry = AuditEntry::new(at(second), code, "anna".into(), outcome);
    entry.operation = Some(OperationId::from_uuid(Uuid::nil()));
    entry.cluster_name = Some("prod".into());
    entry.details = details.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    ChainedEntry { index, entry, previous: String::new(), hash: String::new() }
}

fn looked(index: u64, moment: &str, quorate: &str, expected: &str) -> ChainedEntry {
    let members = if expected == "1" { "pve1" } else { "pve1, pve2" };
    let details = [
        (DETAIL_MOMENT, moment),
        ("quorate", quorate),
        ("expected", expected),
        ("votes", "1"),
        ("quorum", if expected == "1" { "1" } else { "2" }),
        ("members", members),
    ];
    let mut seen = entry(index, AuditCode::QuorumSeen, Outcome::Success, &details);
    seen.entry.node = Some("pve1".into());
    seen
}

/// pve1 told it then.
fn by_pve1(second: i64) -> Option<Sighting> {
    Some(Sighting { node: "pve1".into(), at: at(second) })
}

/// Everything that is written while it runs well.
fn ran_well() -> Vec<ChainedEntry> {
    vec![
        entry(1, AuditCode::OperationStarted, Outcome::Started, &[]),
        looked(2, BEFORE, "no", "3"),
        entry(3, AuditCode::CommandStarted, Outcome::Started, &[]),
        entry(4, AuditCode::CommandFinished, Outcome::Success, &[]),
        looked(5, AFTER, "yes", "1"),
        entry(6, AuditCode::OperationFinished, Outcome::Success, &[]),
    ]
}

fn told(state: OperationState, entries: &[ChainedEntry], watched: bool) -> Lowering {
    let operation = operation(state);
    lowering(&Stored { operation: &operation, request: None, entries, watched, seen: None }).expect("it lowers votes")
}

#[test]
fn a_run_that_is_still_lowered_says_since_when_and_whether_it_was_said() {
    let mut entries = ran_well();
    // The order in which they come does not matter.
    entries.reverse();
    let one = told(OperationState::Done, &entries, true);
    assert_eq!(one.fate, Fate::Lowered { since: at(60), alarmed: None, watched: true, seen: by_pve1(50) });
    assert_eq!(one.fate.seconds(at(3_660)), Some(3_600));
    assert_eq!((one.votes, one.node.as_str(), one.command.as_str()), (1, "pve1", "pvecm expected 1"));
    let (before, after) = (one.before.expect("a look before"), one.after.expect("a look after"));
    assert_eq!((before.quorate, before.expected, before.votes, before.quorum), (false, 3, 1, 2));
    assert_eq!((after.quorate, after.expected, after.entry), (true, 1, 5));
    let nodes: Vec<&str> = one.proofs.iter().map(|proof| proof.params["node"].as_str()).collect();
    assert_eq!(nodes, ["pve2", "pve3"], "who says so of each, and nothing else");
    assert_eq!(one.entries.iter().map(|line| line.index).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);

    entries.push(entry(7, AuditCode::ExpectedStillLowered, Outcome::Failed, &[]));
    let forgotten = told(OperationState::Done, &entries, false);
    let alarmed = Some(at(70));
    assert_eq!(forgotten.fate, Fate::Lowered { since: at(60), alarmed, watched: false, seen: by_pve1(50) });
}

#[test]
fn what_raised_them_is_who_came_back() {
    let mut entries = ran_well();
    entries.push(entry(7, AuditCode::ExpectedStillLowered, Outcome::Failed, &[]));
    let details = [("expected", "3"), ("members", "pve1, pve2, pve3")];
    entries.push(entry(9, AuditCode::ExpectedRestored, Outcome::Success, &details));
    let one = told(OperationState::Done, &entries, true);
    let returned = vec!["pve2".to_owned(), "pve3".to_owned()];
    let restored = Fate::Restored {
        since: at(60),
        at: at(90),
        alarmed: Some(at(70)),
        entry: 9,
        expected: Some(3),
        quorate: None,
        returned,
    };
    assert_eq!(one.fate, restored);
    assert_eq!(one.fate.seconds(at(9_999)), Some(30));

    // Raised by hand, with nobody back.
    let mut entries = ran_well();
    entries.push(entry(8, AuditCode::ExpectedRestored, Outcome::Success, &[("expected", "2"), ("members", "pve1")]));
    let Fate::Restored { returned, .. } = told(OperationState::Done, &entries, true).fate else { panic!("restored") };
    assert!(returned.is_empty());
}

#[test]
fn votes_that_rose_without_a_quorum_say_so() {
    let restored = |word: &str| {
        let mut entries = ran_well();
        let details = [("expected", "3"), ("members", "pve1"), (DETAIL_QUORATE, word)];
        entries.push(entry(8, AuditCode::ExpectedRestored, Outcome::Success, &details));
        let fate = told(OperationState::Done, &entries, true).fate;
        let Fate::Restored { quorate, .. } = fate else { panic!("{fate:?}") };
        quorate
    };
    assert_eq!((restored(NO), restored(YES)), (Some(false), Some(true)));
}

#[test]
fn half_a_run_is_not_made_whole() {
    let parked = OperationState::Parked { step: 0, problem: ProblemCode::StepTimedOut.into() };
    let all = ran_well();
    let one = told(parked.clone(), &all[..4], true);
    assert_eq!((one.fate, one.after), (Fate::Unclear { since: at(30) }, None));
    assert_eq!(told(OperationState::Abandoned, &all[..4], true).fate, Fate::Unclear { since: at(30) });
    // Before the command.
    assert_eq!(told(parked, &all[..2], true).fate, Fate::Underway);
    assert_eq!(told(OperationState::Running, &all[..1], true).fate, Fate::Underway);
    assert_eq!(told(OperationState::Abandoned, &all[..2], true).fate, Fate::Never);
    let failed = OperationState::Failed { step: 0, problem: ProblemCode::ExpectedRefused.into() };
    assert_eq!(told(failed.clone(), &all[..4], true).fate, Fate::Never, "corosync said no");
    assert_eq!(may_be_lowered_since(&operation(failed), &all[..4]), None);
    assert_eq!(told(OperationState::Done, &all[..4], true).fate, Fate::Unclear { since: at(30) });
}

/// Votes that a join midway had to lower, as the second of its steps.
#[test]
fn a_run_on_the_way_to_something_else_is_told_by_its_own_step() {
    let mut one = operation(OperationState::Running);
    let (step, id) = (one.plan.steps[0].clone(), one.plan.steps[0].node);
    let regain = Action::RegainQuorum { votes: 1, without: id, without_name: "pve2".into() };
    one.plan.intent = Intent::UndoJoin { node: id };
    one.plan.steps = vec![Step { action: Action::StopMember, ..step.clone() }, Step { action: regain, ..step }];
    one.steps = vec![StepStatus::Proven { at: at(5), already: false }, StepStatus::Started { at: at(20) }];
    let mut entries = ran_well();
    for entry in &mut entries[1..5] {
        entry.entry.step = Some(1);
    }
    let mut stopped = entry(1, AuditCode::CommandStarted, Outcome::Started, &[]);
    stopped.entry.step = Some(0);
    entries.insert(0, stopped);
    let told = |one: &Operation| {
        lowering(&Stored { operation: one, request: None, entries: &entries[..4], watched: true, seen: None })
            .expect("it lowers votes")
    };
    let run = told(&one);
    assert_eq!(
        (run.fate, run.votes, run.members, run.proofs.len()),
        (Fate::Unclear { since: at(30) }, 1, vec!["pve1".to_owned()], 1)
    );
    assert!(run.before.is_some());
    assert_eq!(may_be_lowered_since(&one, &entries[..3]), None, "the other step's command is not meant");
    one.steps[1] = StepStatus::Proven { at: at(50), already: false };
    assert_eq!(told(&one).fate, Fate::Lowered { since: at(50), alarmed: None, watched: true, seen: None });
    one.plan.steps.truncate(1);
    assert_eq!(lowered_side(&one), None);
}

#[test]
fn a_command_that_was_begun_may_have_lowered_them_however_it_ended() {
    let failed = OperationState::Failed { step: 0, problem: ProblemCode::WorldChanged.into() };
    let all = ran_well();
    assert_eq!(told(failed.clone(), &all[..2], true).fate, Fate::Never, "before the command");
    assert_eq!(may_be_lowered_since(&operation(failed.clone()), &all[..2]), None);
    assert_eq!(told(failed.clone(), &all[..4], true).fate, Fate::Unclear { since: at(30) });
    assert_eq!(may_be_lowered_since(&operation(failed.clone()), &all[..4]), Some(at(30)));
    assert_eq!(may_be_lowered_since(&operation(OperationState::Done), &all), Some(at(60)), "since its proof");
    let mut seen = all[..4].to_vec();
    seen.push(entry(8, AuditCode::ExpectedRestored, Outcome::Success, &[("expected", "3"), ("members", "pve1, pve2")]));
    let Fate::Restored { since, returned, .. } = told(failed, &seen, true).fate else { panic!("restored") };
    assert_eq!((since, returned), (at(30), vec!["pve2".to_owned()]));
}

#[test]
fn a_look_of_an_earlier_start_is_not_the_one_before_the_command() {
    let entries = [
        looked(1, BEFORE, "no", "5"),
        looked(2, BEFORE, "no", "3"),
        entry(3, AuditCode::CommandStarted, Outcome::Started, &[]),
        looked(4, BEFORE, "yes", "1"),
    ];
    assert_eq!(told(OperationState::Running, &entries, true).before.map(|seen| seen.expected), Some(3));
}

#[test]
fn entries_of_others_and_looks_that_cannot_be_read_count_for_nothing() {
    let mut foreign = looked(1, BEFORE, "no", "9");
    foreign.entry.operation = Some(OperationId::from_uuid(Uuid::max()));
    let entries = [foreign, looked(2, BEFORE, "no", "many")];
    let one = told(OperationState::Running, &entries, true);
    assert_eq!((one.before, one.entries.len()), (None, 1));
}

#[test]
fn other_operations_are_none() {
    let mut other = operation(OperationState::Done);
    other.plan.intent = Intent::RemoveQdevice;
    assert_eq!(lowering(&Stored { operation: &other, request: None, entries: &[], watched: true, seen: None }), None);
}

/// The alarm, or that nobody can look, with the last look that it goes back to.
fn said(index: u64, code: AuditCode, last_seen: i64) -> ChainedEntry {
    let mut said = entry(index, code, Outcome::Unknown, &[(DETAIL_LAST_SEEN, &at(last_seen).to_string())]);
    said.entry.node = Some("pve1".into());
    said
}

#[test]
fn votes_that_nobody_can_look_at_are_not_said_to_be_lowered() {
    let one = operation(OperationState::Done);
    let fate = |entries: &[ChainedEntry], seen: Option<&Sighting>| {
        let stored = Stored { operation: &one, request: None, entries, watched: true, seen };
        lowering(&stored).expect("it lowers votes").fate
    };
    let mut entries = ran_well();
    let proven = fate(&entries, None);
    assert!(proven.is_seen(at(109)), "the look after the command");
    assert!(!proven.is_seen(at(110)), "and nobody has told since");
    let live = by_pve1(200);
    let watched = fate(&entries, live.as_ref());
    assert!(watched.is_seen(at(259)) && !watched.is_seen(at(260)));
    entries.push(said(30, AuditCode::ExpectedUnseen, 180));
    let Fate::Lowered { alarmed, seen, .. } = fate(&entries, None) else { panic!("it has not risen") };
    assert_eq!((alarmed, seen), (None, by_pve1(180)), "that nobody can look is no alarm that they are lowered");
    assert_eq!(last_written(&one, &entries), by_pve1(180));
    entries.push(said(31, AuditCode::ExpectedStillLowered, 300));
    assert!(fate(&entries, live.as_ref()).is_seen(at(359)), "the latest of all counts");
    assert!(!Fate::Unclear { since: at(30) }.is_seen(at(30)), "nothing proves it");
}

#[test]
fn who_heard_nothing_before_the_command_is_told() {
    let mut entries = ran_well();
    let details =
        [(DETAIL_SILENT_TO, "pve2: console, pve1; pve3: pve1"), (DETAIL_UNASKED, "pve3: console (no_way_to_it)")];
    entries[1].entry.details.extend(details.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let one = told(OperationState::Done, &entries, true);
    let (before, after) = (one.before.expect("a look before"), one.after.expect("a look after"));
    assert_eq!((before.silent_to.as_str(), before.unasked.as_str()), (details[0].1, details[1].1));
    assert_eq!((after.silent_to.as_str(), after.unasked.as_str()), ("", ""), "nobody is asked about them afterwards");
}

#[test]
fn everybody_who_agreed_anew_is_named_in_order() {
    let resumed = |index, who: &str, details: &[(&str, &str)]| {
        let mut resumed = entry(index, AuditCode::OperationResumed, Outcome::Started, details);
        resumed.entry.who = who.into();
        resumed
    };
    let mut entries = ran_well();
    entries.push(resumed(9, "olga", &[("agreed", "anew")]));
    entries.push(resumed(7, "otto", &[("agreed", "anew")]));
    entries.push(resumed(8, "anna", &[]));
    let mut foreign = resumed(10, "eve", &[("agreed", "anew")]);
    foreign.entry.operation = Some(OperationId::from_uuid(Uuid::max()));
    entries.push(foreign);
    let named = |by: &str, second| AgreedAnew { by: by.into(), at: at(second) };
    assert_eq!(told(OperationState::Done, &entries, true).agreed_anew, [named("otto", 70), named("olga", 90)]);
    assert!(told(OperationState::Done, &ran_well(), true).agreed_anew.is_empty());
}
