//! What could break a cluster that works: refused before anything runs, or parked where only a person can tell.

use crate::house::{House, anna};
use crate::look;
use lab::{Fault, JoinPoint, NodeSpec, Scenario, UnitStart};
use model::audit::AuditCode;
use model::inventory::LogIn;
use model::operation::{Operation, OperationState, StepEvent};
use model::plan::Intent;
use model::problem::{Problem, ProblemCode};
use std::time::Duration;

fn failed(operation: &Operation) -> &Problem {
    match &operation.state {
        OperationState::Failed { problem, .. } => problem,
        other => panic!("{other:?}"),
    }
}

fn parked(operation: &Operation) -> &Problem {
    match &operation.state {
        OperationState::Parked { problem, .. } => problem,
        other => panic!("{other:?}"),
    }
}

/// The joiner is refused for this reason, and nothing has changed in the cluster.
async fn refused(house: &House, joiner: &str, intent: &Intent, code: ProblemCode) {
    let before = house.lab.inspect();
    let operation = house.run(intent).await;
    assert_eq!(failed(&operation).code, code, "{}", failed(&operation));
    let after = house.lab.inspect();
    assert_eq!(after.ran("pvecm add"), before.ran("pvecm add"), "pvecm add was not started");
    for (name, node) in &before.nodes {
        assert_eq!(after.nodes[name].nodelist, node.nodelist, "nodelist of {name}");
        assert_eq!(after.nodes[name].config_version, node.config_version, "configuration of {name}");
    }
    assert_eq!(after.nodes[joiner].ran("pvecm add"), 0);
    look::audit_is_whole(house).await;
}

#[tokio::test(start_paused = true)]
async fn a_name_that_the_cluster_has_is_never_overwritten() {
    let mut scenario = Scenario::bare(3);
    scenario.nodes[2].hostname = "pve2".into();
    let house = House::built(scenario, 2).await;
    refused(&house, "pve3", &house.join_intent(&["pve3"]).await, ProblemCode::NameInCluster).await;
}

#[tokio::test(start_paused = true)]
async fn an_address_that_the_cluster_has_is_refused() {
    let house = House::built(Scenario::bare(3), 2).await;
    let mut intent = house.join_intent(&["pve3"]).await;
    let (second, third) = (house.id("pve2").await, house.id("pve3").await);
    let Intent::JoinNodes { links, .. } = &mut intent else { panic!("a join") };
    let taken = links[1].addresses[&second];
    links[1].addresses.insert(third, taken);
    let refusal = house.start(&intent).await.expect_err("both are chosen here");
    assert_eq!(refusal.code, ProblemCode::LinkAddressTwice);

    // Where the choice names the joiner alone, only the cluster knows.
    let Intent::JoinNodes { links, .. } = &mut intent else { panic!("a join") };
    links.iter_mut().for_each(|link| assert!(link.addresses.remove(&second).is_some()));
    refused(&house, "pve3", &intent, ProblemCode::AddressInCluster).await;
}

#[tokio::test(start_paused = true)]
async fn an_address_that_the_joiner_does_not_have_is_refused() {
    let house = House::built(Scenario::bare(2), 1).await;
    let mut intent = house.join_intent(&["pve2"]).await;
    if let Intent::JoinNodes { links, .. } = &mut intent {
        links[1].addresses.insert(house.id("pve2").await, "10.0.2.99".parse().expect("an address"));
    }
    refused(&house, "pve2", &intent, ProblemCode::LinkNotLocal).await;
}

