//! What people get wrong and what nodes do wrong when nodes are added: clear codes, and nothing that was there is lost.

use crate::app::TestApp;
use crate::client::Client;
use app::api::{KeyOffer, NewCluster, WizardView};
use engine::ports::ClusterStore as _;
use lab::{Fault, Lab, Options, ROOT_PASSWORD, Scenario};
use model::audit::AuditCode;
use model::ids::{ClusterId, NodeId};
use model::inventory::{ClusterPhase, LogIn};
use model::problem::{Problem, ProblemCode};
use serde_json::json;
use std::net::SocketAddr;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

/// A console, simulated nodes, and an operator with an empty draft.
pub struct Site {
    pub app: TestApp,
    pub lab: Lab,
    pub operator: Client,
    pub cluster: ClusterId,
}

impl Site {
    pub async fn with(scenario: Scenario) -> Self {
        let app = TestApp::new().await;
        let lab = Lab::new(scenario, Options { seed: 7, speed: 20.0, port: 0 }).expect("lab");
        lab.listen().await.expect("nodes");
        let operator = app.operator().await;
        let new: NewCluster = operator.call("add_cluster", json!({ "name": "prod" })).await.expect("draft");
        Self { app, lab, operator, cluster: new.cluster }
    }

    pub fn address(&self, node: &str) -> SocketAddr {
        self.lab.nodes().into_iter().find(|one| one.name == node).and_then(|one| one.ssh).expect("it listens")
    }

    pub async fn add(&self, address: SocketAddr) -> Result<KeyOffer, Problem> {
        self.add_typed(&address.ip().to_string(), address.port(), "root").await
    }

    async fn add_typed(&self, host: &str, port: u16, user: &str) -> Result<KeyOffer, Problem> {
        let node = json!({ "host": host, "port": port, "user": user, "qnetd": false });
        self.operator.call("add_node", json!({ "cluster": self.cluster, "node": node })).await
    }

    /// Adds a node and confirms its key.
    pub async fn pinned(&self, node: &str) -> NodeId {
        let offer = self.add(self.address(node)).await.expect("added");
        self.pin(&self.operator, &offer).await.expect("pinned");
        offer.node
    }

    /// Adds a node that the console can log in to.
    pub async fn ready(&self, node: &str) -> NodeId {
        let id = self.pinned(node).await;
        self.install(id, ROOT_PASSWORD).await.expect("key installed");
        id
    }

    pub async fn pin(&self, client: &Client, offer: &KeyOffer) -> Result<(), Problem> {
        client
            .call(
                "pin_key",
                json!({ "node": offer.node, "fingerprint": offer.offered.as_ref().expect("an offer").fingerprint }),
            )
            .await
    }

    pub async fn install(&self, node: NodeId, password: &str) -> Result<(), Problem> {
        self.operator.call("install_key", json!({ "node": node, "password": password })).await
    }

    async fn install_saying(&self, node: NodeId, password: &str, reason: &str, typed: &str) -> Result<(), Problem> {
        let consent = json!({ "reason": reason, "typed": typed });
        let input = json!({ "node": node, "password": password, "consent": consent });
        self.operator.call("install_key", input).await
    }

    pub async fn log_in(&self, node: NodeId) -> Result<(), Problem> {
        self.operator.call("try_log_in", json!({ "node": node })).await
    }

    pub async fn wizard(&self) -> WizardView {
        self.operator.call("wizard", json!({ "cluster": self.cluster })).await.expect("wizard")
    }

    pub async fn node(&self, id: NodeId) -> model::inventory::Node {
        self.wizard().await.view.nodes.into_iter().find(|node| node.id == id).expect("the node is still in the draft")
    }

