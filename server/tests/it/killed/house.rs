//! A console of its own process on a folder that outlives it, an admin who asks and an approver who agrees.

use super::consent;
use crate::process::{Console, cookie_of, http, quorate};
use app::api::{
    ClusterView, ImportBegun, ImportDone, KeyOffer, NetworkView, NewCluster, OperationView, Preview, WizardView,
};
use lab::{Lab, ROOT_PASSWORD};
use model::ids::{ClusterId, NodeId, OperationId, RequestId};
use model::inventory::LogIn;
use model::observation::Freshness;
use model::operation::OperationState;
use model::preflight::Matrix;
use model::problem::Problem;
use model::topology::Contact;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::timeout;

/// No wait of these tests may be longer, in real time.
const PATIENCE: Duration = Duration::from_secs(120);
const PASSWORD: &str = "a long enough password";

pub struct House {
    console: Option<Console>,
    address: SocketAddr,
    data: PathBuf,
    admin: String,
    approver: String,
    cluster: Option<ClusterId>,
    name: String,
    _folder: TempDir,
}

impl House {
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let data = folder.path().join("data");
        let console = Console::serve(&data);
        let address = console.address().await;
        let token = console.stdout.after(&format!("http://{address}/invite/")).await;
        let admin = accepted(address, &token, "ada").await;
        let mut house = Self {
            console: Some(console),
            address,
            data,
            admin,
            approver: String::new(),
            cluster: None,
            name: String::new(),
            _folder: folder,
        };
        let told = house.told(&["user", "invite", "--role", "approver", "--name", "bob"]).await;
        let token = told.trim().rsplit('/').next().expect("a link").to_owned();
        house.approver = accepted(address, &token, "bob").await;
        house
    }

    /// What another command of the binary prints, on the same data.
    async fn told(&self, args: &[&str]) -> String {
        let output = quorate().args(args).env("QUORATE_DATA", &self.data).output().await.expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub async fn verified(&self) -> String {
        self.told(&["audit", "verify"]).await
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    fn cluster(&self) -> ClusterId {
        self.cluster.expect("a cluster")
    }

    pub async fn call<T: DeserializeOwned>(&self, function: &str, input: Value) -> Result<T, Problem> {
        self.by(&self.admin, function, input).await
    }

    async fn by<T: DeserializeOwned>(&self, cookie: &str, function: &str, input: Value) -> Result<T, Problem> {
        let answer = http(self.address, "POST", &format!("/api/{function}"), cookie, &input.to_string()).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
        if head.starts_with("HTTP/1.1 200") {
            return Ok(app::api::read(body).unwrap_or_else(|error| panic!("{function} answered {body}: {error}")));
        }
        Err(app::api::read(body).unwrap_or_else(|error| panic!("{function} answered {head} {body}: {error}")))
    }

    /// Kills the console, and starts the next one on the same data.
    async fn killed(&mut self) {
        self.console.take().expect("it runs").kill().await;
        let console = Console::serve(&self.data);
        self.address = console.address().await;
        self.console = Some(console);
    }

    async fn view(&self) -> ClusterView {
        self.call("cluster", json!({ "id": self.cluster() })).await.expect("the cluster")
    }

    /// The nodes of the lab in a new draft, checked and with their links.
    pub async fn draft(&mut self, lab: &Lab, name: &str) -> Vec<NodeId> {
        name.clone_into(&mut self.name);
        let new: NewCluster = self.call("add_cluster", json!({ "name": name })).await.expect("draft");
        self.cluster = Some(new.cluster);
        let mut nodes = Vec::new();
        for node in ["pve1", "pve2"] {
            let at = ssh(lab, node);
            let node = json!({ "host": at.ip(), "port": at.port(), "user": "root", "qnetd": false });
            let input = json!({ "cluster": new.cluster, "node": node });
            let offer: KeyOffer = self.call("add_node", input).await.expect("added");
            let fingerprint = offer.offered.expect("an offer").fingerprint;
            self.let_in(offer.node, &fingerprint).await;
            nodes.push(offer.node);
        }
        let matrix: Matrix = self.call("run_checks", json!({ "cluster": new.cluster })).await.expect("checked");
        assert!(matrix.passes(), "{matrix:#?}");
        let network: NetworkView = self.call("network", json!({ "cluster": new.cluster })).await.expect("network");
        let wizard: WizardView = self.call("wizard", json!({ "cluster": new.cluster })).await.expect("wizard");
        let links = json!({ "cluster": new.cluster, "links": network.proposal, "revision": wizard.draft.revision });
        self.call::<Value>("choose_links", links).await.expect("links");
        nodes
    }

    async fn let_in(&self, node: NodeId, fingerprint: &str) {
        self.call::<()>("pin_key", json!({ "node": node, "fingerprint": fingerprint })).await.expect("pinned");
        let key = json!({ "node": node, "password": ROOT_PASSWORD });
        self.call::<()>("install_key", key).await.expect("let in");
    }

    /// Takes over the lab's cluster of three.
    pub async fn import(&mut self, lab: &Lab) {
        let at = ssh(lab, "pve1");
        let node = json!({ "host": at.ip(), "port": at.port(), "user": "root", "qnetd": false });
        let begun: ImportBegun = self.call("import_begin", json!({ "node": node })).await.expect("begun");
        self.cluster = Some(begun.cluster);
        let offered = self.view().await.nodes.into_iter().find_map(|node| node.offered).expect("an offer");
        self.let_in(begun.node, &offered.fingerprint).await;
        let members: Vec<Value> =
            ["pve2", "pve3"].map(|name| json!({ "name": name, "host": ssh(lab, name).to_string() })).into();
        let input = json!({ "cluster": begun.cluster, "members": members });
        self.call::<ImportDone>("import_members", input).await.expect("taken over");
        for node in self.view().await.nodes.into_iter().filter(|node| node.pin.is_none()) {
            let fingerprint = node.offered.expect("an offer").fingerprint;
            let input = json!({ "node": node.id, "fingerprint": fingerprint });
            self.call::<()>("pin_key", input).await.expect("pinned");
        }
        self.until_quorate(true, 3).await;
    }

    /// Until the page says so, with all that is there connected.
    pub async fn until_quorate(&self, quorate: bool, votes: u32) {
        let mut seen = None;
        let looking = async {
            loop {
                let view = self.view().await;
                let told = view.snapshot.quorum.as_ref().filter(|one| one.freshness == Freshness::Fresh);
                let so =
                    told.is_some_and(|one| (one.fact.value.quorate, one.fact.value.total_votes) == (quorate, votes));
                let connected = |node: &&model::topology::NodeState| matches!(node.contact, Contact::Connected { .. });
                let works = view.nodes.iter().all(|node| matches!(node.log_in, LogIn::Works { .. }));
                if so && view.snapshot.nodes.iter().filter(connected).count() == votes as usize && (works || !quorate) {
                    return;
                }
                let contacts: Vec<_> = view.snapshot.nodes.into_iter().map(|node| node.contact).collect();
                seen = Some((view.snapshot.quorum, contacts));
            }
        };
        let in_time = timeout(PATIENCE, looking).await;
        assert!(in_time.is_ok(), "never quorate {quorate} with {votes}: {seen:#?}");
    }

    /// A plan that nothing is in the way of; right after a change the nodes may not yet have said what it needs.
    async fn plan(&self, wish: &Value) -> Preview {
        let input = json!({ "cluster": self.cluster(), "wish": wish });
        let mut refused = Vec::new();
        let planned = async {
            loop {
                match self.call::<Preview>("preview", input.clone()).await {
                    Ok(preview) if preview.obstacles.is_empty() => return preview,
                    Ok(preview) => refused = preview.obstacles,
                    Err(problem) => refused = vec![problem],
                }
            }
        };
        let plan = timeout(PATIENCE, planned).await;
        plan.unwrap_or_else(|_| panic!("no plan for {wish}: {refused:#?}"))
    }

    /// Starts what nobody else has to agree to.
    pub async fn started(&self, wish: Value) -> OperationId {
        self.fresh().await;
        let mut refused = None;
        let begun = async {
            loop {
                let preview = self.plan(&wish).await;
                let input = json!({
                    "cluster": self.cluster(), "wish": wish, "digest": preview.digest, "consent": consent(&preview.plan),
                });
                match self.call("run", input).await {
                    Ok(id) => return id,
                    Err(problem) => refused = Some(problem),
                }
            }
        };
        let begun = timeout(PATIENCE, begun).await;
        begun.unwrap_or_else(|_| panic!("it never starts: {refused:#?}"))
    }

    /// Starts what the approver has agreed to.
    pub async fn agreed(&self, wish: Value) -> OperationId {
        self.fresh().await;
        let mut refused = None;
        let begun = async {
            loop {
                match self.once_agreed(&wish).await {
                    Ok(id) => return id,
                    Err(problem) => refused = Some(problem),
                }
            }
        };
        let begun = timeout(PATIENCE, begun).await;
        begun.unwrap_or_else(|_| panic!("it never starts: {refused:#?}"))
    }

    async fn once_agreed(&self, wish: &Value) -> Result<OperationId, Problem> {
        let preview = self.plan(wish).await;
        let input = json!({
            "cluster": self.cluster(), "wish": wish, "digest": preview.digest, "consent": consent(&preview.plan),
        });
        let request: RequestId = self.call("request_approval", input).await?;
        let seen = json!({ "id": request, "comment": "looked at it" });
        self.by::<()>(&self.approver, "approve", seen).await?;
        self.call("run_approved", json!({ "id": request })).await
    }

    async fn fresh(&self) {
        for cookie in [&self.admin, &self.approver] {
            let input = json!({ "password": PASSWORD });
            self.by::<app::api::Me>(cookie, "confirm_password", input).await.expect("signed in again");
        }
    }

    /// Looks at the operation until it is done, and kills the console after that many looks. How many it took, and whether
    /// the operation still ran at the console's death.
    pub async fn brought_to_its_end(&mut self, id: OperationId, killed_at: Option<u64>) -> (u64, bool) {
        let mut standing = None;
        let looking = async {
            let (mut looks, mut died) = (0, false);
            loop {
                let view: OperationView = self.call("operation", json!({ "id": id })).await.expect("the operation");
                let state = view.operation.state;
                if killed_at == Some(looks) {
                    died = state.holds_cluster();
                    self.killed().await;
                }
                looks += 1;
                if state.is_over() {
                    assert_eq!(state, OperationState::Done, "{:#?}", view.operation.steps);
                    return (looks, died);
                }
                if matches!(state, OperationState::Parked { .. }) {
                    // As its owner would. The new console may not have reached the nodes yet: then it is asked again.
                    let _ = self.call::<()>("resume", json!({ "id": id })).await;
                }
                standing = Some((state, view.operation.steps));
            }
        };
        let ended = timeout(PATIENCE, looking).await;
        ended.unwrap_or_else(|_| panic!("killed at {killed_at:?}: it never ended: {standing:#?}"))
    }
}

fn ssh(lab: &Lab, node: &str) -> SocketAddr {
    lab.nodes().into_iter().find(|one| one.name == node).and_then(|one| one.ssh).expect("it listens")
}

/// Accepts an invitation; the cookie of who is signed in then.
async fn accepted(address: SocketAddr, token: &str, name: &str) -> String {
    let input = json!({ "token": token, "name": name, "password": PASSWORD }).to_string();
    let answer = http(address, "POST", "/api/accept_invite", "", &input).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    cookie_of(&answer)
}
