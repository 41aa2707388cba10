//! A machine that two living clusters list: only plans of the one that it belongs to touch it.

use crate::house::{House, QNETD};
use crate::look;
use crate::works::Work;
use lab::Scenario;
use model::audit::AuditCode;
use model::ids::{ClusterId, NodeId};
use model::inventory::{Cluster, ClusterPhase, Node, Purpose};
use model::plan::Intent;
use model::problem::ProblemCode;
use model::remedy::RemedyKind;
use std::time::Duration;
use uuid::Uuid;

/// A living cluster that has never had it for a member lists the machine too, with the same key.
async fn claimed(house: &House, member: &Node) -> (ClusterId, NodeId) {
    let other = Cluster {
        id: ClusterId::from_uuid(Uuid::now_v7()),
        name: "other".parse().expect("a name"),
        phase: ClusterPhase::Live,
        protected: false,
        created_at: house.engine().clock.now(),
        created_by: "otto".into(),
    };
    let store = house.store();
    store.add_cluster(&other, house.entry(AuditCode::ClusterAdded)).await.expect("the cluster is added");
    let (id, purpose) = (NodeId::from_uuid(Uuid::now_v7()), Purpose::Member);
    let row = Node { id, cluster: other.id, purpose, pin: None, ..member.clone() };
    let row = store.add_node(&row, house.entry(AuditCode::NodeAdded)).await.expect("the node is added");
    let pin = member.pin.clone().expect("a pin");
    store.pin(row.id, &pin, house.entry(AuditCode::HostKeyPinned)).await.expect("the key is pinned");
    (other.id, row.id)
}

#[tokio::test(start_paused = true)]
async fn a_machine_on_two_lists_belongs_where_the_others_have_it_in_their_configuration() {
    let house = House::new(Scenario::healthy(3)).await;
    let member = house.node("pve2").await;
    let (other, there) = claimed(&house, &member).await;
    let plan = async |cluster: ClusterId, node: NodeId| {
        let mend = Intent::Remedy { node, remedy: RemedyKind::Chrony };
        house.engine().plan(cluster, &mend).await.map(drop).map_err(|problem| problem.code)
    };
    assert_eq!(plan(house.cluster, member.id).await, Err(ProblemCode::InOtherCluster), "nobody has read anything");

    house.engine().watch_all().await;
    let ours = async || plan(house.cluster, member.id).await.is_ok();
    house.until("it is known for a member here", Duration::from_secs(60), ours).await;
    let told = async || house.engine().hub.snapshot(other).is_some_and(|one| one.config_version.is_some());
    house.until("it has told its configuration there", Duration::from_secs(60), told).await;
    assert_eq!(plan(other, there).await, Err(ProblemCode::InOtherCluster), "which is this one's");
}

/// What the set-up puts on its host is taken away again, whoever has the host for a member by now; nothing else is done there.
#[tokio::test(start_paused = true)]
async fn a_device_whose_host_is_a_member_elsewhere_is_brought_back() {
    let house = Work::StartQdevice.house().await;
    let host = house.node(QNETD).await;
    claimed(&house, &host).await;
    let refused = house.engine().plan(house.cluster, &Intent::InstallKey { node: host.id }).await;
    assert_eq!(refused.expect_err("not this one's").code, ProblemCode::InOtherCluster);
    let operation = house.done(&Intent::StartQdevice).await;
    look::is_done(&house, &operation).await;
    Work::StartQdevice.check(&house);
}
