//! Quorum recovery: what stands against it, and what the nodes themselves say afterwards.

use crate::house::House;
use crate::lapsing::{TOO_LONG, resumes};
use crate::look;
use crate::works::Work;
use engine::limits::LOWERED_MAX;
use lab::{Fault, Scenario};
use model::audit::{AuditCode, AuditEntry};
use model::lowering::Fate;
use model::observation::Freshness;
use model::operation::{Operation, OperationState};
use model::plan::Intent;
use model::problem::ProblemCode;
use model::recovery::{Gentler, Recovery};
use model::role::Role;
use std::collections::BTreeSet;
use std::time::Duration;

pub async fn seen(house: &House) -> Recovery {
    house.engine().recovery(house.cluster).await.expect("somebody answers")
}

pub fn codes(recovery: &Recovery) -> Vec<ProblemCode> {
    recovery.obstacles().into_iter().map(|problem| problem.code).collect()
}

fn ways(recovery: &Recovery) -> Vec<Gentler> {
    recovery.gentler().into_iter().map(|way| way.code).collect()
}

pub fn refusal(operation: &Operation) -> ProblemCode {
    match &operation.state {
        OperationState::Failed { problem, .. } => problem.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_healthy_cluster_is_told_why_not() {
    let house = House::new(Scenario::healthy(3)).await;
    let now = seen(&house).await;
    assert_eq!((now.quorate, now.absent.len(), codes(&now)), (true, 0, vec![ProblemCode::ExpectedNotNeeded]));
    let intent =
        Intent::SetExpected { through: now.through, votes: 3, members: now.members.clone(), written_off: Vec::new() };
    let refused = house.engine().plan(house.cluster, &intent).await.expect_err("nobody is absent");
    assert_eq!(refused.code, ProblemCode::ExpectedNotNeeded);
}

#[tokio::test(start_paused = true)]
async fn dead_nodes_are_knocked_at_everywhere_and_their_guests_are_named() {
    let house = House::new(Scenario::healthy(3)).await;
    house.inject(Fault::AddGuest { node: "pve3".into(), vmid: 103 });
    for node in ["pve2", "pve3"] {
        house.inject(Fault::Kill { node: node.into() });
    }
    house.lab.settle().await;
    let now = seen(&house).await;
    assert_eq!(codes(&now), [], "{now:#?}");
    assert_eq!((now.present_votes, now.expected_votes, now.quorum), (1, 3, 2));
    let absent: Vec<(&str, Option<&[u32]>)> =
        now.absent.iter().map(|node| (node.name.as_str(), node.guests.as_deref())).collect();
    assert_eq!(absent, [("pve2", Some(&[][..])), ("pve3", Some(&[103][..]))]);
    for node in &now.absent {
        assert_eq!(node.addresses.len(), 3, "the console's own address and both links: {:?}", node.addresses);
    }
    assert_eq!(ways(&now), [Gentler::StartNode]);
    assert!(now.evidence.iter().any(|one| one.command.contains("corosync-quorumtool")), "what was asked can be read");
}

#[tokio::test(start_paused = true)]
async fn the_votes_are_lowered_on_that_side_and_rise_when_the_others_return() {
    let house = Work::Expected.house().await;
    let operation = house.done(&house.expected_intent().await).await;
    assert_eq!(operation.plan.target, "expected 1 on lab");
    let commands: Vec<String> = house
        .audit()
        .await
        .into_iter()
        .filter_map(|one| one.entry.command.filter(|_| one.entry.exit.is_some()))
        .collect();
    assert!(commands.iter().any(|command| command.ends_with("pvecm expected 1")), "{commands:?}");
    Work::Expected.check(&house);
    // pmxcfs follows a moment later.
    let writable = async || house.lab.inspect().nodes["pve1"].writable;
    house.until("/etc/pve can be written there", Duration::from_secs(30), writable).await;
    for node in ["pve2", "pve3"] {
        house.inject(Fault::Start { node: node.into() });
    }
    let risen =
        async || house.lab.inspect().partitions.iter().any(|one| one.nodes.len() == 3 && one.expected_votes == 3);
    house.until("the votes rise by themselves", Duration::from_secs(120), risen).await;
    look::audit_is_whole(&house).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_lives_on_the_other_side_is_heard_and_quoted() {
    let house = House::new(Scenario::healthy(2)).await;
    for link in [0, 1] {
        house.inject(Fault::CutLink { node: "pve2".into(), link });
    }
    house.lab.settle().await;
    let now = seen(&house).await;
    assert_eq!(codes(&now), [ProblemCode::AbsentAnswers], "{now:#?}");
    let other = now.absent.first().expect("the other side");
    let quoted = other.own_view.as_ref().expect("its own words");
    assert!(quoted.lines.iter().any(|line| line.text.contains("Quorate:") && line.text.contains("No")), "{quoted:?}");
    assert_eq!(ways(&now), [Gentler::RepairLinks]);
}

/// How often such entries are in the audit, and the last of them.
async fn entries(house: &House, code: AuditCode) -> Vec<AuditEntry> {
    house.audit().await.into_iter().map(|one| one.entry).filter(|entry| entry.code == code).collect()
}

#[tokio::test(start_paused = true)]
async fn how_long_they_stayed_lowered_and_what_raised_them_is_written_down_once() {
    let mut house = Work::Expected.house().await;
    let operation = house.done(&house.expected_intent().await).await;
    house.engine().watch(house.cluster).await;
    let look = async |house: &House| {
        house.engine().look_at_lowered_votes(&mut BTreeSet::new()).await.expect("the store answers");
    };
    tokio::time::sleep(Duration::from_secs(1_800)).await;
    look(&house).await;
    assert!(entries(&house, AuditCode::ExpectedStillLowered).await.is_empty(), "half an hour is no alarm");
    tokio::time::sleep(Duration::from_secs(1_900)).await;
    look(&house).await;
    look(&house).await;
    assert_eq!(entries(&house, AuditCode::ExpectedStillLowered).await.len(), 1, "said once");
    // The console that is started next still knows.
    house.restart().await;
    house.engine().watch(house.cluster).await;
    for node in ["pve2", "pve3"] {
        house.inject(Fault::Start { node: node.into() });
    }
    let risen = async || {
        look(&house).await;
        !entries(&house, AuditCode::ExpectedRestored).await.is_empty()
    };
    house.until("that they rose is written down", Duration::from_secs(300), risen).await;
    look(&house).await;
    let restored = entries(&house, AuditCode::ExpectedRestored).await;
    assert_eq!((restored.len(), restored[0].operation), (1, Some(operation.id)));
    assert_eq!((restored[0].details["expected"].as_str(), restored[0].details["quorate"].as_str()), ("3", "yes"));
    let seconds: u64 = restored[0].details["lowered_for"].trim_end_matches(" s").parse().expect("seconds");
    assert!((3_700..4_100).contains(&seconds), "{seconds}");
}

async fn looked(house: &House, code: AuditCode) -> usize {
    house.engine().look_at_lowered_votes(&mut BTreeSet::new()).await.expect("the store answers");
    entries(house, code).await.len()
}

/// The others come back without it, to each other: their votes were never lowered, and say nothing of its own.
#[tokio::test(start_paused = true)]
async fn the_votes_of_another_side_have_not_risen() {
    for seen in [true, false] {
        let house = Work::Expected.house().await;
        house.done(&house.expected_intent().await).await;
        house.engine().watch(house.cluster).await;
        for link in [0, 1] {
            house.inject(Fault::CutLink { node: "pve1".into(), link });
        }
        // The console sees both sides, or the other one alone.
        house.inject(Fault::HangCommands { node: "pve1".into(), on: !seen });
        for node in ["pve2", "pve3"] {
            house.inject(Fault::Start { node: node.into() });
        }
        let told = async || {
            let snapshot = house.engine().hub.snapshot(house.cluster).expect("it is watched");
            snapshot.quorum.as_ref().is_some_and(|aged| aged.fact.value.expected_votes == 3)
        };
        house.until("the console hears the other side", Duration::from_secs(300), told).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(looked(&house, AuditCode::ExpectedRestored).await, 0, "seen: {seen}");
        house.inject(Fault::HangCommands { node: "pve1".into(), on: false });
        for link in [0, 1] {
            house.inject(Fault::RestoreLink { node: "pve1".into(), link });
        }
        let risen = async || looked(&house, AuditCode::ExpectedRestored).await == 1;
        house.until("one side, with all votes", Duration::from_secs(600), risen).await;
    }
}

/// Corosync starts again on the side that went on alone: it expects what its configuration says, and blocks.
#[tokio::test(start_paused = true)]
async fn a_restart_that_raises_the_votes_and_costs_the_quorum_is_written_down_as_that() {
    let house = Work::Expected.house().await;
    house.done(&house.expected_intent().await).await;
    house.engine().watch(house.cluster).await;
    house.inject(Fault::StopCorosync { node: "pve1".into() });
    house.inject(Fault::StartCorosync { node: "pve1".into() });
    let risen = async || looked(&house, AuditCode::ExpectedRestored).await == 1;
    house.until("that they rose is written down", Duration::from_secs(300), risen).await;
    let restored = entries(&house, AuditCode::ExpectedRestored).await.remove(0);
    let detail = |name: &str| restored.details[name].as_str();
    assert_eq!((detail("expected"), detail("quorate"), detail("members")), ("3", "no", "pve1"));
    let told = house.engine().lowerings(None).await.expect("the store answers");
    let Some(Fate::Restored { quorate, returned, .. }) = told.runs.into_iter().next().map(|run| run.fate) else {
        panic!("restored")
    };
    assert_eq!((quorate, returned), (Some(false), Vec::new()));
}

/// One of the two that were away is back, and somebody has lowered the votes once more: to more than before, and less than there
/// are.
#[tokio::test(start_paused = true)]
async fn votes_that_have_risen_by_half_are_still_lowered() {
    let house = Work::Expected.house().await;
    house.done(&house.expected_intent().await).await;
    house.engine().watch(house.cluster).await;
    house.inject(Fault::Start { node: "pve2".into() });
    let two = async || house.lab.inspect().partitions.iter().any(|one| one.nodes.len() == 2);
    house.until("it joins", Duration::from_secs(120), two).await;
    house.inject(Fault::ExpectVotes { node: "pve1".into(), votes: 2 });
    let told = async || {
        let snapshot = house.engine().hub.snapshot(house.cluster).expect("it is watched");
        snapshot.quorum.as_ref().is_some_and(|aged| {
            let side = &aged.fact.value;
            (side.members.len(), side.expected_votes) == (2, 2) && aged.freshness == Freshness::Fresh
        })
    };
    house.until("the console hears of it", Duration::from_secs(120), told).await;
    assert_eq!(looked(&house, AuditCode::ExpectedRestored).await, 0, "two of three are expected");
    house.inject(Fault::Start { node: "pve3".into() });
    let risen = async || looked(&house, AuditCode::ExpectedRestored).await == 1;
    house.until("all of them are expected", Duration::from_secs(300), risen).await;
    let restored = entries(&house, AuditCode::ExpectedRestored).await;
    assert_eq!(restored[0].details["expected"], "3");
}

#[tokio::test(start_paused = true)]
async fn a_command_without_its_proof_is_watched_all_the_same() {
    let house = Work::Expected.house().await;
    let lab = house.lab.clone();
    house.console.fence.after(
        |entry| entry.event == model::operation::StepEvent::Acted,
        move || lab.inject(Fault::HangCommands { node: "pve1".into(), on: true }).expect("it hangs"),
    );
    let operation = house.run(&house.expected_intent().await).await;
    assert!(matches!(operation.state, OperationState::Parked { .. }), "{:?}", operation.state);
    house.inject(Fault::HangCommands { node: "pve1".into(), on: false });
    house.engine().abandon(&crate::house::anna(), operation.id, "nobody knows").await.expect("given up");
    house.engine().watch(house.cluster).await;
    let fate = async || {
        let told = house.engine().lowerings(None).await.expect("the store answers");
        told.runs.into_iter().next().map(|run| run.fate)
    };
    assert!(matches!(fate().await, Some(Fate::Unclear { .. })), "it may have done it");
    tokio::time::sleep(Duration::from_secs(3_700)).await;
    for _ in 0..2 {
        assert_eq!(looked(&house, AuditCode::ExpectedStillLowered).await, 1, "the alarm, once");
    }
    for node in ["pve2", "pve3"] {
        house.inject(Fault::Start { node: node.into() });
    }
    let risen = async || looked(&house, AuditCode::ExpectedRestored).await == 1;
    house.until("they rise", Duration::from_secs(300), risen).await;
    assert!(matches!(fate().await, Some(Fate::Restored { alarmed: Some(_), .. })));
}

/// More entries than one page of the audit has (500).
const ENTRIES_TOO_MANY: u32 = 501;

/// Whoever goes on with it again and again adds nothing to what is over, and whatever is added to it hides nothing.
#[tokio::test(start_paused = true)]
async fn many_refusals_do_not_hide_that_votes_are_lowered() {
    let house = Work::Expected.house().await;
    let operation = house.done(&house.expected_intent().await).await;
    house.engine().watch(house.cluster).await;
    tokio::time::sleep(TOO_LONG).await;
    let written = house.audit().await.len();
    for _ in 0..ENTRIES_TOO_MANY {
        let refused = resumes(&house, "anna", Role::Operator, true, operation.id).await;
        assert_eq!(refused, Err(ProblemCode::OperationOver));
    }
    assert_eq!(house.audit().await.len(), written, "it is over: nothing is refused of it");
    for _ in 0..ENTRIES_TOO_MANY {
        let refusal = AuditEntry { operation: Some(operation.id), ..house.entry(AuditCode::PlanRefused) };
        house.store().append(refusal).await.expect("written");
    }
    tokio::time::sleep(Duration::from_secs(3_000)).await;
    for _ in 0..2 {
        assert_eq!(looked(&house, AuditCode::ExpectedStillLowered).await, 1, "the alarm, once");
    }
    let told = house.engine().lowerings(None).await.expect("the store answers");
    let [run] = told.runs.as_slice() else { panic!("{:?}", told.runs) };
    assert!(matches!(run.fate, Fate::Lowered { alarmed: Some(_), .. }), "{:?}", run.fate);
    assert_eq!(run.before.as_ref().map(|seen| (seen.quorate, seen.expected)), Some((false, 3)));
    assert_eq!(run.after.as_ref().map(|seen| (seen.quorate, seen.expected)), Some((true, 1)));
}

/// The runs are found by a word, which anybody may type into a reason.
#[tokio::test(start_paused = true)]
async fn a_word_in_many_reasons_does_not_hide_that_votes_are_lowered() {
    let house = Work::Expected.house().await;
    house.done(&house.expected_intent().await).await;
    house.engine().watch(house.cluster).await;
    for _ in 0..=LOWERED_MAX {
        let other = AuditEntry { reason: Some("set_expected".into()), ..house.entry(AuditCode::OperationStarted) };
        house.store().append(other).await.expect("written");
    }
    tokio::time::sleep(Duration::from_secs(3_700)).await;
    assert_eq!(looked(&house, AuditCode::ExpectedStillLowered).await, 1, "the alarm");
}

/// Planned while it was dead, run when it lives.
#[tokio::test(start_paused = true)]
async fn a_node_that_comes_back_meanwhile_stops_it() {
    let house = House::new(Scenario::healthy(4)).await;
    for node in ["pve2", "pve3", "pve4"] {
        house.inject(Fault::Kill { node: node.into() });
    }
    house.lab.settle().await;
    let intent = house.expected_intent().await;
    for link in [0, 1] {
        house.inject(Fault::CutLink { node: "pve4".into(), link });
    }
    house.inject(Fault::Start { node: "pve4".into() });
    house.lab.settle().await;
    let operation = house.run(&intent).await;
    assert_eq!(refusal(&operation), ProblemCode::AbsentAnswers);
    assert!(house.lab.inspect().partitions.iter().all(|one| !one.quorate), "nothing was lowered");
}

#[tokio::test(start_paused = true)]
async fn votes_that_moved_since_the_plan_stop_it() {
    let house = House::new(Scenario::healthy(5)).await;
    for node in ["pve2", "pve3", "pve4", "pve5"] {
        house.inject(Fault::Kill { node: node.into() });
    }
    house.lab.settle().await;
    let intent = house.expected_intent().await;
    house.inject(Fault::Start { node: "pve2".into() });
    let both = async || house.lab.inspect().partitions.iter().any(|one| one.nodes.len() == 2);
    house.until("a second node is there", Duration::from_secs(120), both).await;
    let operation = house.run(&intent).await;
    assert_eq!(refusal(&operation), ProblemCode::WorldChanged);
    assert!(house.lab.inspect().partitions.iter().all(|one| one.expected_votes == 5));
}

#[tokio::test(start_paused = true)]
async fn a_qdevice_that_would_be_enough_is_named_first() {
    let house = House::new(Scenario::healthy(2)).await;
    house.done(&house.qdevice_intent().await).await;
    house.inject(Fault::StopQnetd);
    house.inject(Fault::Kill { node: "pve2".into() });
    house.lab.settle().await;
    let now = seen(&house).await;
    assert_eq!(ways(&now), [Gentler::StartQnetd, Gentler::StartNode], "{now:#?}");
    // Its vote would be expected all the same: one of two stays blocked.
    assert_eq!((now.expected_after(), codes(&now)), (2, vec![ProblemCode::QdeviceKeepsBlocked]));
    let refused = house.engine().plan(house.cluster, &house.expected_intent().await).await.expect_err("no use");
    assert_eq!(refused.code, ProblemCode::QdeviceKeepsBlocked);
}

/// Four nodes and a QDevice, of which two nodes are left.
async fn half_without_the_device() -> House {
    let house = House::new(Scenario::healthy(4)).await;
    house.done(&house.qdevice_intent().await).await;
    house.inject(Fault::StopQnetd);
    for node in ["pve3", "pve4"] {
        house.inject(Fault::Kill { node: node.into() });
    }
    house.lab.settle().await;
    house
}

#[tokio::test(start_paused = true)]
async fn beside_a_silent_qdevice_more_is_expected_than_was_asked_for() {
    let house = half_without_the_device().await;
    let now = seen(&house).await;
    assert_eq!((now.votes(), now.expected_after(), codes(&now)), (2, 3, vec![]));
    let operation = house.done(&house.expected_intent().await).await;
    assert_eq!(operation.plan.target, "expected 2 on lab");
    assert_eq!(operation.plan.lowered_to(), Some(3));
    let truth = house.lab.inspect();
    let side = truth.partitions.iter().find(|one| one.nodes.contains("pve1")).expect("a partition");
    assert_eq!((side.quorate, side.expected_votes, side.total_votes), (true, 3, 2));
}

#[tokio::test(start_paused = true)]
async fn a_qdevice_that_votes_again_since_the_plan_stops_it() {
    let house = half_without_the_device().await;
    let intent = house.expected_intent().await;
    house.inject(Fault::StartQnetd);
    house.lab.settle().await;
    let refused = house.run(&intent).await;
    assert_eq!(refusal(&refused), ProblemCode::WorldChanged);
}