    pub async fn audited(&self, code: AuditCode) -> usize {
        let filter = json!({ "filter": { "code": code }, "again": false });
        let page: model::audit::AuditPage = self.operator.call("audit", filter).await.expect("audit");
        page.entries.len()
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Problem>) -> ProblemCode {
    result.expect_err("refused").code
}

#[tokio::test]
async fn a_member_of_a_living_cluster_is_taken_into_no_second_one() {
    let mut site = Site::with(Scenario::bare(1)).await;
    site.ready("pve1").await;
    let first = site.cluster;
    let new: NewCluster = site.operator.call("add_cluster", json!({ "name": "other" })).await.expect("draft");
    site.cluster = new.cluster;
    let offer = site.add(site.address("pve1")).await.expect("added");
    site.app.store.set_phase(first, ClusterPhase::Live).await.expect("living");
    let refused = site.pin(&site.operator, &offer).await.expect_err("it is a member there");
    assert_eq!((refused.code, refused.params["cluster"].as_str()), (ProblemCode::InOtherCluster, "prod"));
    assert_eq!(code(site.log_in(offer.node).await), ProblemCode::HostKeyUnknown, "nobody gets in by way of the second");
    site.app.store.set_phase(first, ClusterPhase::Draft).await.expect("a draft");
    site.pin(&site.operator, &offer).await.expect("a draft is no claim");
    site.app.store.set_phase(first, ClusterPhase::Live).await.expect("living, after all");
    let install = model::plan::Intent::InstallKey { node: offer.node };
    let refused = code(site.app.state.engine.plan(site.cluster, &install).await);
    assert_eq!(refused, ProblemCode::InOtherCluster, "the living one's policy counts for its machine");
    site.app.store.set_phase(site.cluster, ClusterPhase::Live).await.expect("both live");
    let mend = model::plan::Intent::Remedy { node: offer.node, remedy: model::remedy::RemedyKind::Chrony };
    for intent in [install, mend] {
        let refused = code(site.app.state.engine.plan(site.cluster, &intent).await);
        assert_eq!(refused, ProblemCode::InOtherCluster, "it has not joined this one");
    }
}

#[tokio::test]
async fn installing_the_key_asks_for_the_sign_in_that_the_policy_wants_before_the_password_is_used() {
    let site = Site::with(Scenario::bare(1)).await;
    let node = site.pinned("pve1").await;
    let row = json!({
        "reason": false, "typed_target": false, "fresh_sign_in": true, "second_factor": true, "agreement": "nobody"
    });
    let policy = json!({ "protected": false, "classes": {}, "actions": { "install_key": row } });
    let admin = site.app.admin().await;
    let input = json!({ "cluster": site.cluster, "policy": policy, "reason": "who lets the console in is known" });
    assert!(admin.call::<app::api::PolicyAnswer>("change_policy", input).await.expect("set").in_force);
    site.app.clock.advance_minutes(6);
    for password in [ROOT_PASSWORD, "wrong"] {
        let old = site.install(node, password).await.expect_err("an open tab");
        assert_eq!((old.code, old.params["missing"].as_str()), (ProblemCode::ConsentMissing, "fresh-sign-in"));
    }
    assert_eq!(site.audited(AuditCode::PlanRefused).await, 2);
    assert_eq!(code(site.log_in(node).await), ProblemCode::KeyRefused, "the key is there already");
    let confirmed = json!({ "password": crate::app::PASSWORD, "code": null });
    site.operator.call::<app::api::Me>("confirm_password", confirmed).await.expect("confirmed");
    site.install(node, ROOT_PASSWORD).await.expect("installed");
    site.log_in(node).await.expect("let in");
}

#[tokio::test]
async fn installing_the_key_asks_for_the_reason_and_the_name_that_the_policy_wants_before_the_password_is_used() {
    let site = Site::with(Scenario::bare(1)).await;
    let node = site.pinned("pve1").await;
    let asks = site.wizard().await.key_ruling;
    assert!(!asks.reason && !asks.typed_target, "as it is shipped");
    let row = json!({
        "reason": true, "typed_target": true, "fresh_sign_in": false, "second_factor": false, "agreement": "nobody"
    });
    let policy = json!({ "protected": false, "classes": {}, "actions": { "install_key": row } });
    let admin = site.app.admin().await;
    let input = json!({ "cluster": site.cluster, "policy": policy, "reason": "who lets the console in says why" });
    assert!(admin.call::<app::api::PolicyAnswer>("change_policy", input).await.expect("set").in_force);
    let asks = site.wizard().await.key_ruling;
    assert!(asks.reason && asks.typed_target, "the page asks for it");
    let target = site.node(node).await.label().to_owned();
    for (reason, typed, missing) in [
        ("", "", "reason"),
        (" ", target.as_str(), "reason"),
        ("a new node", "", "typed-target"),
        ("a new node", "pve9", "typed-target"),
    ] {
        for password in [ROOT_PASSWORD, "wrong"] {
            let refused = site.install_saying(node, password, reason, typed).await.expect_err("not enough");
            assert_eq!((refused.code, refused.params["missing"].as_str()), (ProblemCode::ConsentMissing, missing));
        }
    }
    assert_eq!(site.audited(AuditCode::PlanRefused).await, 8);
    assert_eq!(code(site.log_in(node).await), ProblemCode::KeyRefused, "the key is there already");
    site.install_saying(node, ROOT_PASSWORD, "a new node", &target).await.expect("installed");
    let filter = json!({ "filter": { "code": AuditCode::PlanProposed }, "again": false });
    let page: model::audit::AuditPage = site.operator.call("audit", filter).await.expect("audit");
    assert_eq!(page.entries[0].entry.reason.as_deref(), Some("a new node"));
}

/// A port of this machine where nothing listens.
async fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    listener.local_addr().expect("address")
}

