use crate::support::{Room, at, cluster, cluster_id, conflict, entry, key, missing, node, operation, pin};
use engine::ports::{
    AuditStore as _, ClusterStore as _, DraftStore as _, EvidenceStore as _, OperationStore as _, PinStore as _,
};
use model::audit::{AuditCode, AuditFilter};
use model::ids::NodeId;
use model::inventory::{Cluster, ClusterPhase, LogIn, Node};
use model::observation::Evidence;
use model::operation::OperationState;
use model::problem::{Problem, ProblemCode};
use model::wizard::Draft;
use uuid::Uuid;

#[tokio::test]
async fn clusters_are_kept_and_named_once() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    assert_eq!(room.store.clusters().await.expect("list"), std::slice::from_ref(&one));
    let mut same = cluster(2);
    same.name = "PVE-1".parse().expect("name");
    assert_eq!(conflict(room.store.add_cluster(&same, entry(AuditCode::ClusterAdded)).await), "cluster of that name");
    assert_eq!(total(&room).await, 1, "a refused change leaves no audit entry");
    room.cluster(2).await;
    conflict(room.store.rename_cluster(cluster_id(2), "pve-1").await);
    room.store.rename_cluster(cluster_id(2), "lab").await.expect("rename");
    room.store.set_phase(cluster_id(2), ClusterPhase::Live).await.expect("phase");
    let two = room.store.cluster(cluster_id(2)).await.expect("cluster");
    assert_eq!((two.name.as_str(), two.phase), ("lab", ClusterPhase::Live));
    assert!(room.store.rename_cluster(cluster_id(2), "no good!").await.is_err());
    assert_eq!(missing(room.store.set_phase(cluster_id(9), ClusterPhase::Live).await), "cluster");
}

#[tokio::test]
async fn nodes_keep_their_order_and_their_state() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    for number in 1..=3 {
        let added = room.store.add_node(&node(one.id, number), entry(AuditCode::NodeAdded)).await.expect("add");
        assert_eq!(u128::from(added.position), number - 1);
    }
    let id = node(one.id, 2).id;
    let log_in = LogIn::Fails { problem: Problem::new(ProblemCode::Unreachable).with("seconds", 5), at: at(3) };
    room.store.set_log_in(id, &log_in).await.expect("log-in");
    room.store.set_node_name(id, "pve2").await.expect("name");
    room.store.keep_offer(id, &key("AAAA")).await.expect("offer");
    let nodes = room.store.nodes(one.id).await.expect("nodes");
    let expected =
        Node { name: Some("pve2".into()), offered: Some(key("AAAA")), log_in, position: 1, ..node(one.id, 2) };
    assert_eq!(nodes[1], expected);
    assert_eq!(room.store.node(id).await.expect("node"), expected);
    room.store.forget_node(node(one.id, 1).id, entry(AuditCode::NodeForgotten)).await.expect("forget");
    let added = room.store.add_node(&node(one.id, 4), entry(AuditCode::NodeAdded)).await.expect("add");
    assert_eq!(added.position, 3, "a place is not given twice");
}

#[tokio::test]
async fn an_address_is_in_a_cluster_once() {
    let room = Room::new().await;
    let (one, two) = (room.cluster(1).await, room.cluster(2).await);
    room.store.add_node(&node(one.id, 1), entry(AuditCode::NodeAdded)).await.expect("add");
    let mut same = Node { id: NodeId::from_uuid(Uuid::from_u128(77)), ..node(one.id, 1) };
    same.address.user = "ops".into();
    assert_eq!(conflict(room.store.add_node(&same, entry(AuditCode::NodeAdded)).await), "node with that address");
    same.address.port = 2222;
    room.store.add_node(&same, entry(AuditCode::NodeAdded)).await.expect("another port is another machine");
    let elsewhere = Node { id: NodeId::from_uuid(Uuid::from_u128(78)), ..node(two.id, 1) };
    room.store.add_node(&elsewhere, entry(AuditCode::NodeAdded)).await.expect("another cluster");
    assert_eq!(missing(room.store.add_node(&node(cluster_id(9), 5), entry(AuditCode::NodeAdded)).await), "cluster");
}

