//! The QDevice's host: its packages by plan, reached by every node, outside of the cluster.

use crate::again::once_more;
use crate::house::{House, QNETD};
use crate::look;
use crate::works::Work;
use lab::{Fault, Scenario};
use model::audit::AuditCode;
use model::inventory::Purpose;
use model::operation::{Operation, OperationState, StepStatus};
use model::plan::{Action, Intent};
use model::problem::{Problem, ProblemCode};
use model::risk::Risk;
use std::time::Duration;

fn failed(operation: &Operation) -> &Problem {
    match &operation.state {
        OperationState::Failed { problem, .. } => problem,
        other => panic!("{other:?}"),
    }
}

fn remove(house: &House, node: &str, package: &str) {
    house.inject(Fault::RemovePackage { node: node.into(), package: package.into(), on: true });
}

#[tokio::test(start_paused = true)]
async fn only_what_is_missing_is_installed_the_host_first() {
    let house = Work::Qdevice.house().await;
    let plan = |plan: model::plan::Plan| {
        let installs = plan.steps.into_iter().filter(|step| matches!(step.action, Action::InstallPackage { .. }));
        installs.map(|step| step.node_name).collect::<Vec<_>>()
    };
    assert!(plan(Work::Qdevice.plan(&house).await).is_empty(), "all is there");
    remove(&house, "pve2", "corosync-qdevice");
    remove(&house, QNETD, "corosync-qnetd");
    assert_eq!(plan(Work::Qdevice.plan(&house).await), [QNETD, "pve2"]);
    let operation = house.done(&house.qdevice_intent().await).await;
    look::is_done(&house, &operation).await;
    Work::Qdevice.check(&house);
    let truth = house.lab.inspect();
    let counts = ["pve1", "pve2", QNETD].map(|name| truth.nodes[name].ran("apt-get install"));
    assert_eq!(counts, [0, 1, 1]);
    let shown: Vec<String> = operation.plan.steps.iter().flat_map(|step| step.commands.clone()).collect();
    let line = shown.iter().find(|line| line.contains("apt-get")).expect("a command");
    for word in ["DEBIAN_FRONTEND=noninteractive", "-y", "--no-install-recommends", "DPkg::Lock::Timeout=120"] {
        assert!(line.contains(word), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_whose_sources_do_not_answer_is_said_to_be_so() {
    let house = Work::QdevicePackages.house().await;
    house.inject(Fault::LoseRepository { node: QNETD.into(), on: true });
    let intent = house.qdevice_intent().await;
    let operation = house.run(&intent).await;
    let problem = failed(&operation);
    assert_eq!(problem.code, ProblemCode::PackageNotFetched);
    assert!(problem.quote.as_ref().is_some_and(|line| line.starts_with("E: Failed to fetch")), "{problem}");
    let truth = house.lab.inspect();
    assert_eq!((truth.ran("apt-get install"), truth.ran("pvecm qdevice setup")), (0, 0));
    house.inject(Fault::LoseRepository { node: QNETD.into(), on: false });
    house.done(&intent).await;
    Work::QdevicePackages.check(&house);
    look::audit_is_whole(&house).await;
}

#[tokio::test(start_paused = true)]
async fn another_package_manager_is_waited_for_up_to_a_limit() {
    let house = Work::QdevicePackages.house().await;
    house.inject(Fault::LockPackages { node: QNETD.into(), on: true });
    let intent = house.qdevice_intent().await;
    let operation = house.run(&intent).await;
    let problem = failed(&operation);
    assert_eq!(problem.code, ProblemCode::PackageManagerBusy);
    assert_eq!(problem.params.get("seconds").map(String::as_str), Some("120"));
    assert!(problem.quote.as_ref().is_some_and(|line| line.contains("process 812")), "{problem}");

    // Let go within the limit, it goes on by itself.
    let id = house.start(&intent).await.expect("it starts");
    tokio::time::sleep(Duration::from_secs(30)).await;
    house.inject(Fault::LockPackages { node: QNETD.into(), on: false });
    let operation = house.ended(id).await;
    look::is_done(&house, &operation).await;
    Work::QdevicePackages.check(&house);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_a_node_does_not_reach_is_refused_before_anything_changes() {
    let house = Work::Qdevice.house().await;
    house.inject(Fault::StopQnetd);
    let operation = house.run(&house.qdevice_intent().await).await;
    let problem = failed(&operation);
    assert_eq!(problem.code, ProblemCode::QnetdUnreachable, "{problem}");
    assert_eq!(problem.params.get("node").map(String::as_str), Some("pve1"));
    assert_eq!(house.lab.inspect().ran("pvecm qdevice setup"), 0);
    house.inject(Fault::StartQnetd);
    house.done(&house.qdevice_intent().await).await;
    Work::Qdevice.check(&house);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_a_guest_of_the_cluster_is_refused() {
    let house = Work::Qdevice.house().await;
    let cards = house.lab.run(QNETD, "ip -j link", b"").await.expect("an answer").stdout;
    let cards = pve::network::interfaces(pve::Answer::new(&cards, b"", 0)).expect("cards");
    let address = cards.into_iter().find_map(|card| card.mac).expect("a MAC");
    let config = format!("net0: virtio={},bridge=vmbr0\n", address.to_uppercase());
    let ran = house.lab.run("pve2", "tee /etc/pve/nodes/pve2/qemu-server/104.conf", config.as_bytes()).await;
    assert_eq!(ran.expect("an answer").exit, 0);
    let operation = house.run(&house.qdevice_intent().await).await;
    let problem = failed(&operation);
    assert_eq!(problem.code, ProblemCode::QnetdIsGuest, "{problem}");
    assert_eq!(problem.params.get("guest").map(String::as_str), Some("pve2/qemu-server/104.conf"));
    assert_eq!(house.lab.inspect().ran("pvecm qdevice setup"), 0);
}

#[tokio::test(start_paused = true)]
async fn packages_that_are_there_are_not_installed_again() {
    let house = Work::QdevicePackages.house().await;
    let first = house.done(&Work::QdevicePackages.intent(&house).await).await;
    let before = house.lab.inspect();
    let again = once_more(&house, &first).await;
    look::is_done(&house, &again).await;
    let installs = again.plan.steps.iter().zip(&again.steps);
    let mut installs = installs.filter(|(step, _)| matches!(step.action, Action::InstallPackage { .. }));
    assert!(installs.all(|(_, status)| matches!(status, StepStatus::Proven { already: true, .. })));
    assert_eq!(house.lab.inspect(), before);
}

/// `pvecm` takes an odd number of nodes only by force, and the console only against its advice.
#[tokio::test(start_paused = true)]
async fn an_odd_number_of_nodes_gets_a_device_only_against_advice() {
    let house = Work::QdeviceOdd.house().await;
    let refused = house.engine().plan(house.cluster, &house.qdevice_intent().await).await.expect_err("odd");
    assert_eq!(refused.code, ProblemCode::QdeviceOddCount);

    let intent = house.odd_qdevice_intent().await;
    let proposal = house.engine().plan(house.cluster, &intent).await.expect("a plan");
    assert_eq!(proposal.plan.risk, Risk::Destructive);
    let commands: Vec<&String> = proposal.plan.steps.iter().flat_map(|step| &step.commands).collect();
    assert!(
        commands.iter().any(|line| line.contains("pvecm qdevice setup") && line.contains(" --force")),
        "{commands:?}"
    );
    // Another person agrees, as to everything that is destructive.
    let done = house.done(&intent).await;
    look::is_done(&house, &done).await;
    Work::QdeviceOdd.check(&house);
}

/// What the page of the join says: with a device in the cluster no node joins, so it goes first. The node that waits has
/// neither a vote nor a configuration by which the removal could be proven.
#[tokio::test(start_paused = true)]
async fn a_device_is_removed_while_a_node_waits_to_join() {
    let house = House::built(Scenario::bare(3), 2).await;
    let third = house.id("pve3").await;
    house.store().forget_node(third, house.entry(AuditCode::NodeForgotten)).await.expect("taken out of the draft");
    house.done(&house.qdevice_intent().await).await;
    let row = house.add_row("pve3", Purpose::Member, "root").await;
    house.engine().try_log_in(&row).await.expect("the console may log in");
    house.engine().watch_all().await;
    let listed = async || {
        let snapshot = house.engine().hub.snapshot(house.cluster);
        snapshot.is_some_and(|one| one.cluster_name.is_some() && one.qdevice.is_some())
    };
    house.until("the cluster's list is known", Duration::from_secs(60), listed).await;

    let refused = house.start(&house.join_intent(&["pve3"]).await).await.expect_err("not beside a device");
    assert_eq!(refused.code, ProblemCode::QdeviceBeforeJoin);
    let removed = house.done(&Intent::RemoveQdevice).await;
    look::is_done(&house, &removed).await;
    assert!(house.lab.inspect().partitions.iter().any(|one| (one.nodes.len(), one.expected_votes) == (2, 2)));
    house.done(&house.join_intent(&["pve3"]).await).await;
    look::one_cluster(&house.lab.inspect(), &["pve1", "pve2", "pve3"]);
}