/// A server that says this to everybody who comes, and hangs up.
pub async fn server_that_says(words: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = listener.local_addr().expect("address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // Who hangs up first is not the question here.
            let _ = stream.write_all(words).await;
        }
    });
    address
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_refused_and_the_draft_keeps_its_nodes() {
    let site = Site::with(Scenario::bare(2)).await;
    let kept = site.add(site.address("pve1")).await.expect("added").node;
    let nobody = closed_port().await;
    let refused = site.add(nobody).await.expect_err("nothing listens");
    assert_eq!(refused.code, ProblemCode::ConnectionRefused);
    assert_eq!(refused.params.get("host").map(String::as_str), Some("127.0.0.1"));
    for (words, quoted) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "HTTP/1.1 400 Bad Request"),
        (b"\x00\xff\x1b[2J\x07garbage\r\n", "garbage"),
        (b"", ""),
    ] {
        let refused = site.add(server_that_says(words).await).await.expect_err("no SSH");
        assert_eq!(refused.code, ProblemCode::NotSsh, "{refused:?}");
        let quote = refused.quote.unwrap_or_default();
        assert!(quote.contains(quoted) && !quote.contains('\u{1b}'), "{quote:?}");
    }
    let nodes = site.wizard().await.view.nodes;
    assert_eq!(nodes.iter().map(|node| node.id).collect::<Vec<_>>(), [kept]);
    assert_eq!(site.audited(AuditCode::NodeAdded).await, 1);
}

#[tokio::test]
async fn what_was_typed_wrongly_is_named() {
    let site = Site::with(Scenario::bare(1)).await;
    for (host, port, user, expected) in [
        ("", 22, "root", ProblemCode::HostEmpty),
        ("two words", 22, "root", ProblemCode::HostInvalid),
        ("-oProxyCommand=x", 22, "root", ProblemCode::HostInvalid),
        ("pve1;reboot", 22, "root", ProblemCode::HostInvalid),
        ("127.0.0.1", 0, "root", ProblemCode::PortInvalid),
        ("127.0.0.1:99999", 22, "root", ProblemCode::PortInvalid),
        ("127.0.0.1", 22, "Root User", ProblemCode::SshUserInvalid),
    ] {
        assert_eq!(code(site.add_typed(host, port, user).await), expected, "{user}@{host}:{port}");
    }
    for (name, expected) in [
        ("", ProblemCode::NameEmpty),
        ("bad_name!", ProblemCode::NameCharacter),
        ("-x", ProblemCode::NameHyphen),
        ("averyveryverylongname", ProblemCode::NameTooLong),
        ("prod", ProblemCode::ClusterNameTaken),
    ] {
        let added = site.operator.call::<NewCluster>("add_cluster", json!({ "name": name })).await;
        assert_eq!(code(added), expected, "{name}");
    }
    assert!(site.wizard().await.view.nodes.is_empty());
}

