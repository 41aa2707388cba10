//! Nodes that count as absent and are alive all the same: where they are knocked at, and by whom.

use crate::house::{self, House};
use crate::recovering::{codes, refusal, seen};
use lab::{Fault, Scenario};
use model::audit::AuditCode;
use model::links::LinkPlan;
use model::plan::Intent;
use model::problem::ProblemCode;
use model::recovery::Recovery;

#[tokio::test(start_paused = true)]
async fn a_node_without_corosync_says_so_itself() {
    let house = House::new(Scenario::healthy(2)).await;
    house.inject(Fault::StopCorosync { node: "pve2".into() });
    house.lab.settle().await;
    let now = seen(&house).await;
    assert_eq!(codes(&now), [ProblemCode::AbsentAnswers], "{now:#?}");
    let quoted = now.absent[0].own_view.as_ref().expect("its own words");
    assert!(quoted.command.contains("corosync-quorumtool") && quoted.exit != Some(0), "{quoted:?}");
    assert!(!quoted.lines.is_empty());
}

/// Whom the console does not have in its list, and who can be asked by the others alone.
async fn forgotten(house: &House, name: &str) {
    let entry = house.entry(AuditCode::NodeForgotten);
    house.store().forget_node(house.id(name).await, entry).await.expect("it is forgotten");
}

/// Where the absent nodes answered, and who heard it.
fn heard(recovery: &Recovery) -> Vec<(&str, &str)> {
    let signs = recovery.absent.iter().flat_map(|node| &node.answers);
    signs.map(|sign| (sign.address.as_str(), sign.heard_by.as_str())).collect()
}

/// Two nodes whose corosync has the second network for itself; the console does not know the second one.
async fn apart() -> House {
    let house = House::new(Scenario::bare(2)).await;
    let links: Vec<LinkPlan> =
        house.links().await.into_iter().skip(1).map(|link| LinkPlan { number: 0, ..link }).collect();
    let [first, joiner] = [house.id("pve1").await, house.id("pve2").await];
    let name = house::CLUSTER.parse().expect("a name");
    house.done(&Intent::CreateCluster { name, first, links: links.clone() }).await;
    house.done(&Intent::JoinNodes { joiners: vec![joiner], member: first, links }).await;
    forgotten(&house, "pve2").await;
    house.inject(Fault::CutLink { node: "pve2".into(), link: 1 });
    house.lab.settle().await;
    house
}

#[tokio::test(start_paused = true)]
async fn a_node_is_knocked_at_where_only_pmxcfs_knows_it() {
    let house = apart().await;
    let now = seen(&house).await;
    assert_eq!(now.absent[0].addresses, ["10.0.2.12:22", "10.0.1.12:22"]);
    assert_eq!((heard(&now), codes(&now)), (vec![("10.0.1.12:22", "pve1")], vec![ProblemCode::AbsentAnswers]));
    house.inject(Fault::Kill { node: "pve2".into() });
    house.lab.settle().await;
    assert_eq!(codes(&seen(&house).await), [], "nobody is left to answer");
}

#[tokio::test(start_paused = true)]
async fn what_a_plan_knocked_at_is_knocked_at_again_whoever_has_forgotten_it() {
    let house = apart().await;
    house.inject(Fault::Kill { node: "pve2".into() });
    house.lab.settle().await;
    let intent = house.expected_intent().await;
    for fault in [Fault::StopPmxcfs { node: "pve1".into() }, Fault::StartPmxcfs { node: "pve1".into() }] {
        house.inject(fault);
        house.lab.settle().await;
    }
    house.inject(Fault::Start { node: "pve2".into() });
    house.lab.settle().await;
    assert_eq!(seen(&house).await.absent[0].addresses, ["10.0.2.12:22"], "pmxcfs has forgotten the other one");
    let operation = house.run(&intent).await;
    assert_eq!(refusal(&operation), ProblemCode::AbsentAnswers);
}

#[tokio::test(start_paused = true)]
async fn members_of_the_side_that_cannot_be_asked_are_named() {
    let house = House::new(Scenario::healthy(5)).await;
    for node in ["pve4", "pve5"] {
        house.inject(Fault::Kill { node: node.into() });
    }
    house.lab.settle().await;
    forgotten(&house, "pve2").await;
    house.inject(Fault::HangCommands { node: "pve3".into(), on: true });
    let now = seen(&house).await;
    for node in &now.absent {
        let unasked: Vec<&str> = node.unasked.iter().map(|one| one.by.as_str()).collect();
        assert_eq!(unasked, ["pve2", "pve3"], "{node:#?}");
        assert_eq!(node.unasked[0].problem.code, ProblemCode::NoWayToIt);
        assert_eq!(node.silent_to, ["console", "pve1"]);
    }
}

/// One card of the first is broken, and the absent one is behind it.
#[tokio::test(start_paused = true)]
async fn every_node_of_the_side_knocks() {
    let house = House::new(Scenario::healthy(4)).await;
    house.inject(Fault::Kill { node: "pve4".into() });
    house.inject(Fault::StopCorosync { node: "pve3".into() });
    forgotten(&house, "pve3").await;
    house.inject(Fault::CutLink { node: "pve1".into(), link: 0 });
    house.inject(Fault::CutLink { node: "pve3".into(), link: 1 });
    house.lab.settle().await;
    let now = seen(&house).await;
    assert_eq!((now.through_name.as_str(), now.members.len()), ("pve1", 2), "{now:#?}");
    assert_eq!((heard(&now), codes(&now)), (vec![("10.0.1.13:22", "pve2")], vec![ProblemCode::AbsentAnswers]));
    assert_eq!(now.absent[0].silent_to, ["pve1"]);
    assert_eq!(now.absent[1].silent_to, ["console", "pve1", "pve2"]);
}

/// Cut off from everybody but the QDevice's host, which the console may ask.
#[tokio::test(start_paused = true)]
async fn who_is_connected_to_the_qdevice_lives() {
    let house = House::new(Scenario::healthy(4)).await;
    house.done(&house.qdevice_intent().await).await;
    for node in ["pve3", "pve4"] {
        house.inject(Fault::Kill { node: node.into() });
    }
    house.inject(Fault::CutLink { node: "pve2".into(), link: 1 });
    house.inject(Fault::CutLink { node: "pve1".into(), link: 0 });
    forgotten(&house, "pve2").await;
    house.lab.settle().await;
    let now = seen(&house).await;
    assert_eq!((now.through_name.as_str(), now.members.len()), ("pve1", 1));
    let signs = heard(&now);
    assert!(matches!(signs.as_slice(), [(address, "qnetd1")] if address.starts_with("10.0.1.12:")), "{signs:?}");
    assert!(codes(&now).contains(&ProblemCode::AbsentAnswers), "{now:#?}");
    assert!(now.evidence.iter().any(|one| one.node == "qnetd1" && one.command.contains("corosync-qnetd-tool")));
    house.inject(Fault::StopQnetd);
    house.lab.settle().await;
    let now = seen(&house).await;
    assert_eq!(heard(&now), [], "it has nothing to say");
    assert!(now.evidence.iter().any(|one| one.node == "qnetd1" && one.exit == Some(1)), "its words can be read");
    assert!(now.absent.iter().all(|node| node.unasked.iter().any(|one| one.by == "qnetd1")), "{now:#?}");
}
