//! What a lowering of votes rests on can be shown years later: who knocked where and heard nothing, who saw the votes last, and on
//! whose word it went on.

use crate::fence::held;
use crate::house::House;
use crate::lapsing::{TOO_LONG, parked, resumes};
use crate::recovering::seen;
use crate::works::Work;
use engine::ports::EvidenceStore as _;
use engine::recovery::CONSOLE;
use jiff::Timestamp;
use lab::Fault;
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::ids::OperationId;
use model::lowering::{Fate, Lowering};
use model::observation::Evidence;
use model::operation::{OperationState, StepEvent};
use model::problem::ProblemCode;
use model::role::Role;
use model::topology::Agreement;
use std::collections::BTreeSet;
use std::time::Duration;

/// Longer than votes may stay lowered without a word (an hour).
const ALARM: Duration = Duration::from_secs(3_700);

async fn entries(house: &House, code: AuditCode) -> Vec<AuditEntry> {
    house.audit().await.into_iter().map(|one| one.entry).filter(|entry| entry.code == code).collect()
}

/// How often such an entry is there after one look at the votes.
async fn looked(house: &House, code: AuditCode) -> usize {
    house.engine().look_at_lowered_votes(&mut BTreeSet::new()).await.expect("the store answers");
    entries(house, code).await.len()
}

async fn told(house: &House) -> Lowering {
    let mut told = house.engine().lowerings(None).await.expect("the store answers");
    assert_eq!(told.runs.len(), 1, "{told:#?}");
    told.runs.remove(0)
}

fn is_knock(one: &Evidence) -> bool {
    one.node == CONSOLE || one.command.contains("probe 3 ")
}

/// Whom the newest knock of each belongs to, of the console's and of the node's.
async fn relied_on(house: &House, all: &[Evidence]) -> Vec<(String, Option<OperationId>)> {
    let mut newest: Vec<&Evidence> = Vec::new();
    for one in all.iter().filter(|one| is_knock(one)) {
        if !newest.iter().any(|other| (&other.node, &other.command) == (&one.node, &one.command)) {
            newest.push(one);
        }
    }
    let mut found = Vec::new();
    for one in newest {
        let kept = held(house.raw().behind(house.cluster, &one.node, &one.command, one.at)).await.expect("kept");
        found.push((one.node.clone(), kept.operation));
    }
    found.sort();
    found
}

#[tokio::test(start_paused = true)]
async fn who_knocked_where_and_heard_nothing_is_shown_and_kept_with_the_operation() {
    let house = Work::Expected.house().await;
    let now = seen(&house).await;
    let dialled: Vec<&Evidence> = now.evidence.iter().filter(|one| one.node == CONSOLE).collect();
    let places: Vec<&str> = dialled.iter().map(|one| one.command.as_str()).collect();
    assert_eq!(places, ["dial pve2:22", "dial pve3:22"]);
    assert!(dialled.iter().all(|one| !one.lines.is_empty() && one.at >= now.at), "what came back: {dialled:#?}");
    let probe = now.evidence.iter().find(|one| one.node == "pve1" && is_knock(one)).expect("pve1 knocked");
    for place in ["10.0.1.12:22", "10.0.2.13:22"] {
        assert!(probe.command.contains(place), "{}", probe.command);
        let said = format!("tcp {place} ");
        assert!(probe.lines.iter().any(|line| line.text.starts_with(&said)), "{:#?}", probe.lines);
    }
    assert!(now.told_at <= now.at, "the nodes were asked before anybody knocked");

    let operation = house.done(&house.expected_intent().await).await;
    let all = held(house.raw().evidence_of(house.cluster, None, 1_000)).await.expect("evidence");
    let started = entries(&house, AuditCode::OperationStarted).await.remove(0).at;
    let newest = all.iter().find(|one| is_knock(one)).expect("a knock");
    assert!(newest.at > started, "the step has knocked itself");
    let by = Some(operation.id);
    let wanted = [(CONSOLE, by), (CONSOLE, by), ("pve1", by)].map(|(node, id)| (node.to_owned(), id));
    assert_eq!(relied_on(&house, &all).await, wanted);

    let looks = entries(&house, AuditCode::QuorumSeen).await;
    let before = looks.iter().find(|entry| entry.details["moment"] == "before").expect("the look before");
    assert_eq!(before.details["silent_to"], "pve2: console, pve1; pve3: console, pve1");
    assert_eq!(before.details.get("unasked"), None, "everybody could ask");
    assert!(before.details.keys().all(|name| model::audit::DETAILS.contains(&name.as_str())), "{before:?}");
    let shown = told(&house).await.before.expect("the look before");
    assert_eq!(shown.silent_to, before.details["silent_to"]);
}

/// The console sees nothing of the side whose votes are lowered.
fn hide(house: &House, on: bool) {
    house.inject(Fault::HangCommands { node: "pve1".into(), on });
}

/// Lowered, watched for a while, and then out of sight for longer than an hour.
async fn out_of_sight() -> House {
    let house = Work::Expected.house().await;
    house.done(&house.expected_intent().await).await;
    let proven = told(&house).await.after.expect("its proof").at;
    house.engine().watch(house.cluster).await;
    let watched = async || {
        let fate = told(&house).await.fate;
        matches!(fate, Fate::Lowered { seen: Some(seen), .. } if seen.node == "pve1" && seen.at > proven)
    };
    house.until("who watches sees it", Duration::from_secs(60), watched).await;
    assert!(told(&house).await.fate.is_seen(house.engine().clock.now()));
    hide(&house, true);
    tokio::time::sleep(ALARM).await;
    house
}