#[tokio::test]
async fn a_wrong_password_costs_nothing() {
    let site = Site::with(Scenario::bare(1)).await;
    let node = site.pinned("pve1").await;
    let refused = site.install(node, "not the password").await.expect_err("refused");
    assert_eq!(refused.code, ProblemCode::PasswordRefused);
    assert!(refused.params.contains_key("node"), "{refused:?}");
    assert!(matches!(site.node(node).await.log_in, LogIn::NeedsKey));
    assert_eq!(site.audited(AuditCode::OperationStarted).await, 0, "nothing began");
    let filter = json!({ "filter": { "code": AuditCode::PlanRefused }, "again": false });
    let page: model::audit::AuditPage = site.operator.call("audit", filter).await.expect("audit");
    let [told] = &page.entries[..] else { panic!("{:#?}", page.entries) };
    assert_eq!((told.entry.who.as_str(), told.entry.outcome), ("operator", model::audit::Outcome::Refused));
    let host = site.address("pve1").ip().to_string();
    assert_eq!((told.entry.cluster, told.entry.node.as_deref()), (Some(site.cluster), Some(host.as_str())));
    assert_eq!(told.entry.details["problem"], "password_refused");
    site.install(node, ROOT_PASSWORD).await.expect("the right one");
    let known = site.node(node).await;
    assert!(matches!(known.log_in, LogIn::Works { .. }), "{:?}", known.log_in);
    assert_eq!(known.name.as_deref(), Some("pve1"));
}

#[tokio::test]
async fn a_machine_waits_after_wrong_passwords_whatever_list_it_is_on() {
    let site = Site::with(Scenario::bare(1)).await;
    site.app.clock.stop();
    // Not back to before the sign-in.
    site.app.clock.advance_seconds(1);
    let node = site.pinned("pve1").await;
    for _ in 0..4 {
        assert_eq!(code(site.install(node, "not the password").await), ProblemCode::PasswordRefused);
    }
    let waits = site.install(node, ROOT_PASSWORD).await.expect_err("not even the right one");
    assert_eq!((waits.code, waits.params["seconds"].as_str()), (ProblemCode::TooManyAttempts, "5"));
    assert_eq!(site.audited(AuditCode::PlanRefused).await, 5);
    site.operator.call::<()>("forget_node", json!({ "node": node })).await.expect("taken off the list");
    let node = site.add(site.address("pve1")).await.expect("and added again").node;
    assert_eq!(code(site.install(node, ROOT_PASSWORD).await), ProblemCode::TooManyAttempts, "it is the same machine");
    site.app.clock.advance_seconds(5);
    site.install(node, ROOT_PASSWORD).await.expect("the right one");
    assert_eq!(code(site.install(node, "not the password").await), ProblemCode::PasswordRefused);
    site.install(node, ROOT_PASSWORD).await.expect("the count has begun anew");
}

