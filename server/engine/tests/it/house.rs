//! A console with its database and the simulated nodes, ready to build clusters.

use crate::fence::{Fence, FencedStore, Side, held};
use crate::outside::{Mood, Moods, Outside};
use crate::wall_clock::TokioClock;
use crate::wires::Wires;
use engine::Engine;
use engine::audit::Person;
use engine::execute;
use engine::ports::{AuditStore, Clock, ClusterStore, Ids, OperationStore};
use lab::{Lab, Options, Scenario};
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::host_key::Pin;
use model::ids::{ClusterId, NodeId, OperationId};
use model::inventory::{Cluster, ClusterPhase, LogIn, Node, Purpose};
use model::links::LinkPlan;
use model::name::SshAddress;
use model::operation::{Operation, OperationState};
use model::plan::Intent;
use model::policy::{Agreement, Consent};
use model::problem::Problem;
use ssh::{ConsoleKeySource, SshDialer};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::SqliteStore;
use tempfile::TempDir;
use tokio::time::Instant;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Between two looks at what is waited for, in the nodes' time.
const LOOK: Duration = Duration::from_millis(100);
/// No operation of these tests may take longer, in the nodes' time.
pub const OVER_WITHIN: Duration = Duration::from_secs(1_800);
/// The cluster's name in all tests.
pub const CLUSTER: &str = "prod";
pub const QNETD: &str = "qnetd1";

/// The nodes, the file, and the console that runs at the moment.
pub struct House {
    pub lab: Lab,
    pub cluster: ClusterId,
    pub console: Console,
    keys: Arc<Keys>,
    pub clock: Arc<TokioClock>,
    folder: TempDir,
    /// What is wrong with BMCs.
    pub moods: Moods,
}

/// One process of the product.
pub struct Console {
    pub engine: Engine,
    pub fence: Arc<Fence>,
    wires: Arc<Wires>,
    store: SqliteStore,
}

impl House {
    /// A draft cluster with all nodes of the scenario, their keys pinned, the console's key accepted by each.
    pub async fn new(scenario: Scenario) -> Self {
        let running = scenario.cluster.clone();
        let lab = Lab::new(scenario, Options { port: 0, ..Options::default() }).expect("the lab starts");
        let house = Self::on(lab).await;
        house.furnish(running).await;
        house
    }

    /// A console that knows no machine yet, with an import that has just begun.
    pub async fn outside(scenario: Scenario) -> Self {
        let lab = Lab::new(scenario, Options { port: 0, ..Options::default() }).expect("the lab starts");
        let house = Self::on(lab).await;
        let cluster = house.cluster_row("import-1", ClusterPhase::Importing);
        let entry = house.entry(AuditCode::ClusterAdded);
        house.store().add_cluster(&cluster, entry).await.expect("the cluster is added");
        house
    }

    async fn on(lab: Lab) -> Self {
        let keys = Arc::new(Keys::generate());
        let clock = Arc::new(TokioClock::start());
        // Where memory serves as a disk, writes that have to be on disk cost nothing.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
        let moods: Moods = Arc::new(Mutex::new(Mood::Well));
        let console = Console::open(&lab, &keys, &clock, &folder, &moods, None).await;
        let cluster = ClusterId::from_uuid(Uuid::now_v7());
        Self { lab, cluster, console, keys, clock, folder, moods }
    }

    fn cluster_row(&self, name: &str, phase: ClusterPhase) -> Cluster {
        Cluster {
            id: self.cluster,
            name: name.parse().expect("a name"),
            phase,
            protected: false,
            created_at: self.clock.now(),
            created_by: "anna".into(),
        }
    }

    async fn furnish(&self, running: Option<String>) {
        let phase = if running.is_some() { ClusterPhase::Live } else { ClusterPhase::Draft };
        let cluster = self.cluster_row(running.as_deref().unwrap_or(CLUSTER), phase);
        self.store().add_cluster(&cluster, self.entry(AuditCode::ClusterAdded)).await.expect("the cluster is added");
        for info in self.lab.nodes() {
            // A join replaces the first file; in a cluster it is shared.
            self.let_in(&info.name, if running.is_some() { "authorized_keys2" } else { "authorized_keys" });
            let purpose = if info.is_qnetd { Purpose::Qnetd } else { Purpose::Member };
            self.add_node(&info.name, purpose).await;
        }
    }

    /// The console's key into one of the account's two files.
    pub fn let_in(&self, node: &str, file: &str) {
        let line = format!("{}\n", self.keys.line);
        assert!(self.lab.put_file(node, &format!("/root/.ssh/{file}"), line.as_bytes()), "no node {node}");
    }