#[tokio::test(start_paused = true)]
async fn where_nobody_can_look_nobody_says_that_the_votes_are_still_lowered() {
    let house = out_of_sight().await;
    for _ in 0..2 {
        assert_eq!(looked(&house, AuditCode::ExpectedUnseen).await, 1, "said once");
    }
    assert!(entries(&house, AuditCode::ExpectedStillLowered).await.is_empty(), "nobody has seen it");
    let said = entries(&house, AuditCode::ExpectedUnseen).await.remove(0);
    assert_eq!((said.outcome, said.node.as_deref()), (Outcome::Unknown, Some("pve1")));
    let last: Timestamp = said.details["last_seen"].parse().expect("a time");
    assert!(said.at.duration_since(last).as_secs() > 3_000, "{said:?}");
    let fate = told(&house).await.fate;
    assert!(!fate.is_seen(house.engine().clock.now()), "{fate:?}");
    assert!(matches!(&fate, Fate::Lowered { alarmed: None, seen: Some(seen), .. } if seen.node == "pve1"), "{fate:?}");

    hide(&house, false);
    let again = async || looked(&house, AuditCode::ExpectedStillLowered).await == 1;
    house.until("it is seen again, and still lowered", Duration::from_secs(600), again).await;
    let fate = told(&house).await.fate;
    assert!(fate.is_seen(house.engine().clock.now()), "{fate:?}");
    assert_eq!(looked(&house, AuditCode::ExpectedUnseen).await, 1);
}

#[tokio::test(start_paused = true)]
async fn votes_that_one_half_has_lowered_are_alarmed_of_while_the_other_half_contradicts_it() {
    let house = Work::Expected.house().await;
    house.done(&house.expected_intent().await).await;
    for link in [0, 1] {
        house.inject(Fault::CutLink { node: "pve1".into(), link });
    }
    for node in ["pve2", "pve3"] {
        house.inject(Fault::Start { node: node.into() });
    }
    house.engine().watch(house.cluster).await;
    let split = async || {
        let snapshot = house.engine().hub.snapshot(house.cluster);
        snapshot.is_some_and(|one| matches!(one.agreement, Agreement::Partitioned { .. }))
    };
    house.until("two halves are seen", Duration::from_secs(600), split).await;
    tokio::time::sleep(ALARM).await;
    assert!(split().await);
    assert_eq!(looked(&house, AuditCode::ExpectedStillLowered).await, 1);
    assert!(entries(&house, AuditCode::ExpectedUnseen).await.is_empty(), "pve1 itself has told it all the time");
    assert!(entries(&house, AuditCode::ExpectedRestored).await.is_empty(), "the other half never lowered any");
    let fate = told(&house).await.fate;
    assert!(matches!(&fate, Fate::Lowered { seen: Some(seen), .. } if seen.node == "pve1"), "{fate:?}");
    assert!(fate.is_seen(house.engine().clock.now()), "{fate:?}");
}

#[tokio::test(start_paused = true)]
async fn a_console_that_has_just_started_is_not_blind_yet() {
    let mut house = out_of_sight().await;
    house.restart().await;
    house.engine().watch(house.cluster).await;
    let follow = async |seconds| {
        let follow = house.engine().follow_lowered_votes();
        tokio::time::timeout(Duration::from_secs(seconds), follow).await.expect_err("it never ends");
        entries(&house, AuditCode::ExpectedUnseen).await.len()
    };
    assert_eq!(follow(50).await, 0, "it has hardly tried");
    assert_eq!(follow(120).await, 1);
}

#[tokio::test(start_paused = true)]
async fn who_agreed_anew_is_named_beside_who_agreed_first() {
    let house = Work::Expected.house().await;
    let lab = house.lab.clone();
    house.console.fence.after(
        |entry| entry.event == StepEvent::Started,
        move || lab.inject(Fault::HangCommands { node: "pve1".into(), on: true }).expect("it hangs"),
    );
    let operation = house.run(&house.expected_intent().await).await;
    assert_eq!(parked(&operation), ProblemCode::NodeHangs);
    hide(&house, false);
    assert!(told(&house).await.agreed_anew.is_empty(), "nobody has yet");
    tokio::time::sleep(TOO_LONG).await;
    house.person("otto", Role::Approver).await;
    resumes(&house, "otto", Role::Approver, true, operation.id).await.expect("he agrees by it");
    assert_eq!(house.ended(operation.id).await.state, OperationState::Done);
    let told = told(&house).await;
    let first = told.agreed.expect("the first agreement").agreed;
    assert!(matches!(&first, model::approval::Agreed::By { by, .. } if by == "olga"), "{first:?}");
    let named: Vec<&str> = told.agreed_anew.iter().map(|one| one.by.as_str()).collect();
    assert_eq!(named, ["otto"]);
    let of_operation = house.engine().who_agreed_anew(operation.id).await.expect("the store answers");
    assert_eq!(of_operation, told.agreed_anew);
}