#[tokio::test]
async fn no_password_goes_to_a_machine_whose_key_nobody_confirmed() {
    let site = Site::with(Scenario::bare(1)).await;
    let offer = site.add(site.address("pve1")).await.expect("added");
    assert_eq!(offer.offered.as_ref().expect("an offer").fingerprint, site.lab.nodes()[0].host_key_fingerprint);
    assert_eq!(code(site.install(offer.node, ROOT_PASSWORD).await), ProblemCode::HostKeyUnknown);
    assert_eq!(code(site.log_in(offer.node).await), ProblemCode::HostKeyUnknown);
    let other = json!({ "node": offer.node, "fingerprint": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" });
    assert_eq!(code(site.operator.call::<()>("pin_key", other).await), ProblemCode::HostKeyOther);
    assert!(site.node(offer.node).await.pin.is_none());
}

#[tokio::test]
async fn a_changed_host_key_stops_everything_until_an_admin_replaces_it() {
    let site = Site::with(Scenario::bare(1)).await;
    let node = site.ready("pve1").await;
    let pinned = site.node(node).await.pin.expect("pinned").key;
    site.lab.inject(Fault::ChangeHostKey { node: "pve1".to_owned() }).expect("new key");
    site.lab.inject(Fault::DropConnections { node: "pve1".to_owned() }).expect("cut");
    let refused = site.log_in(node).await.expect_err("refused");
    assert_eq!(refused.code, ProblemCode::HostKeyChanged);
    let offered = site.lab.nodes()[0].host_key_fingerprint.clone();
    assert_eq!(refused.params.get("pinned"), Some(&pinned.fingerprint));
    assert_eq!(refused.params.get("offered"), Some(&offered));
    assert_eq!(code(site.install(node, ROOT_PASSWORD).await), ProblemCode::HostKeyChanged);
    let known = site.node(node).await;
    assert_eq!(known.pin.expect("still pinned").key, pinned);
    assert!(
        matches!(&known.log_in, LogIn::KeyChanged { offered: key } if key.fingerprint == offered),
        "{:?}",
        known.log_in
    );
    // Tried twice, and by password too: one change is one entry.
    assert_eq!(code(site.log_in(node).await), ProblemCode::HostKeyChanged);
    assert_eq!(site.audited(AuditCode::HostKeyMismatch).await, 1);

    let replace = json!({ "node": node, "fingerprint": offered });
    assert_eq!(code(site.operator.call::<()>("pin_key", replace.clone()).await), ProblemCode::RoleTooLow);
    let approver = site.app.approver().await;
    assert_eq!(code(approver.call::<()>("pin_key", replace.clone()).await), ProblemCode::RoleTooLow);
    site.app.admin().await.call::<()>("pin_key", replace).await.expect("replaced");
    assert_eq!(site.audited(AuditCode::HostKeyReplaced).await, 1);
    site.log_in(node).await.expect("in again");
}

#[tokio::test]
async fn a_node_is_added_once() {
    let site = Site::with(Scenario::bare(2)).await;
    let first = site.add(site.address("pve1")).await.expect("added").node;
    let again = site.add(site.address("pve1")).await.expect_err("twice");
    assert_eq!(again.code, ProblemCode::NodeAlreadyAdded);
    assert!(again.params.contains_key("host"));
    let second = site.add(site.address("pve2")).await.expect("another one").node;
    let nodes = site.wizard().await.view.nodes;
    assert_eq!(nodes.iter().map(|node| node.id).collect::<Vec<_>>(), [first, second]);
}

#[tokio::test]
async fn a_node_that_prints_garbage_is_said_to() {
    let site = Site::with(Scenario::bare(1)).await;
    let node = site.ready("pve1").await;
    site.lab.inject(Fault::Garbage { node: "pve1".to_owned(), on: true }).expect("garbage");
    let refused = site.log_in(node).await.expect_err("refused");
    assert!(matches!(refused.code, ProblemCode::Garbage | ProblemCode::ConnectionLost), "{refused:?}");
    assert!(matches!(site.node(node).await.log_in, LogIn::Fails { .. }));
    assert_eq!(site.node(node).await.name.as_deref(), Some("pve1"), "the known name is kept");
    site.lab.inject(Fault::Garbage { node: "pve1".to_owned(), on: false }).expect("sense");
    site.log_in(node).await.expect("in again");
}

#[tokio::test]
async fn an_older_draft_does_not_overwrite_a_newer_one() {
    let site = Site::with(Scenario::bare(1)).await;
    let revision = site.wizard().await.draft.revision;
    let skip = json!({ "cluster": site.cluster, "revision": revision });
    let saved: model::wizard::Draft = site.operator.call("skip_qdevice", skip.clone()).await.expect("saved");
    assert!(saved.revision > revision && saved.qdevice_skipped);
    let late = site.operator.call::<model::wizard::Draft>("skip_qdevice", skip).await;
    assert_eq!(code(late), ProblemCode::WorldChanged);
}