#[tokio::test(start_paused = true)]
async fn guests_and_leftovers_on_the_joiner_are_refused() {
    let house = House::built(Scenario::bare(3), 1).await;
    house.inject(Fault::AddGuest { node: "pve2".into(), vmid: 100 });
    refused(&house, "pve2", &house.join_intent(&["pve2"]).await, ProblemCode::GuestsOnJoiner).await;
    house.lab.put_file("pve3", "/etc/corosync/authkey", b"left over");
    refused(&house, "pve3", &house.join_intent(&["pve3"]).await, ProblemCode::LeftoverAuthkey).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_of_another_cluster_is_refused() {
    let house = House::built(Scenario::bare(2), 1).await;
    let shell = house.engine().shell_to(&house.node("pve2").await).await.expect("a connection");
    let other = pve::pvecm::create(&"other".parse().expect("a name"), &[]);
    assert!(shell.run(&other).await.expect("an answer").success());
    house.lab.settle().await;
    refused(&house, "pve2", &house.join_intent(&["pve2"]).await, ProblemCode::InOtherCluster).await;
    assert_eq!(house.lab.inspect().nodes["pve2"].cluster.as_deref(), Some("other"));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_with_an_absent_member_takes_nobody() {
    let house = House::built(Scenario::bare(4), 3).await;
    house.inject(Fault::Kill { node: "pve3".into() });
    house.lab.settle().await;
    refused(&house, "pve4", &house.join_intent(&["pve4"]).await, ProblemCode::MembersOffline).await;
}

#[tokio::test(start_paused = true)]
async fn members_that_have_different_configurations_take_nobody() {
    let house = House::built(Scenario::bare(4), 3).await;
    let intent = house.join_intent(&["pve4"]).await;
    for on in ["pve1", "pve3"] {
        house.inject(Fault::RaiseConfigVersion { node: on.into(), on: true });
        refused(&house, "pve4", &intent, ProblemCode::JoinConfigurationsDiffer).await;
        house.inject(Fault::RaiseConfigVersion { node: on.into(), on: false });
    }
    look::is_done(&house, &house.done(&intent).await).await;
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_was_renamed_since_it_was_added_is_refused() {
    let house = House::built(Scenario::bare(3), 2).await;
    let intent = house.join_intent(&["pve3"]).await;
    // As another member, which the join would overwrite, and as nobody else.
    for hostname in ["pve2", "elsewhere"] {
        house.inject(Fault::Rename { node: "pve3".into(), hostname: hostname.into() });
        refused(&house, "pve3", &intent, ProblemCode::NameChanged).await;
    }
    house.inject(Fault::Rename { node: "pve3".into(), hostname: "pve3".into() });
    look::is_done(&house, &house.done(&intent).await).await;
}

#[tokio::test(start_paused = true)]
async fn a_name_of_which_the_cluster_still_has_files_is_refused() {
    let mut scenario = Scenario::bare(3);
    scenario.nodes[2].hostname = "pve9".into();
    let house = House::built(scenario, 2).await;
    for hostname in ["pve9", "pve2"] {
        house.inject(Fault::Rename { node: "pve2".into(), hostname: hostname.into() });
        if hostname == "pve9" {
            house.inject(Fault::AddGuest { node: "pve2".into(), vmid: 900 });
        }
    }
    refused(&house, "pve3", &house.join_intent(&["pve3"]).await, ProblemCode::NameLeftover).await;
}

#[tokio::test(start_paused = true)]
async fn a_machine_of_another_major_version_is_refused() {
    let mut scenario = Scenario::bare_84(2);
    scenario.nodes[0].release = Scenario::bare(1).nodes[0].release;
    let house = House::built(scenario, 1).await;
    refused(&house, "pve2", &house.join_intent(&["pve2"]).await, ProblemCode::VersionsApart).await;
}

/// A join whose `systemd-run` is cut off like this.
async fn cut_off(how: UnitStart) -> (House, Operation) {
    let house = House::built(Scenario::bare(2), 1).await;
    house.inject(Fault::UnitStartCutOff { node: "pve2".into(), how });
    let operation = house.run(&house.join_intent(&["pve2"]).await).await;
    look::audit_is_whole(&house).await;
    look::nothing_ran_twice(&house.lab.inspect());
    (house, operation)
}

#[tokio::test(start_paused = true)]
async fn the_unit_tells_whether_it_was_started_and_not_the_words_of_systemd_run() {
    let (house, operation) = cut_off(UnitStart::Started).await;
    look::is_done(&house, &operation).await;
    assert_eq!(house.lab.inspect().ran("pvecm add"), 1);

    let (house, operation) = cut_off(UnitStart::Lost).await;
    assert_eq!(failed(&operation).code, ProblemCode::NodeHangs);
    assert_eq!(house.lab.inspect().ran("pvecm add"), 0);
    let again = house.done(&house.join_intent(&["pve2"]).await).await;
    look::is_done(&house, &again).await;

    let (house, operation) = cut_off(UnitStart::StartedThenHangs).await;
    assert_eq!(parked(&operation).code, ProblemCode::NodeHangs, "it may be running, so the cluster stays taken");
    assert_eq!(house.lab.inspect().nodes["pve2"].units.len(), 1);
    let other = house.start(&house.join_intent(&["pve2"]).await).await.expect_err("the place is taken");
    assert_eq!(other.code, ProblemCode::AlreadyRunning);
}

/// A join that ends with code 0 or by a signal at this point.
async fn dies_at(point: JoinPoint) -> (House, Operation) {
    let house = House::built(Scenario::bare(2), 1).await;
    house.inject(Fault::JoinDiesAt { node: "pve2".into(), point });
    let operation = house.run(&house.join_intent(&["pve2"]).await).await;
    look::nothing_ran_twice(&house.lab.inspect());
    look::audit_is_whole(&house).await;
    (house, operation)
}

#[tokio::test(start_paused = true)]
async fn a_join_that_died_before_the_cluster_knew_is_refused_and_may_be_tried_again() {
    let (house, operation) = dies_at(JoinPoint::BeforeAddnode).await;
    assert_eq!(failed(&operation).code, ProblemCode::JoinRefused);
    let nodelist = house.lab.inspect().nodes["pve1"].nodelist.clone();
    assert_eq!(nodelist.keys().collect::<Vec<_>>(), ["pve1"]);
    let again = house.done(&house.join_intent(&["pve2"]).await).await;
    look::is_done(&house, &again).await;
}

#[tokio::test(start_paused = true)]
async fn a_join_that_died_after_the_cluster_knew_is_halfway() {
    for point in [JoinPoint::AfterAddnode, JoinPoint::AfterKeyCopied, JoinPoint::AfterDatabaseMoved] {
        let (house, operation) = dies_at(point).await;
        assert_eq!(parked(&operation).code, ProblemCode::JoinHalfway, "{point:?}");
        house.engine().resume(&anna(), operation.id).await.expect("it may be looked at again");
        let operation = house.ended(operation.id).await;
        assert_eq!(parked(&operation).code, ProblemCode::JoinHalfway, "{point:?}, looked at again");
        look::nothing_ran_twice(&house.lab.inspect());
    }
}

#[tokio::test(start_paused = true)]
async fn a_join_whose_last_words_are_missing_is_done_once_both_ends_say_so() {
    for point in [JoinPoint::WaitingForQuorum, JoinPoint::BeforeSuccess] {
        let (house, operation) = dies_at(point).await;
        assert_eq!(parked(&operation).code, ProblemCode::JoinHalfway, "{point:?}");
        house.lab.settle().await;
        house.engine().resume(&anna(), operation.id).await.expect("it goes on");
        let operation = house.ended(operation.id).await;
        look::is_done(&house, &operation).await;
        let truth = house.lab.inspect();
        look::one_cluster(&truth, &["pve1", "pve2"]);
        look::nothing_ran_twice(&truth);
        assert!(truth.nodes["pve2"].units.is_empty(), "{:?}", truth.nodes["pve2"].units);
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_host_key_stops_everything_until_a_person_confirms_it() {
    let house = House::built(Scenario::bare(2), 1).await;
    let lab = house.lab.clone();
    house.console.fence.after(
        |entry| entry.step == 4 && entry.event == StepEvent::Started,
        move || {
            lab.inject(Fault::ChangeHostKey { node: "pve2".into() }).expect("the fault");
            lab.inject(Fault::DropConnections { node: "pve2".into() }).expect("the fault");
        },
    );
    let operation = house.run(&house.join_intent(&["pve2"]).await).await;
    assert_eq!(parked(&operation).code, ProblemCode::HostKeyChanged);
    assert_eq!(house.lab.inspect().nodes["pve2"].ran("pvecm add"), 0);
    house.engine().resume(&anna(), operation.id).await.expect("a look");
    let operation = house.ended(operation.id).await;
    assert_eq!(parked(&operation).code, ProblemCode::HostKeyChanged, "still");

    house.pin(&house.node("pve2").await).await;
    house.engine().resume(&anna(), operation.id).await.expect("it goes on");
    let operation = house.ended(operation.id).await;
    look::is_done(&house, &operation).await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_host_key_that_the_watcher_sees_is_written_down_once() {
    let house = House::built(Scenario::bare(2), 1).await;
    let noted = async || {
        let entries = house.audit().await.into_iter();
        entries.filter(|one| one.entry.code == AuditCode::HostKeyMismatch).map(|one| one.entry).collect::<Vec<_>>()
    };
    for round in 1..=2 {
        house.inject(Fault::ChangeHostKey { node: "pve1".into() });
        house.inject(Fault::DropConnections { node: "pve1".into() });
        let seen = async || noted().await.len() == round;
        house.until("the change is in the audit", Duration::from_secs(300), seen).await;
        tokio::time::sleep(Duration::from_secs(300)).await;
        assert_eq!(noted().await.len(), round, "once per change");
        let node = house.node("pve1").await;
        let LogIn::KeyChanged { offered } = &node.log_in else { panic!("{:?}", node.log_in) };
        let entry = noted().await.pop().expect("an entry");
        assert_eq!((entry.details["offered"].as_str(), entry.who.as_str()), (offered.fingerprint.as_str(), "system"));
        assert_eq!(node.offered.as_ref(), Some(offered), "kept for a person to compare");
        assert_ne!(node.pin.expect("still pinned").key.fingerprint, offered.fingerprint);
    }
}

#[tokio::test(start_paused = true)]
async fn an_odd_cluster_or_an_absent_member_gets_no_qdevice() {
    let house = House::new(Scenario::healthy(3)).await;
    let refusal = house.start(&house.qdevice_intent().await).await.expect_err("odd");
    assert_eq!(refusal.code, ProblemCode::QdeviceOddCount);

    let house = House::new(Scenario { nodes: four(), ..Scenario::healthy(4) }).await;
    house.inject(Fault::StopCorosync { node: "pve3".into() });
    house.lab.settle().await;
    let operation = house.run(&house.qdevice_intent().await).await;
    assert_eq!(failed(&operation).code, ProblemCode::MembersOffline, "{}", failed(&operation));
    assert_eq!(house.lab.inspect().ran("pvecm qdevice setup"), 0);
}

fn four() -> Vec<NodeSpec> {
    Scenario::healthy(4).nodes
}

#[tokio::test(start_paused = true)]
async fn while_ha_moves_a_service_nobody_joins() {
    const STATUS: &str = "/etc/pve/ha/manager_status";
    let told = |state: &str| {
        format!(
            r#"{{"service_status":{{"vm:100":{{"node":"pve1","uid":"a","state":"{state}"}}}},"master_node":"pve1"}}"#
        )
    };
    let house = House::built(Scenario::bare(2), 1).await;
    let write = async |text: String| {
        let ran = house.lab.run("pve1", &format!("tee {STATUS}"), text.as_bytes()).await.expect("an answer");
        assert_eq!(ran.exit, 0, "{ran:?}");
    };
    let intent = house.join_intent(&["pve2"]).await;
    for state in ["migrate", "fence"] {
        write(told(state)).await;
        refused(&house, "pve2", &intent, ProblemCode::HaBusy).await;
    }
    write(told("started")).await;
    house.done(&intent).await;
    look::one_cluster(&house.lab.inspect(), &["pve1", "pve2"]);
}