#[tokio::test]
async fn a_replaced_pin_is_remembered() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    let id = node(one.id, 1).id;
    room.store.add_node(&node(one.id, 1), entry(AuditCode::NodeAdded)).await.expect("add");
    room.store.keep_offer(id, &key("AAAA")).await.expect("offer");
    room.store.pin(id, &pin("AAAA"), entry(AuditCode::HostKeyPinned)).await.expect("pin");
    let pinned = room.store.node(id).await.expect("node");
    assert_eq!((pinned.pin, pinned.offered), (Some(pin("AAAA")), None));
    room.store.keep_offer(id, &key("CCCC")).await.expect("offer");
    room.store.pin(id, &pin("BBBB"), entry(AuditCode::HostKeyReplaced)).await.expect("replace");
    let replaced = room.store.node(id).await.expect("node");
    assert_eq!((replaced.pin, replaced.offered), (Some(pin("BBBB")), Some(key("CCCC"))), "another offer stays");
    assert_eq!(room.store.earlier_pins(id).await.expect("history"), [pin("AAAA")]);
    let unknown = NodeId::from_uuid(Uuid::from_u128(9));
    let before = total(&room).await;
    assert_eq!(missing(room.store.pin(unknown, &pin("AAAA"), entry(AuditCode::HostKeyPinned)).await), "node");
    assert_eq!(total(&room).await, before);
}

#[tokio::test]
async fn the_pin_of_a_forgotten_machine_stays_with_its_address() {
    let room = Room::new().await;
    let (one, two) = (room.cluster(1).await, room.cluster(2).await);
    let first = node(one.id, 1);
    room.store.add_node(&first, entry(AuditCode::NodeAdded)).await.expect("add");
    room.store.pin(first.id, &pin("AAAA"), entry(AuditCode::HostKeyPinned)).await.expect("pin");
    room.store.forget_node(first.id, entry(AuditCode::NodeForgotten)).await.expect("forget");
    let room = room.crash().await;
    let add = async |cluster, number, host: &str, port| {
        let mut added = node(cluster, number);
        (added.address.host, added.address.port) = (host.to_owned(), port);
        room.store.add_node(&added, entry(AuditCode::NodeAdded)).await.expect("add").pin
    };
    assert_eq!(add(one.id, 2, "192.0.2.1", 2222).await, None, "another port is another machine");
    assert_eq!(add(two.id, 3, "192.0.2.1", 22).await, None, "another cluster");
    assert_eq!(add(one.id, 4, "192.0.2.1", 22).await, Some(pin("AAAA")));
    let again = node(one.id, 4).id;
    assert_eq!(room.store.node(again).await.expect("node").pin, Some(pin("AAAA")));
    room.store.pin(again, &pin("BBBB"), entry(AuditCode::HostKeyReplaced)).await.expect("replace");
    for number in [4, 5] {
        room.store.forget_node(node(one.id, number).id, entry(AuditCode::NodeForgotten)).await.expect("forget");
        assert_eq!(add(one.id, number + 1, "192.0.2.1", 22).await, Some(pin("BBBB")), "the newest counts");
    }
}

#[tokio::test]
async fn an_older_draft_does_not_overwrite() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    let empty = room.store.draft(one.id).await.expect("draft");
    assert_eq!(empty, Draft::default());
    let mine =
        Draft { qdevice_skipped: true, touched_by: Some("ops-1".into()), touched_at: Some(at(1)), ..empty.clone() };
    let saved = room.store.save_draft(one.id, &mine, None).await.expect("save");
    assert_eq!(saved, Draft { revision: 1, ..mine });
    assert_eq!(room.store.draft(one.id).await.expect("draft"), saved);
    assert_eq!(conflict(room.store.save_draft(one.id, &empty, None).await), "newer draft");
    assert_eq!(room.store.save_draft(one.id, &saved, None).await.expect("save").revision, 2);
    assert_eq!(missing(room.store.draft(cluster_id(9)).await), "cluster");
}

#[tokio::test]
async fn of_two_who_save_at_once_one_is_told() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    let draft = Draft::default();
    let (a, b) = tokio::join!(room.store.save_draft(one.id, &draft, None), room.store.save_draft(one.id, &draft, None));
    assert_eq!([a.is_ok(), b.is_ok()].into_iter().filter(|ok| *ok).count(), 1);
}

