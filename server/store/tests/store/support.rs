//! A database in a folder of its own, and values to put into it.

use engine::ports::{ClusterStore, StoreError};
use jiff::{Span, Timestamp};
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::host_key::{HostKey, Pin};
use model::ids::{ClusterId, NodeId, OperationId};
use model::inventory::{Cluster, ClusterPhase, LogIn, Node, Purpose};
use model::name::SshAddress;
use model::operation::{Operation, OperationState, StepStatus};
use model::plan::{Action, Intent, MaterialFacts, Plan, Step};
use model::risk::Risk;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use std::path::PathBuf;
use store::SqliteStore;
use tempfile::TempDir;
use uuid::Uuid;

pub struct Room {
    pub store: SqliteStore,
    folder: TempDir,
}

impl Room {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let store = SqliteStore::open(&folder.path().join("quorate.db")).await.expect("open");
        Self { store, folder }
    }

    pub fn path(&self) -> PathBuf {
        self.file("quorate.db")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Opens the file again without having closed it, as after a crash.
    pub async fn crash(self) -> Self {
        let Self { store, folder } = self;
        drop(store);
        let store = SqliteStore::open(&folder.path().join("quorate.db")).await.expect("reopen");
        Self { store, folder }
    }

    /// A connection beside the product's own: somebody with the file in hand.
    pub async fn intruder(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.path());
        SqliteConnection::connect_with(&options).await.expect("connect")
    }

    pub async fn cluster(&self, number: u128) -> Cluster {
        let cluster = cluster(number);
        self.store.add_cluster(&cluster, entry(AuditCode::ClusterAdded)).await.expect("add");
        cluster
    }
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH.checked_add(Span::new().seconds(1_800_000_000 + second)).expect("time")
}

pub fn entry(code: AuditCode) -> AuditEntry {
    AuditEntry::new(at(0), code, "ops-1".into(), Outcome::Success)
}

pub fn cluster_id(number: u128) -> ClusterId {
    ClusterId::from_uuid(Uuid::from_u128(number))
}

pub fn cluster(number: u128) -> Cluster {
    Cluster {
        id: cluster_id(number),
        name: format!("pve-{number}").parse().expect("name"),
        phase: ClusterPhase::Draft,
        protected: true,
        created_at: at(1),
        created_by: "ops-1".into(),
    }
}

pub fn key(base64: &str) -> HostKey {
    HostKey { algorithm: "ssh-ed25519".into(), base64: base64.into(), fingerprint: format!("SHA256:{base64}") }
}

pub fn pin(base64: &str) -> Pin {
    Pin { key: key(base64), pinned_at: at(5), pinned_by: "ops-1".into() }
}

pub fn node(cluster: ClusterId, number: u128) -> Node {
    Node {
        id: NodeId::from_uuid(Uuid::from_u128(number)),
        cluster,
        purpose: Purpose::Member,
        address: SshAddress { host: format!("192.0.2.{number}"), port: 22, user: "root".into() },
        via: None,
        name: None,
        pin: None,
        offered: None,
        log_in: LogIn::KeyUnconfirmed,
        position: 0,
    }
}

/// Two steps on one node, proposed.
pub fn operation(cluster: ClusterId, number: u128) -> Operation {
    let node = NodeId::from_uuid(Uuid::from_u128(1));
    let step = |action| Step { node, node_name: "pve1".into(), action, commands: vec!["true".into()] };
    let plan = Plan {
        cluster,
        intent: Intent::InstallKey { node },
        risk: Risk::Reversible,
        target: "pve1".into(),
        steps: vec![step(Action::KeepConsoleKey { account: None }), step(Action::MakeRootKey)],
        consequences: vec![],
        facts: MaterialFacts { cluster_name: None, config_version: None, members: vec![], expected_votes: None },
        acknowledged: Vec::new(),
    };
    Operation {
        id: OperationId::from_uuid(Uuid::from_u128(number)),
        cluster,
        digest: plan.digest().expect("digest"),
        plan,
        reason: "maintenance of the racks".into(),
        proposed_by: "ops-1".into(),
        proposed_at: at(i64::try_from(number).expect("small")),
        state: OperationState::Proposed,
        steps: vec![StepStatus::Waiting, StepStatus::Waiting],
        finished_at: None,
    }
}

#[track_caller]
pub fn conflict<T: std::fmt::Debug>(result: Result<T, StoreError>) -> &'static str {
    match result {
        Err(StoreError::Conflict { what }) => what,
        other => panic!("a conflict was due: {other:?}"),
    }
}

#[track_caller]
pub fn missing<T: std::fmt::Debug>(result: Result<T, StoreError>) -> &'static str {
    match result {
        Err(StoreError::NotFound { what }) => what,
        other => panic!("nothing was to be found: {other:?}"),
    }
}

#[track_caller]
pub fn failure<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Database { text }) => text,
        Ok(value) => panic!("it should have failed: {value:?}"),
        Err(other) => panic!("another failure: {other}"),
    }
}