    /// Takes the machine's present host key as the right one, as a person would.
    pub async fn pin(&self, node: &Node) {
        let key = self.engine().offered_by(node).await.expect("a host key");
        let pin = Pin { key, pinned_at: self.clock.now(), pinned_by: "anna".into() };
        self.store().pin(node.id, &pin, self.entry(AuditCode::HostKeyPinned)).await.expect("the key is pinned");
    }

    async fn add_node(&self, name: &str, purpose: Purpose) -> NodeId {
        let node = self.add_row(name, purpose, "root").await;
        self.engine().try_log_in(&node).await.expect("the console may log in");
        node.id
    }

    /// A machine with its host key pinned, logged in to by nobody yet.
    pub async fn add_row(&self, name: &str, purpose: Purpose, user: &str) -> Node {
        self.add_behind(name, purpose, user, None).await
    }

    /// The same for one that another machine leads to.
    pub async fn add_behind(&self, name: &str, purpose: Purpose, user: &str, via: Option<NodeId>) -> Node {
        let node = Node {
            id: NodeId::from_uuid(Uuid::now_v7()),
            cluster: self.cluster,
            purpose,
            address: SshAddress { host: name.into(), port: 22, user: user.into() },
            via,
            name: None,
            pin: None,
            offered: None,
            log_in: LogIn::KeyUnconfirmed,
            position: 0,
        };
        let store = self.store();
        let node = store.add_node(&node, self.entry(AuditCode::NodeAdded)).await.expect("the node is added");
        self.pin(&node).await;
        store.node(node.id).await.expect("the node is there")
    }

    /// The console's public key as it stands in files of authorised keys.
    pub fn key_blob(&self) -> &str {
        self.keys.line.split_whitespace().nth(1).expect("a key")
    }

    pub fn entry(&self, code: AuditCode) -> AuditEntry {
        AuditEntry::new(self.clock.now(), code, "anna".into(), Outcome::Success)
    }

    pub fn engine(&self) -> &Engine {
        &self.console.engine
    }

    pub fn store(&self) -> Arc<dyn engine::ports::Store> {
        Arc::clone(&self.console.engine.store)
    }

    /// The database without the fence.
    pub fn raw(&self) -> &SqliteStore {
        &self.console.store
    }

    /// The machine whose address is this name.
    pub async fn node(&self, name: &str) -> Node {
        let nodes = held(self.raw().nodes(self.cluster)).await.expect("the nodes");
        nodes.into_iter().find(|node| node.address.host == name).unwrap_or_else(|| panic!("no node {name}"))
    }

    pub async fn id(&self, name: &str) -> NodeId {
        self.node(name).await.id
    }

    /// Both networks of the lab: the second one is preferred.
    pub async fn links(&self) -> Vec<LinkPlan> {
        let mut links: Vec<LinkPlan> = [(0, 10), (1, 20)]
            .map(|(number, priority)| LinkPlan {
                number,
                priority: Some(priority),
                network: None,
                addresses: Default::default(),
            })
            .into();
        for info in self.lab.nodes().into_iter().filter(|info| !info.is_qnetd) {
            let id = self.id(&info.name).await;
            for (link, address) in links.iter_mut().zip(&info.addresses) {
                link.addresses.insert(id, *address);
            }
        }
        links
    }

    /// A cluster of the first `count` nodes.
    pub async fn built(scenario: Scenario, count: usize) -> Self {
        let house = Self::new(scenario).await;
        house.done(&house.create_intent().await).await;
        if let Some(joiners) = ["pve2", "pve3", "pve4"].get(..count - 1).filter(|joiners| !joiners.is_empty()) {
            house.done(&house.join_intent(joiners).await).await;
        }
        house
    }

    /// How often the console itself knocked at the machine with this name.
    pub fn dialled(&self, name: &str) -> u64 {
        self.console.wires.dialled(name)
    }

    pub fn inject(&self, fault: lab::Fault) {
        self.lab.inject(fault).expect("a fault that makes sense");
    }

    /// Plans, agrees and starts. Where the policy wants a second person, olga agrees.
    pub async fn start(&self, intent: &Intent) -> Result<OperationId, Problem> {
        let proposal = self.engine().plan(self.cluster, intent).await?;
        let consent = Consent { reason: "a cluster is needed".into(), typed: proposal.plan.target.clone() };
        if proposal.ruling.agreement != Agreement::Nobody {
            return self.start_agreed(intent, &proposal, &consent).await;
        }
        self.engine().run(&anna(), self.cluster, intent, proposal.digest.as_str(), &consent, true).await
    }

