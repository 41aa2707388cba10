//! Taking over a cluster and leaving it again, as the pages do.

use crate::app::TestApp;
use crate::client::Client;
use app::api::{ImportBegun, ImportDone, KeySeen, OperationView, Preview, WizardView};
use lab::{Fault, Lab, Options, ROOT_PASSWORD, Scenario};
use model::ids::{ClusterId, NodeId, OperationId};
use model::import::Discovery;
use model::inventory::{ClusterPhase, LogIn, Node};
use model::operation::OperationState;
use model::problem::{Problem, ProblemCode};
use model::topology::Health;
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::timeout;

/// No wait of these tests may be longer, in real time.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Site {
    pub app: TestApp,
    pub lab: Lab,
    pub operator: Client,
}

impl Site {
    pub async fn with(scenario: Scenario) -> Self {
        let app = TestApp::new().await;
        let lab = Lab::new(scenario, Options { seed: 11, speed: 20.0, port: 0 }).expect("lab");
        lab.listen().await.expect("nodes");
        let operator = app.operator().await;
        Self { app, lab, operator }
    }

    pub fn at(&self, node: &str) -> SocketAddr {
        self.lab.nodes().into_iter().find(|one| one.name == node).and_then(|one| one.ssh).expect("it listens")
    }

    async fn begin(&self, node: &str) -> Result<ImportBegun, Problem> {
        let at = self.at(node);
        let node = json!({ "host": at.ip().to_string(), "port": at.port(), "user": "root", "qnetd": false });
        self.operator.call("import_begin", json!({ "node": node })).await
    }

    /// As far as the console being let in to the first node.
    pub async fn asked(&self, node: &str) -> ClusterId {
        let begun = self.begin(node).await.expect("begun");
        self.pin(begun.cluster, begun.node).await.expect("pinned");
        let key = json!({ "node": begun.node, "password": ROOT_PASSWORD });
        self.operator.call::<()>("install_key", key).await.expect("let in");
        begun.cluster
    }

    pub async fn pin(&self, cluster: ClusterId, node: NodeId) -> Result<(), Problem> {
        let offered = self.node(cluster, node).await.offered.expect("an offer");
        self.operator.call("pin_key", json!({ "node": node, "fingerprint": offered.fingerprint })).await
    }

    async fn discover(&self, cluster: ClusterId) -> Result<Discovery, Problem> {
        self.operator.call("discover", json!({ "cluster": cluster })).await
    }

    pub async fn import(&self, cluster: ClusterId, members: &[&str]) -> Result<ImportDone, Problem> {
        let members: Vec<_> =
            members.iter().map(|name| json!({ "name": name, "host": self.at(name).to_string() })).collect();
        self.operator.call("import_members", json!({ "cluster": cluster, "members": members })).await
    }

    async fn wizard(&self, cluster: ClusterId) -> WizardView {
        self.operator.call("wizard", json!({ "cluster": cluster })).await.expect("wizard")
    }

    async fn node(&self, cluster: ClusterId, id: NodeId) -> Node {
        self.wizard(cluster).await.view.nodes.into_iter().find(|node| node.id == id).expect("it is there")
    }

    pub async fn named(&self, cluster: ClusterId, name: &str) -> Node {
        let nodes = self.wizard(cluster).await.view.nodes;
        nodes.into_iter().find(|node| node.name.as_deref() == Some(name)).expect("it is there")
    }

