//! One machine on the lists of several clusters: as what it may be taken in, and whose plans may touch it.

use crate::nodes::Site;
use app::api::{KeyOffer, NewCluster};
use engine::ports::ClusterStore as _;
use lab::{Fault, Scenario};
use model::ids::NodeId;
use model::inventory::ClusterPhase;
use model::plan::Intent;
use model::problem::{Problem, ProblemCode};
use serde_json::json;

fn code<T: std::fmt::Debug>(result: Result<T, Problem>) -> ProblemCode {
    result.expect_err("refused").code
}

impl Site {
    /// From here on the site is about another cluster.
    async fn another(&mut self, name: &str) {
        let new: NewCluster = self.operator.call("add_cluster", json!({ "name": name })).await.expect("draft");
        self.cluster = new.cluster;
    }

    async fn add_host(&self, node: &str) -> KeyOffer {
        let at = self.address(node);
        let host = json!({ "host": at.ip().to_string(), "port": at.port(), "user": "root", "qnetd": true });
        self.operator.call("add_node", json!({ "cluster": self.cluster, "node": host })).await.expect("added")
    }

    async fn plans(&self, node: NodeId) -> Result<(), Problem> {
        self.app.state.engine.plan(self.cluster, &Intent::InstallKey { node }).await.map(drop)
    }
}

/// With root's key on it a member would let in whoever operates the other cluster, and so would the file that all members share.
#[tokio::test]
async fn a_member_of_a_living_cluster_is_no_host_of_another_ones_qdevice() {
    let mut site = Site::with(Scenario::bare(1)).await;
    site.ready("pve1").await;
    let first = site.cluster;
    site.another("other").await;
    let offer = site.add_host("pve1").await;
    site.app.store.set_phase(first, ClusterPhase::Live).await.expect("living");
    let refused = site.pin(&site.operator, &offer).await.expect_err("it is a member there");
    assert_eq!((refused.code, refused.params["cluster"].as_str()), (ProblemCode::InOtherCluster, "prod"));
    site.app.store.set_phase(first, ClusterPhase::Draft).await.expect("a draft");
    site.pin(&site.operator, &offer).await.expect("a draft is no claim");
    site.app.store.set_phase(first, ClusterPhase::Live).await.expect("living, after all");
    for phase in [ClusterPhase::Draft, ClusterPhase::Live] {
        site.app.store.set_phase(site.cluster, phase).await.expect("either");
        assert_eq!(code(site.plans(offer.node).await), ProblemCode::InOtherCluster, "{phase:?}");
    }
}

#[tokio::test]
async fn a_member_of_a_living_cluster_is_no_way_into_another_one() {
    let mut site = Site::with(Scenario::bare(1)).await;
    site.ready("pve1").await;
    site.app.store.set_phase(site.cluster, ClusterPhase::Live).await.expect("living");
    site.another("other").await;
    let at = site.address("pve1");
    let via = json!({ "host": at.ip().to_string(), "port": at.port(), "user": "root" });
    let behind = json!({ "host": "192.0.2.1", "port": 22, "user": "root", "qnetd": false, "via": via });
    let added = json!({ "cluster": site.cluster, "node": behind });
    let behind: KeyOffer = site.operator.call("add_node", added).await.expect("added");
    let way = site.wizard().await.view.nodes.into_iter().find(|node| node.id != behind.node).expect("the way");
    let refused = site.pin(&site.operator, &KeyOffer { node: way.id, offered: way.offered }).await;
    assert_eq!(code(refused), ProblemCode::InOtherCluster);
}

/// The way of the one has joined the other meanwhile, and was installed anew: what goes through it needs its new key.
#[tokio::test]
async fn a_way_in_use_gets_its_new_key_also_as_a_member_elsewhere() {
    let mut site = Site::with(Scenario::bare(2)).await;
    let member = site.pinned("pve1").await;
    let first = site.cluster;
    site.another("other").await;
    let at = |name: &str| {
        let at = site.address(name);
        json!({ "host": at.ip().to_string(), "port": at.port(), "user": "root" })
    };
    let mut behind = at("pve2");
    behind["via"] = at("pve1");
    behind["qnetd"] = json!(false);
    let added = json!({ "cluster": site.cluster, "node": behind });
    let behind: KeyOffer = site.operator.call("add_node", added).await.expect("added");
    let way = site.wizard().await.view.nodes.into_iter().find(|node| node.id != behind.node).expect("the way");
    site.pin(&site.operator, &KeyOffer { node: way.id, offered: way.offered }).await.expect("nobody's member yet");
    site.app.store.set_phase(first, ClusterPhase::Live).await.expect("living");
    site.lab.inject(Fault::ChangeHostKey { node: "pve1".to_owned() }).expect("new key");
    site.lab.inject(Fault::DropConnections { node: "pve1".to_owned() }).expect("cut");
    let fingerprint = site.lab.nodes()[0].host_key_fingerprint.clone();
    let admin = site.app.admin().await;
    for node in [member, way.id] {
        let replace = json!({ "node": node, "fingerprint": fingerprint });
        admin.call::<()>("pin_key", replace).await.expect("replaced");
    }
}

/// It belongs to neither.
#[tokio::test]
async fn two_living_clusters_may_have_one_qnetd_host() {
    let mut site = Site::with(Scenario::bare(1)).await;
    for other in [false, true] {
        if other {
            site.another("other").await;
        }
        let offer = site.add_host("qnetd1").await;
        site.pin(&site.operator, &offer).await.expect("pinned");
        site.app.store.set_phase(site.cluster, ClusterPhase::Live).await.expect("living");
        site.plans(offer.node).await.expect("nobody's member");
    }
}
