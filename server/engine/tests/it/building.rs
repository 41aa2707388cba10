//! A cluster from nothing: create, two joins, verified; and one of two nodes with a QDevice.

use crate::fence::held;
use crate::house::{CLUSTER, House, anna};
use crate::look;
use engine::ports::{ClusterStore, OperationStore};
use lab::Scenario;
use model::audit::{AuditCode, Outcome};
use model::inventory::ClusterPhase;
use model::operation::StepStatus;

#[tokio::test(start_paused = true)]
async fn three_bare_nodes_become_a_cluster() {
    let house = House::new(Scenario::bare(3)).await;
    let created = house.done(&house.create_intent().await).await;
    look::is_done(&house, &created).await;
    let known = held(house.raw().cluster(house.cluster)).await.expect("the cluster");
    assert_eq!((known.phase, known.name.as_str()), (ClusterPhase::Live, CLUSTER));

    let joined = house.done(&house.join_intent(&["pve2", "pve3"]).await).await;
    look::is_done(&house, &joined).await;

    let truth = house.lab.inspect();
    look::one_cluster(&truth, &["pve1", "pve2", "pve3"]);
    look::nothing_ran_twice(&truth);
    assert_eq!((truth.ran("pvecm create"), truth.ran("pvecm add"), truth.ran("pvecm addnode")), (1, 2, 2));
    assert!(truth.nodes.values().all(|node| node.units.is_empty()), "units are cleaned up");

    let verification = house.engine().verify(&anna(), house.cluster).await.expect("all answer");
    assert!(verification.agreed, "{:#?}", verification.rows);
    assert_eq!(verification.rows.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_audit_holds_every_command_as_it_ran() {
    let house = House::new(Scenario::bare(2)).await;
    let created = house.done(&house.create_intent().await).await;
    let joined = house.done(&house.join_intent(&["pve2"]).await).await;
    let entries = look::audit_is_whole(&house).await;

    for (operation, command, node) in [
        (&created, "pvecm create prod --link0 10.0.1.11,priority=10 --link1 10.0.2.11,priority=20", "pve1"),
        (&joined, "pvecm add 10.0.1.11 --use_ssh --link0 10.0.1.12 --link1 10.0.2.12", "pve2"),
    ] {
        let about: Vec<_> =
            entries.iter().map(|one| &one.entry).filter(|entry| entry.operation == Some(operation.id)).collect();
        let pair: Vec<_> = about.iter().filter(|entry| entry.command.as_deref() == Some(command)).collect();
        let codes: Vec<_> = pair.iter().map(|entry| (entry.code, entry.outcome)).collect();
        let whole = [(AuditCode::CommandStarted, Outcome::Started), (AuditCode::CommandFinished, Outcome::Success)];
        assert_eq!(codes, whole, "{command}");
        assert!(pair.iter().all(|entry| entry.node.as_deref() == Some(node) && entry.who == "anna"));
        assert!(pair[1].millis.is_some_and(|millis| millis > 500), "{:?}", pair[1].millis);
        let first = about.first().expect("entries");
        assert_eq!(
            (first.code, about.last().map(|entry| entry.code)),
            (AuditCode::PlanProposed, Some(AuditCode::OperationFinished))
        );
        assert_eq!(first.reason.as_deref(), Some("a cluster is needed"));
        let shown = operation.plan.steps.iter().flat_map(|step| &step.commands).any(|shown| shown == command);
        assert!(shown, "the person saw exactly what ran");
    }
    for operation in [&created, &joined] {
        look::ran_what_was_shown(operation, &entries);
    }
    let printed = held(house.raw().output_of(joined.id, 0, 1_000)).await.expect("output");
    let text: Vec<&str> = printed.iter().map(|line| line.text.as_str()).collect();
    assert!(text.contains(&"copy corosync auth key"), "{text:#?}");
    assert_eq!(text.last(), Some(&"successfully added node 'pve2' to cluster."), "{text:#?}");
    assert!(printed.iter().zip(1u64..).all(|(line, seq)| line.seq == seq), "numbered without gaps");
}

#[tokio::test(start_paused = true)]
async fn a_qdevice_votes_on_every_node() {
    let house = House::new(Scenario::bare(2)).await;
    house.done(&house.create_intent().await).await;
    house.done(&house.join_intent(&["pve2"]).await).await;
    let set_up = house.done(&house.qdevice_intent().await).await;
    look::is_done(&house, &set_up).await;
    look::ran_what_was_shown(&set_up, &look::audit_is_whole(&house).await);

    let truth = house.lab.inspect();
    look::nothing_ran_twice(&truth);
    assert_eq!(truth.ran("pvecm qdevice setup"), 1);
    let partition = truth.partitions.first().expect("a partition");
    assert_eq!((partition.expected_votes, partition.total_votes), (3, 3));

    house.engine().watch(house.cluster).await;
    house
        .until("the QDevice votes for all", std::time::Duration::from_secs(30), async || {
            let snapshot = house.engine().hub.snapshot(house.cluster).expect("watched");
            snapshot.qdevice.as_ref().is_some_and(|device| device.fact.value.works())
        })
        .await;
    let own = house.lab.file("qnetd1", "/root/.ssh/authorized_keys").expect("a file");
    let own = String::from_utf8_lossy(&own);
    assert!(!own.contains("root@pve1"), "the key that was only for the set-up is gone: {own}");
    assert!(own.contains("quorate"), "the console's own stays: {own}");
    assert!(matches!(set_up.steps.last(), Some(StepStatus::Proven { already: false, .. })));
}