    pub async fn until(&self, cluster: ClusterId, holds: impl Fn(&WizardView) -> bool) {
        let looking = async {
            while !holds(&self.wizard(cluster).await) {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, looking).await.expect("it comes true");
    }

    /// All three members taken over and let in.
    pub async fn imported(&self) -> ClusterId {
        let cluster = self.asked("pve2").await;
        self.import(cluster, &["pve1", "pve3"]).await.expect("taken over");
        for name in ["pve1", "pve3"] {
            let node = self.named(cluster, name).await;
            self.pin(cluster, node.id).await.expect("pinned");
        }
        self.until(cluster, |view| view.view.snapshot.health == Health::Healthy).await;
        cluster
    }
}

fn works(node: &Node) -> bool {
    matches!(node.log_in, LogIn::Works { .. })
}

#[tokio::test]
async fn one_password_and_three_fingerprints_take_a_cluster_over() {
    let site = Site::with(Scenario::healthy(3)).await;
    let cluster = site.asked("pve2").await;
    assert_eq!(site.wizard(cluster).await.view.cluster.phase, ClusterPhase::Importing);
    let found = site.discover(cluster).await.expect("discovered");
    assert_eq!((found.cluster_name.as_str(), found.told_by.as_str()), ("lab", "pve2"));
    let names: Vec<_> = found.found.iter().map(|one| (one.name.as_str(), one.known.is_some())).collect();
    assert_eq!(names, [("pve1", false), ("pve2", true), ("pve3", false)]);

    let done = site.import(cluster, &["pve1", "pve3"]).await.expect("taken over");
    assert_eq!(done, ImportDone { name: "lab".into(), name_taken: false, key_not_shared: None });
    let first = site.named(cluster, "pve1").await;
    let seen: KeySeen = site.operator.call("key_seen", json!({ "node": first.id })).await.expect("seen");
    assert!(seen.same && seen.by == "pve2", "{seen:?}");
    for name in ["pve1", "pve3"] {
        let node = site.named(cluster, name).await;
        assert!(matches!(node.log_in, LogIn::KeyUnconfirmed), "nothing is trusted by itself");
        site.pin(cluster, node.id).await.expect("pinned");
        assert!(works(&site.node(cluster, node.id).await), "no second password");
        let kept = site.lab.file(name, "/root/.ssh/authorized_keys2").expect("the key is kept there too");
        assert!(String::from_utf8_lossy(&kept).contains("ssh-ed25519"));
    }
    site.until(cluster, |view| view.view.snapshot.health == Health::Healthy).await;
    let found = site.discover(cluster).await.expect("discovered");
    assert!(found.found.iter().all(|one| one.known.is_some()));
}

#[tokio::test]
async fn a_cluster_is_taken_over_once() {
    let site = Site::with(Scenario::healthy(3)).await;
    let begun = site.begin("pve2").await.expect("begun");
    assert_eq!(site.begin("pve2").await.expect("the same one"), begun, "an import is gone on with");
    let cluster = site.asked("pve2").await;
    assert_eq!(cluster, begun.cluster);
    site.import(cluster, &["pve1"]).await.expect("taken over");
    let node = site.named(cluster, "pve1").await;
    site.pin(cluster, node.id).await.expect("pinned");
    for node in ["pve1", "pve2"] {
        let refused = site.begin(node).await.expect_err("it is here");
        assert_eq!((refused.code, refused.params["name"].as_str()), (ProblemCode::ClusterKnown, "lab"));
        assert_eq!(refused.params["cluster"], cluster.to_string());
    }
    // The third was left out, so its key is not known; the members that it tells of are.
    let other = site.asked("pve3").await;
    let refused = site.import(other, &["pve1"]).await.expect_err("it is here");
    assert_eq!(refused.code, ProblemCode::ClusterKnown);
    let site = Site::with(Scenario::bare(1)).await;
    let alone = site.asked("pve1").await;
    assert_eq!(site.discover(alone).await.expect_err("no cluster").code, ProblemCode::NotAMember);
    site.operator.call::<()>("forget_cluster", json!({ "id": alone })).await.expect("given up by who began it");
}

#[tokio::test]
async fn a_dead_member_is_added_without_an_offer_and_comes_later() {
    let site = Site::with(Scenario::healthy(3)).await;
    let cluster = site.asked("pve1").await;
    let dead = site.at("pve3");
    site.lab.inject(Fault::Kill { node: "pve3".into() }).expect("off");
    site.lab.settle().await;
    let members = json!([
        { "name": "pve2", "host": site.at("pve2").to_string() },
        { "name": "pve3", "host": dead.to_string() },
    ]);
    let input = json!({ "cluster": cluster, "members": members });
    let done: ImportDone = site.operator.call("import_members", input).await.expect("taken over");
    assert_eq!(done.key_not_shared, None, "two of three are a majority");
    let node = site.named(cluster, "pve3").await;
    assert!(node.offered.is_none() && matches!(node.log_in, LogIn::Fails { .. }), "{node:?}");
    site.lab.inject(Fault::Start { node: "pve3".into() }).expect("on");
    site.lab.settle().await;
    let try_again = json!({ "node": node.id });
    let looking = async {
        while site.node(cluster, node.id).await.offered.is_none() {
            let refused = site.operator.call::<()>("try_log_in", try_again.clone()).await.expect_err("not confirmed");
            assert!(matches!(refused.code, ProblemCode::HostKeyUnknown | ProblemCode::ConnectionRefused), "{refused}");
        }
    };
    timeout(PATIENCE, looking).await.expect("it shows its key");
    site.pin(cluster, node.id).await.expect("pinned");
    let let_in = async {
        // The shared file reaches it when it is a member again.
        while site.operator.call::<()>("try_log_in", try_again.clone()).await.is_err() {}
    };
    timeout(PATIENCE, let_in).await.expect("the cluster lets the console in there too");
    assert!(works(&site.node(cluster, node.id).await));
}

#[tokio::test]
async fn a_key_that_could_not_be_shared_is_shared_later_when_nobody_is_left_to_add() {
    let site = Site::with(Scenario::healthy(3)).await;
    let cluster = site.asked("pve1").await;
    for node in ["pve2", "pve3"] {
        site.lab.inject(Fault::StopCorosync { node: node.into() }).expect("stopped");
    }
    site.lab.settle().await;
    let done = site.import(cluster, &["pve2", "pve3"]).await.expect("taken over");
    assert_eq!(done.key_not_shared.map(|problem| problem.code), Some(ProblemCode::ClusterNotQuorate));
    let node = site.named(cluster, "pve3").await;
    site.pin(cluster, node.id).await.expect("pinned");
    assert!(!works(&site.node(cluster, node.id).await), "its own files do not have the key");
    for node in ["pve2", "pve3"] {
        site.lab.inject(Fault::StartCorosync { node: node.into() }).expect("started");
    }
    site.lab.settle().await;
    let shared = async {
        while site.import(cluster, &[]).await.expect("asked again").key_not_shared.is_some() {}
        while site.operator.call::<()>("try_log_in", json!({ "node": node.id })).await.is_err() {}
    };
    timeout(PATIENCE, shared).await.expect("the cluster lets the console in there too");
    assert!(works(&site.node(cluster, node.id).await));
}

#[tokio::test]
async fn a_wrong_address_is_taken_off_the_list_and_given_again() {
    let site = Site::with(Scenario::healthy(3)).await;
    let cluster = site.asked("pve1").await;
    let wrong = json!([{ "name": "pve2", "host": site.at("pve3").to_string() }]);
    let input = json!({ "cluster": cluster, "members": wrong });
    site.operator.call::<ImportDone>("import_members", input).await.expect("nobody can know yet");
    let node = site.named(cluster, "pve2").await;
    site.pin(cluster, node.id).await.expect("pinned");
    let known = site.node(cluster, node.id).await;
    assert!(matches!(&known.log_in, LogIn::Fails { problem, .. } if problem.code == ProblemCode::NotTheMember));
    let bad = json!({ "cluster": cluster, "members": [{ "name": "pve3", "host": "no such host!" }] });
    let refused = site.operator.call::<ImportDone>("import_members", bad).await.expect_err("no address");
    assert_eq!(refused.code, ProblemCode::HostInvalid);
}

#[tokio::test]
async fn a_changed_key_between_offer_and_confirmation_is_refused() {
    let site = Site::with(Scenario::healthy(2)).await;
    let cluster = site.asked("pve1").await;
    site.import(cluster, &["pve2"]).await.expect("taken over");
    let node = site.named(cluster, "pve2").await;
    site.lab.inject(Fault::ChangeHostKey { node: "pve2".into() }).expect("new key");
    assert_eq!(site.pin(cluster, node.id).await.expect_err("another key").code, ProblemCode::HostKeyOther);
    assert!(site.node(cluster, node.id).await.pin.is_none());
}

#[tokio::test]
async fn an_admin_withdraws_and_nothing_is_left() {
    let site = Site::with(Scenario::healthy(3)).await;
    let cluster = site.imported().await;
    let key = site.wizard(cluster).await.console_key;
    let blob = key.split_whitespace().nth(1).expect("a key").to_owned();
    let wish = json!({ "cluster": cluster, "wish": { "wish": "withdraw", "leave": [] } });
    let refused = site.operator.call::<Preview>("preview", wish.clone()).await.expect_err("an admin's");
    assert_eq!(refused.code, ProblemCode::RoleTooLow);
    let admin = site.app.admin().await;
    let preview: Preview = admin.call("preview", wish).await.expect("a plan");
    assert!(preview.obstacles.is_empty(), "{:?}", preview.obstacles);
    let input = json!({
        "cluster": cluster, "wish": { "wish": "withdraw", "leave": [] }, "digest": preview.digest,
        "consent": { "reason": "", "typed": "" },
    });
    let id: OperationId = admin.call("run", input).await.expect("it runs");
    let ended = async {
        loop {
            let view: OperationView = admin.call("operation", json!({ "id": id })).await.expect("the operation stays");
            if !matches!(view.operation.state, OperationState::Running | OperationState::Proposed) {
                return view.operation;
            }
            tokio::task::yield_now().await;
        }
    };
    let operation = timeout(PATIENCE, ended).await.expect("it ends");
    assert_eq!(operation.state, OperationState::Done, "{:#?}", operation.steps);
    for info in site.lab.nodes() {
        assert_eq!(site.lab.files_with(&info.name, blob.as_bytes()), [""; 0], "{}", info.name);
    }
    let gone = async {
        while admin.call::<WizardView>("wizard", json!({ "cluster": cluster })).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("it is forgotten");
    site.begin("pve1").await.expect("it can be taken over again");
}

#[tokio::test]
async fn a_machine_that_does_not_answer_hinders_until_it_is_left() {
    let site = Site::with(Scenario::healthy(3)).await;
    let cluster = site.imported().await;
    let gone = site.named(cluster, "pve3").await.id;
    site.lab.inject(Fault::Kill { node: "pve3".into() }).expect("off");
    site.lab.settle().await;
    let admin = site.app.admin().await;
    let preview = async |leave: Vec<NodeId>| {
        let wish = json!({ "cluster": cluster, "wish": { "wish": "withdraw", "leave": leave } });
        admin.call::<Preview>("preview", wish).await.expect("a plan")
    };
    let hindered = async {
        while preview(Vec::new()).await.obstacles.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, hindered).await.expect("its loss is noticed");
    let obstacles = preview(Vec::new()).await.obstacles;
    assert_eq!(obstacles[0].params["node"], "pve3");
    let left = preview(vec![gone]).await;
    assert!(left.obstacles.is_empty(), "{:?}", left.obstacles);
    assert!(left.plan.consequences.iter().any(|one| one.code.as_str() == "key_left_behind"));
}

/// Through the first node as a jump host: the console itself knocks at no other machine.
#[tokio::test]
async fn a_cluster_behind_a_jump_host_is_taken_over_through_it() {
    let site = Site::with(Scenario::healthy(3)).await;
    let at = site.at("pve1");
    let inside = |name: &str| {
        let info = site.lab.nodes().into_iter().find(|one| one.name == name).expect("a node");
        info.addresses.first().expect("an address").to_string()
    };
    let via = json!({ "host": at.ip().to_string(), "port": at.port(), "user": "root" });
    let typed = json!({ "host": inside("pve2"), "port": 22, "user": "root", "qnetd": false, "via": via });
    let begun: ImportBegun = site.operator.call("import_begin", json!({ "node": typed })).await.expect("begun");
    let cluster = begun.cluster;
    assert_eq!(site.node(cluster, begun.node).await.offered, None, "nobody has gone through yet");
    let jump = site.wizard(cluster).await.view.nodes.into_iter().find(|node| node.id != begun.node).expect("the way");
    let early = site.operator.call::<()>("try_log_in", json!({ "node": begun.node })).await.expect_err("not yet");
    assert_eq!(
        (early.code, early.params["jump"].as_str()),
        (ProblemCode::JumpKeyUnknown, at.ip().to_string().as_str())
    );

    for id in [jump.id, begun.node] {
        site.pin(cluster, id).await.expect("compared and confirmed");
        let key = json!({ "node": id, "password": ROOT_PASSWORD });
        site.operator.call::<()>("install_key", key).await.expect("let in");
    }
    let members: Vec<_> = ["pve1", "pve3"].iter().map(|name| json!({ "name": name, "host": inside(name) })).collect();
    let input = json!({ "cluster": cluster, "members": members });
    site.operator.call::<ImportDone>("import_members", input).await.expect("taken over");
    for name in ["pve1", "pve3"] {
        let node = site.named(cluster, name).await;
        assert_eq!(node.via, Some(jump.id), "{name}");
        site.pin(cluster, node.id).await.expect("confirmed");
        let log_in = site.named(cluster, name).await.log_in;
        assert!(matches!(log_in, LogIn::Works { .. }), "{name}: {log_in:?}");
    }
    let admin = site.app.admin().await;
    let refused =
        admin.call::<()>("forget_node", json!({ "node": jump.id })).await.expect_err("it is the way to others");
    assert_eq!(refused.code, ProblemCode::JumpInUse);
}

#[tokio::test]
async fn letting_the_console_in_asks_for_the_sign_in_that_the_policy_wants() {
    let site = Site::with(Scenario::healthy(2)).await;
    let cluster = site.asked("pve1").await;
    let row = json!({
        "reason": false, "typed_target": false, "fresh_sign_in": true, "second_factor": true, "agreement": "nobody"
    });
    let policy = json!({ "protected": false, "classes": {}, "actions": { "admit_console": row } });
    let input = json!({ "cluster": cluster, "policy": policy, "reason": "who lets the console in is known" });
    let admin = site.app.admin().await;
    assert!(admin.call::<app::api::PolicyAnswer>("change_policy", input).await.expect("set").in_force);
    site.app.clock.advance_minutes(6);
    let old = site.import(cluster, &["pve2"]).await.expect_err("an open tab");
    assert_eq!((old.code, old.params["missing"].as_str()), (ProblemCode::ConsentMissing, "fresh-sign-in"));
    assert_eq!(site.wizard(cluster).await.view.cluster.phase, ClusterPhase::Importing, "nothing is taken over");
    let confirmed = json!({ "password": crate::app::PASSWORD, "code": null });
    site.operator.call::<app::api::Me>("confirm_password", confirmed).await.expect("confirmed");
    assert_eq!(site.import(cluster, &["pve2"]).await.expect("taken over").key_not_shared, None);
    // The key lies on a machine of its own with a sign-in that is fresh, too.
    site.app.clock.advance_minutes(6);
    let node = site.named(cluster, "pve2").await;
    site.pin(cluster, node.id).await.expect("pinned");
    assert_eq!(site.lab.file("pve2", "/root/.ssh/authorized_keys2"), None);
    let filter = json!({ "filter": { "code": "plan_refused" }, "again": false });
    let page: model::audit::AuditPage = site.operator.call("audit", filter).await.expect("audit");
    assert_eq!(page.entries.len(), 1);
}
