//! Restarting corosync: what is said before, what is refused, and who has to see the node again.

use crate::house::{House, anna};
use crate::look;
use crate::works::Work;
use jiff::Timestamp;
use lab::{Fault, Scenario};
use model::audit::AuditCode;
use model::operation::{Operation, OperationState, StepEvent, StepStatus};
use model::plan::{ConsequenceCode, Intent, Plan};
use model::problem::{Problem, ProblemCode};
use std::time::Duration;

async fn planned(house: &House, node: &str) -> Result<Plan, Problem> {
    let intent = Intent::RestartCorosync { node: house.id(node).await };
    house.engine().plan(house.cluster, &intent).await.map(|proposal| proposal.plan)
}

fn said(plan: &Plan) -> Vec<ConsequenceCode> {
    plan.consequences.iter().map(|one| one.code).collect()
}

#[tokio::test(start_paused = true)]
async fn one_of_three_is_restarted_and_the_others_stay_quorate_all_the_time() {
    let house = Work::Restart.house().await;
    let plan = planned(&house, "pve2").await.expect("a plan");
    assert_eq!(said(&plan), [ConsequenceCode::VoteMissingMeanwhile]);
    assert_eq!(
        (plan.target.as_str(), plan.steps[0].commands.as_slice()),
        ("pve2", &["systemctl restart corosync".to_owned()][..])
    );
    let began = tokio::time::Instant::now();
    house.lab.record();
    let operation = house.done(&Work::Restart.intent(&house).await).await;
    look::is_done(&house, &operation).await;
    look::ran_what_was_shown(&operation, &look::audit_is_whole(&house).await);
    let told = house.lab.told("pve1", began, tokio::time::Instant::now());
    let quorums: Vec<_> = told.iter().filter_map(|(_, told)| told.quorum.as_ref()).collect();
    assert!(quorums.iter().all(|one| one.quorate), "{quorums:?}");
    assert!(quorums.iter().any(|one| one.members.len() == 2), "the node was away for a moment: {quorums:?}");
    assert_eq!(house.lab.inspect().nodes["pve2"].ran("systemctl restart corosync"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_quorum_that_hangs_on_the_node_is_not_given_away_while_somebody_is_absent() {
    let house = Work::Restart.house().await;
    house.inject(Fault::Kill { node: "pve3".into() });
    house.lab.settle().await;
    let refused = planned(&house, "pve2").await.expect_err("pve1 would stand alone");
    assert_eq!(refused.code, ProblemCode::RestartCostsQuorum);
    assert_eq!((refused.params["votes"].as_str(), refused.params["quorum"].as_str()), ("1", "2"));
}

#[tokio::test(start_paused = true)]
async fn two_nodes_have_no_other_way_and_are_told_what_it_costs() {
    let house = House::new(Scenario::healthy(2)).await;
    assert!(house.lab.put_file("pve2", "/run/watchdog-mux.active", b""), "a client holds the watchdog");
    let plan = planned(&house, "pve2").await.expect("a plan");
    assert_eq!(said(&plan), [ConsequenceCode::QuorumLostMeanwhile, ConsequenceCode::WatchdogCounts]);
    let operation = house.done(&plan.intent).await;
    look::is_done(&house, &operation).await;
    look::one_cluster(&house.lab.inspect(), &["pve1", "pve2"]);
}

/// The one that is restarted takes the other one's quorum along.
#[tokio::test(start_paused = true)]
async fn a_watchdog_that_counts_on_another_node_is_said() {
    let counted = |plan: &Plan| -> Vec<String> {
        let counts = plan.consequences.iter().filter(|one| one.code == ConsequenceCode::WatchdogCounts);
        counts.map(|one| one.params["node"].clone()).collect()
    };
    let two = House::new(Scenario::healthy(2)).await;
    assert!(two.lab.put_file("pve1", "/run/watchdog-mux.active", b""), "a client holds the watchdog");
    assert_eq!(counted(&planned(&two, "pve2").await.expect("a plan")), ["pve1"]);
    let three = Work::Restart.house().await;
    assert!(three.lab.put_file("pve1", "/run/watchdog-mux.active", b""), "a client holds the watchdog");
    assert!(counted(&planned(&three, "pve2").await.expect("a plan")).is_empty(), "pve1 stays quorate");
}

/// The second of three nodes, whose others are dead.
async fn alone() -> House {
    let house = Work::Restart.house().await;
    for node in ["pve1", "pve3"] {
        house.inject(Fault::Kill { node: node.into() });
    }
    house.lab.settle().await;
    house
}

/// When the node was asked for its membership after its command had ended, and before the step was proven.
async fn own_words(house: &House, operation: &Operation) -> Vec<Timestamp> {
    let audit = house.audit().await;
    let mut ours = audit.iter().map(|one| &one.entry).filter(|entry| entry.operation == Some(operation.id));
    let ended = ours.find(|entry| entry.code == AuditCode::CommandFinished).expect("it ran").at;
    let [StepStatus::Proven { at: proven, .. }] = operation.steps.as_slice() else { panic!("{:?}", operation.steps) };
    let kept = house.store().evidence_of(house.cluster, Some("pve2"), 100).await.expect("evidence");
    let asked = kept.iter().filter(|one| one.command.contains("corosync-quorumtool")).map(|one| one.at);
    asked.filter(|at| ended <= *at && at <= proven).collect()
}

/// It was to find out whether a quorum comes back by it: that none does is an answer too, and the node itself gives it.
#[tokio::test(start_paused = true)]
async fn without_a_quorum_the_restart_itself_is_what_is_proven() {
    let house = alone().await;
    let plan = planned(&house, "pve2").await.expect("a plan");
    assert_eq!(said(&plan), [ConsequenceCode::ExpectedIsLast]);
    let operation = house.done(&plan.intent).await;
    look::is_done(&house, &operation).await;
    assert_eq!(house.lab.inspect().nodes["pve2"].ran("systemctl restart corosync"), 1);
    assert!(!own_words(&house, &operation).await.is_empty(), "nobody else could be asked, and it was not");
}

const CONF: &str = "/etc/corosync/corosync.conf";

/// A run is there, and the node does not count itself among its members.
#[tokio::test(start_paused = true)]
async fn without_a_quorum_the_nodes_own_word_is_waited_for() {
    let house = alone().await;
    let own = house.lab.file("pve2", CONF).expect("its configuration");
    let other = String::from_utf8_lossy(&own).replace("nodeid: 2", "nodeid: 9");
    assert_ne!(other.as_bytes(), own);
    house.console.fence.after(|entry| entry.event == StepEvent::Acted, {
        let lab = house.lab.clone();
        move || assert!(lab.put_file("pve2", CONF, other.as_bytes()), "no such node")
    });
    let operation = house.run(&Work::Restart.intent(&house).await).await;
    let OperationState::Parked { problem, .. } = &operation.state else { panic!("{:?}", operation.state) };
    assert_eq!(problem.code, ProblemCode::StepTimedOut, "{problem}");
    assert!(house.lab.put_file("pve2", CONF, &own));
    house.engine().resume(&anna(), operation.id).await.expect("it goes on");
    look::is_done(&house, &house.ended(operation.id).await).await;
    assert_eq!(house.lab.inspect().nodes["pve2"].ran("systemctl restart corosync"), 1, "and is not restarted again");
}

#[tokio::test(start_paused = true)]
async fn a_corosync_that_is_down_is_started() {
    let house = Work::Restart.house().await;
    house.inject(Fault::StopCorosync { node: "pve2".into() });
    house.lab.settle().await;
    let plan = planned(&house, "pve2").await.expect("a plan");
    assert_eq!(said(&plan), [], "the others go on without it anyway");
    look::is_done(&house, &house.done(&plan.intent).await).await;
    look::one_cluster(&house.lab.inspect(), &["pve1", "pve2", "pve3"]);
}

#[tokio::test(start_paused = true)]
async fn another_configuration_than_the_others_have_is_not_started_with() {
    let house = Work::Restart.house().await;
    house.inject(Fault::RaiseConfigVersion { node: "pve2".into(), on: true });
    let operation = house.run(&Work::Restart.intent(&house).await).await;
    let OperationState::Failed { problem, .. } = &operation.state else { panic!("{:?}", operation.state) };
    assert_eq!(problem.code, ProblemCode::ConfigurationsDiffer);
    assert_eq!(house.lab.inspect().nodes["pve2"].ran("systemctl restart corosync"), 0);
}

/// Planned with a vote too many, begun without it.
#[tokio::test(start_paused = true)]
async fn a_quorum_that_has_become_narrow_since_the_plan_is_not_given_away() {
    let house = Work::Restart.house().await;
    house.console.fence.after(|entry| entry.event == StepEvent::Started, {
        let lab = house.lab.clone();
        move || lab.inject(Fault::StopCorosync { node: "pve3".into() }).expect("it goes")
    });
    let operation = house.run(&Work::Restart.intent(&house).await).await;
    let OperationState::Failed { problem, .. } = &operation.state else { panic!("{:?}", operation.state) };
    assert_eq!(problem.code, ProblemCode::RestartCostsQuorum, "{problem}");
    assert_eq!(house.lab.inspect().nodes["pve2"].ran("systemctl restart corosync"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_others_have_to_see_it_and_not_the_node_alone() {
    let house = Work::Restart.house().await;
    let intent = Work::Restart.intent(&house).await;
    let id = house.start(&intent).await.expect("it starts");
    for link in [0, 1] {
        house.inject(Fault::CutLink { node: "pve2".into(), link });
    }
    let operation = house.ended(id).await;
    let OperationState::Parked { problem, .. } = &operation.state else { panic!("{:?}", operation.state) };
    assert_eq!(problem.code, ProblemCode::StepTimedOut, "nobody sees it: {problem}");
    for link in [0, 1] {
        house.inject(Fault::RestoreLink { node: "pve2".into(), link });
    }
    house.lab.settle().await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    house.engine().resume(&anna(), id).await.expect("it goes on");
    look::is_done(&house, &house.ended(id).await).await;
    assert_eq!(house.lab.inspect().nodes["pve2"].ran("systemctl restart corosync"), 1, "and is not restarted again");
}