    /// Starts, and waits until it is over or parked.
    pub async fn run(&self, intent: &Intent) -> Operation {
        let id = self.start(intent).await.expect("the plan starts");
        self.ended(id).await
    }

    /// As `run`, and it has to be done.
    pub async fn done(&self, intent: &Intent) -> Operation {
        let operation = self.run(intent).await;
        assert_eq!(operation.state, OperationState::Done, "{:#?}", operation.steps);
        operation
    }

    pub async fn operation(&self, id: OperationId) -> Operation {
        held(self.raw().operation(id)).await.expect("the operation")
    }

    /// The operation once it neither waits nor runs.
    pub async fn ended(&self, id: OperationId) -> Operation {
        let until = Instant::now() + OVER_WITHIN;
        loop {
            let operation = self.operation(id).await;
            if !operation.state.is_carried_out() && operation.state != OperationState::Proposed {
                return operation;
            }
            assert!(Instant::now() < until, "the operation does not end: {:#?}", operation.steps);
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until `there` holds, at most `limit` of the nodes' time.
    pub async fn until(&self, what: &str, limit: Duration, there: impl AsyncFn() -> bool) {
        let until = Instant::now() + limit;
        while !there().await {
            assert!(Instant::now() < until, "never: {what}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// From now on the console dies at this journal write, counted from 1.
    pub async fn arm(&mut self, dies_at: (u64, Side)) {
        self.stop().await;
        let House { lab, keys, clock, folder, moods, .. } = &*self;
        self.console = Console::open(lab, keys, clock, folder, moods, Some(dies_at)).await;
    }

    /// Ends the console as the end of its process would.
    async fn stop(&self) {
        self.console.fence.die();
        self.console.engine.watchers.stop_all();
        self.console.wires.cut();
        held(self.console.store.close()).await;
    }

    /// Ends the console, opens the same file again and takes up what was left.
    pub async fn restart(&mut self) -> usize {
        self.stop().await;
        let House { lab, keys, clock, folder, moods, .. } = &*self;
        self.console = Console::open(lab, keys, clock, folder, moods, None).await;
        execute::recover(&self.console.engine).await.expect("the console takes up its work")
    }

    /// Every entry of the audit, oldest first.
    pub async fn audit(&self) -> Vec<model::audit::ChainedEntry> {
        let mut entries = Vec::new();
        for index in 1.. {
            match held(self.raw().entry(index)).await {
                Ok(entry) => entries.push(entry),
                Err(_) => break,
            }
        }
        entries
    }
}

impl Console {
    async fn open(
        lab: &Lab,
        keys: &Arc<Keys>,
        clock: &Arc<TokioClock>,
        folder: &TempDir,
        moods: &Moods,
        dies_at: Option<(u64, Side)>,
    ) -> Self {
        let fence = Fence::new(dies_at);
        let wires = Wires::new(lab.clone(), Arc::clone(&fence));
        let store = held(SqliteStore::open(&folder.path().join("quorate.db"))).await.expect("the file opens");
        let clock: Arc<dyn Clock> = Arc::clone(clock) as _;
        let source: Arc<dyn ConsoleKeySource> = Arc::clone(keys) as _;
        let dialer = Arc::new(SshDialer::new(source, Arc::clone(&clock), Arc::clone(&wires) as _));
        let fenced = Arc::new(FencedStore { inner: store.clone(), fence: Arc::clone(&fence) });
        let outside = Outside {
            lab: lab.clone(),
            fence: Arc::clone(&fence),
            moods: Arc::clone(moods),
            clock: Arc::clone(&clock),
        };
        let engine = Engine::new(fenced, dialer, clock, Arc::new(NewIds)).with_agent(Arc::new(outside));
        Self { engine, fence, wires, store }
    }
}

/// Who does everything in these tests.
pub fn anna() -> Person {
    Person { name: "anna".into() }
}

struct Keys {
    private: Zeroizing<String>,
    line: String,
}

impl Keys {
    fn generate() -> Self {
        let (private, line) = ssh::generate().expect("a key");
        Self { private, line }
    }
}

impl ConsoleKeySource for Keys {
    fn open(&self) -> Result<Zeroizing<String>, Problem> {
        Ok(self.private.clone())
    }

    fn public_line(&self) -> Result<String, Problem> {
        Ok(self.line.clone())
    }
}

struct NewIds;

impl Ids for NewIds {
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}