#[tokio::test]
async fn a_forgotten_cluster_leaves_its_history() {
    let room = Room::new().await;
    let (one, two) = (room.cluster(1).await, room.cluster(2).await);
    for cluster in [&one, &two] {
        let number = if cluster.id == one.id { 1 } else { 2 };
        let added = Node { pin: Some(pin("AAAA")), ..node(cluster.id, number) };
        room.store.add_node(&added, entry(AuditCode::NodeAdded)).await.expect("node");
        room.store.save_draft(cluster.id, &Draft::default(), None).await.expect("draft");
        room.store.keep(cluster.id, None, &evidence()).await.expect("evidence");
        room.store.propose(&operation(cluster.id, number), entry(AuditCode::PlanProposed)).await.expect("propose");
    }
    let entries = total(&room).await;
    room.store.forget_cluster(one.id, entry(AuditCode::ClusterForgotten)).await.expect("forget");
    assert_eq!(missing(room.store.cluster(one.id).await), "cluster");
    assert_eq!(missing(room.store.node(node(one.id, 1).id).await), "node");
    assert_eq!(missing(room.store.draft(one.id).await), "cluster");
    assert!(room.store.evidence_of(one.id, None, 9).await.expect("evidence").is_empty());
    let kept = room.store.operation(operation(one.id, 1).id).await.expect("operation");
    assert_eq!((kept.plan, kept.state), (operation(one.id, 1).plan, OperationState::Abandoned));
    assert_eq!(total(&room).await, entries + 1);
    assert_eq!(room.store.node(node(two.id, 2).id).await.expect("the other").pin, Some(pin("AAAA")));
    assert_eq!(room.store.evidence_of(two.id, None, 9).await.expect("evidence").len(), 1);
}

#[tokio::test]
async fn nothing_is_forgotten_under_a_running_operation() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    room.store.add_node(&node(one.id, 1), entry(AuditCode::NodeAdded)).await.expect("node");
    let running = operation(one.id, 1);
    room.store.propose(&running, entry(AuditCode::PlanProposed)).await.expect("propose");
    room.store
        .set_state(running.id, &OperationState::Proposed, &OperationState::Running, None, at(1))
        .await
        .expect("run");
    assert_eq!(
        conflict(room.store.forget_cluster(one.id, entry(AuditCode::ClusterForgotten)).await),
        "running operation"
    );
    assert_eq!(
        conflict(room.store.forget_node(node(one.id, 1).id, entry(AuditCode::NodeForgotten)).await),
        "running operation"
    );
}

async fn total(room: &Room) -> u64 {
    room.store.find(&AuditFilter::default(), 1).await.expect("find").total
}

fn evidence() -> Evidence {
    Evidence {
        node: "pve1".into(),
        command: "pvecm status".into(),
        exit: Some(0),
        at: at(2),
        millis: 12,
        lines: vec![],
        cut: false,
    }
}

#[tokio::test]
async fn an_import_is_written_down_as_a_whole_or_not_at_all() {
    use engine::ports::Adoption;
    let room = Room::new().await;
    let (one, two) = (Cluster { protected: false, ..cluster(1) }, room.cluster(2).await);
    room.store.add_cluster(&one, entry(AuditCode::ClusterAdded)).await.expect("add");
    let first = Node { name: Some("pve1".into()), ..node(one.id, 1) };
    room.store.add_node(&first, entry(AuditCode::NodeAdded)).await.expect("add");
    let draft = Draft { touched_by: Some("ops-1".into()), ..Draft::default() };
    let adoption = |name: &str, number: u128, revision: u64| Adoption {
        cluster: one.id,
        name: name.parse().ok(),
        protection: Some(entry(AuditCode::PolicyChanged)),
        nodes: vec![Node { name: Some("pve2".into()), ..node(one.id, number) }],
        draft: Draft { revision, ..draft.clone() },
    };
    let entries = || vec![entry(AuditCode::ClusterImported), entry(AuditCode::NodeAdded)];
    let before = total(&room).await;
    conflict(room.store.adopt(&adoption("prod", 1, 0), entries()).await);
    conflict(room.store.adopt(&adoption("prod", 2, 7), entries()).await);
    let untouched = room.store.cluster(one.id).await.expect("cluster");
    assert_eq!((untouched.phase, total(&room).await), (one.phase, before), "nothing of what was refused stays");
    assert_eq!(room.store.nodes(one.id).await.expect("nodes").len(), 1);

    let added = room.store.adopt(&adoption("prod", 2, 0), entries()).await.expect("adopted");
    assert_eq!(added.iter().map(|node| node.position).collect::<Vec<_>>(), [1]);
    let live = room.store.cluster(one.id).await.expect("cluster");
    assert_eq!((live.name.as_str(), live.phase, live.protected), ("prod", ClusterPhase::Live, true));
    assert_eq!(total(&room).await, before + 3, "the protection is an entry too");
    let taken = two.name.as_str().to_uppercase();
    room.store.adopt(&Adoption { nodes: Vec::new(), ..adoption(&taken, 3, 1) }, Vec::new()).await.expect("adopted");
    assert_eq!(room.store.cluster(one.id).await.expect("cluster").name.as_str(), "prod", "a taken name is not taken");
    assert_eq!(total(&room).await, before + 3, "a live cluster is not protected a second time");
}
