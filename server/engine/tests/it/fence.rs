//! The store with a fence around it: behind it a console that has crashed reads and writes nothing any more.
//!
//! It also holds tokio's paused clock while SQLite works on its own threads, which the clock cannot see.

use async_trait::async_trait;
use engine::hub::Measured;
use engine::ports::{
    Adoption, BmcStore, CheckpointStore, ClusterStore, DraftStore, EvidenceStore, FilterStore, GatheredStore,
    JournalEntry, PinStore, SessionRow, SessionStore, StoreError, StoredUser, UserStore, WaitAfter,
};
use jiff::Timestamp;
use model::audit::{AuditEntry, SavedFilter};
use model::bmc::{Binding, Bmc, PowerReading};
use model::checkpoint::Checkpoint;
use model::host_key::{HostKey, Pin};
use model::ids::{ClusterId, NodeId, OperationId, RequestId, UserId};
use model::inventory::{Cluster, ClusterPhase, LogIn, Node};
use model::observation::{Evidence, Fact, KeptEvidence};
use model::preflight::Matrix;
use model::role::Role;
use model::verify::Verification;
use model::wizard::Draft;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use store::SqliteStore;
use tokio::sync::watch;

/// On which side of a journal write the console dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Before,
    After,
}

/// Whether the console lives, and when it dies.
pub struct Fence {
    dead: watch::Sender<bool>,
    journal: Mutex<Journal>,
    requests_fail: AtomicBool,
    journal_fails: AtomicBool,
    store_fails: AtomicBool,
}

#[derive(Default)]
struct Journal {
    writes: u64,
    dies_at: Option<(u64, Side)>,
    /// So many writes of any kind from now, the last one among them.
    dies_in: Option<(u64, Side)>,
    then: Option<(Awaited, Box<dyn FnOnce() + Send>)>,
}

/// A journal entry that something else waits for.
type Awaited = Box<dyn Fn(&JournalEntry) -> bool + Send>;

impl Fence {
    pub fn new(dies_at: Option<(u64, Side)>) -> Arc<Self> {
        let journal = Journal { dies_at, ..Journal::default() };
        Arc::new(Self {
            dead: watch::Sender::new(false),
            journal: Mutex::new(journal),
            requests_fail: AtomicBool::default(),
            journal_fails: AtomicBool::default(),
            store_fails: AtomicBool::default(),
        })
    }

    /// Does something, once, right after such an entry is on disk.
    pub fn after(
        &self,
        awaited: impl Fn(&JournalEntry) -> bool + Send + 'static,
        then: impl FnOnce() + Send + 'static,
    ) {
        self.journal.lock().expect("no panic").then = Some((Box::new(awaited), Box::new(then)));
    }

    fn written(&self, entry: &JournalEntry) {
        let due = self.journal.lock().expect("no panic").then.take_if(|(awaited, _)| awaited(entry));
        if let Some((_, then)) = due {
            then();
        }
    }

    /// From now on no single request can be read, or again.
    pub fn fail_requests(&self, fail: bool) {
        self.requests_fail.store(fail, Ordering::SeqCst);
    }

    /// From now on the journal cannot be written, or again.
    pub fn fail_journal(&self, fail: bool) {
        self.journal_fails.store(fail, Ordering::SeqCst);
    }

    /// From now on the store neither reads nor writes anything, or again.
    pub fn fail_store(&self, fail: bool) {
        self.store_fails.store(fail, Ordering::SeqCst);
    }

    fn answers(&self) -> Result<(), StoreError> {
        if self.store_fails.load(Ordering::SeqCst) { Err(busy()) } else { Ok(()) }
    }

    /// From now on entries of the audit and states of operations count as well: the console dies at this write of any kind.
    pub fn die_in(&self, writes: u64, side: Side) {
        self.journal.lock().expect("no panic").dies_in = Some((writes, side));
    }

    pub fn die(&self) {
        self.dead.send_replace(true);
    }

    pub fn is_dead(&self) -> bool {
        *self.dead.borrow()
    }

    /// Returns once the console has died.
    pub async fn death(&self) {
        let mut dead = self.dead.subscribe();
        dead.wait_for(|dead| *dead).await.expect("the sender is here");
    }

    /// Never returns in a console that has died.
    pub async fn alive(&self) {
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
    }

    /// How often the journal was written, or was about to be.
    pub fn journal_writes(&self) -> u64 {
        self.journal.lock().expect("no panic").writes
    }

    fn next_write(&self) -> Option<Side> {
        let mut journal = self.journal.lock().expect("no panic");
        journal.writes += 1;
        let armed = journal.dies_at.filter(|(at, _)| *at == journal.writes).map(|(_, side)| side);
        journal.next_of_any().or(armed)
    }

    /// A write that only `die_in` counts.
    fn next_other_write(&self) -> Option<Side> {
        self.journal.lock().expect("no panic").next_of_any()
    }
}

impl Journal {
    fn next_of_any(&mut self) -> Option<Side> {
        let (left, side) = self.dies_in?;
        self.dies_in = (left > 1).then(|| (left - 1, side));
        (left == 1).then_some(side)
    }
}

fn busy() -> StoreError {
    StoreError::Database { text: "the disk is busy".into() }
}

/// While this runs, tokio's paused clock stands: it does not advance while a blocking task is at work.
pub async fn held<T>(call: impl Future<Output = T>) -> T {
    let (hold, release) = std::sync::mpsc::channel::<()>();
    tokio::task::spawn_blocking(move || release.recv().is_ok());
    let result = call.await;
    drop(hold);
    result
}

/// The store behind the fence.
pub struct FencedStore {
    pub inner: SqliteStore,
    pub fence: Arc<Fence>,
}

impl FencedStore {
    async fn through<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.fence.alive().await;
        self.fence.answers()?;
        let result = held(call).await;
        self.fence.alive().await;
        result
    }

    /// A write at which the console may die, like one of the journal.
    async fn counted<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.fence.alive().await;
        self.fence.answers()?;
        self.dying(self.fence.next_write(), call).await
    }

    /// A write at which the console dies only where a test counts them all.
    async fn other_write<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.fence.alive().await;
        self.fence.answers()?;
        self.dying(self.fence.next_other_write(), call).await
    }

    /// On one side of the call the console dies, or on none.
    async fn dying<T>(&self, side: Option<Side>, call: impl Future<Output = T>) -> T {
        if side == Some(Side::Before) {
            self.fence.die();
        }
        self.fence.alive().await;
        let result = held(call).await;
        if side == Some(Side::After) {
            self.fence.die();
        }
        self.fence.alive().await;
        result
    }
}

macro_rules! delegate {
    ($port:ident { $(fn $name:ident($($arg:ident: $kind:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl $port for FencedStore {
            $(async fn $name(&self, $($arg: $kind),*) -> Result<$answer, StoreError> {
                self.through(self.inner.$name($($arg),*)).await
            })*
        }
    };
}

delegate!(ClusterStore {
    fn clusters() -> Vec<Cluster>;
    fn cluster(id: ClusterId) -> Cluster;
    fn add_cluster(cluster: &Cluster, audit: AuditEntry) -> ();
    fn set_phase(id: ClusterId, phase: ClusterPhase) -> ();
    fn rename_cluster(id: ClusterId, name: &str) -> ();
    fn adopt(adoption: &Adoption, audit: Vec<AuditEntry>) -> Vec<Node>;
    fn forget_cluster(id: ClusterId, audit: AuditEntry) -> ();
    fn nodes(cluster: ClusterId) -> Vec<Node>;
    fn node(id: NodeId) -> Node;
    fn add_node(node: &Node, audit: AuditEntry) -> Node;
    fn set_node_name(id: NodeId, name: &str) -> ();
    fn set_log_in(id: NodeId, log_in: &LogIn) -> ();
    fn forget_node(id: NodeId, audit: AuditEntry) -> ();
});

delegate!(PinStore {
    fn keep_offer(node: NodeId, offered: &HostKey) -> ();
    fn pin(node: NodeId, pin: &Pin, audit: AuditEntry) -> ();
});

delegate!(BmcStore {
    fn bmcs(cluster: ClusterId) -> Vec<Bmc>;
    fn bmc(node: NodeId) -> Option<Bmc>;
    fn bmc_secret(node: NodeId) -> Option<Vec<u8>>;
    fn set_bmc(bmc: &Bmc, sealed: Option<&[u8]>, audit: AuditEntry) -> ();
    fn remove_bmc(node: NodeId, audit: AuditEntry) -> ();
    fn bind_bmc(node: NodeId, set_at: Timestamp, binding: &Binding, audit: AuditEntry) -> ();
    fn note_power(node: NodeId, set_at: Timestamp, reading: &PowerReading) -> ();
});

delegate!(DraftStore {
    fn draft(cluster: ClusterId) -> Draft;
    fn save_draft(cluster: ClusterId, draft: &Draft, audit: Option<AuditEntry>) -> Draft;
    fn keep_verification(cluster: ClusterId, by: &str, report: &Verification) -> ();
    fn verification(cluster: ClusterId) -> Option<Verification>;
});

delegate!(GatheredStore {
    fn keep_checks(cluster: ClusterId, matrix: &Matrix) -> ();
    fn checks(cluster: ClusterId) -> Option<Matrix>;
    fn keep_measured(cluster: ClusterId, measured: &Measured) -> ();
    fn measured(cluster: ClusterId) -> Option<Measured>;
});

delegate!(CheckpointStore {
    fn keep_checkpoint(checkpoint: &Checkpoint) -> ();
    fn last_checkpoint() -> Option<Checkpoint>;
    fn checkpoints_after(size: u64, limit: u32) -> Vec<Checkpoint>;
});

delegate!(FilterStore {
    fn saved_filters(user: UserId) -> Vec<SavedFilter>;
    fn save_filter(user: UserId, filter: &SavedFilter) -> ();
    fn drop_filter(user: UserId, name: &str) -> ();
});

delegate!(EvidenceStore {
    fn keep(cluster: ClusterId, operation: Option<OperationId>, evidence: &Evidence) -> ();
    fn keep_all(seen: &[(ClusterId, Evidence)]) -> ();
    fn hold(cluster: ClusterId, operation: OperationId) -> u64;
    fn behind(cluster: ClusterId, node: &str, command: &str, at: Timestamp) -> KeptEvidence;
    fn evidence_of(cluster: ClusterId, node: Option<&str>, limit: u32) -> Vec<Evidence>;
    fn expire(before: Timestamp) -> u64;
    fn relied_on(request: RequestId) -> Vec<Fact<()>>;
});

delegate!(UserStore {
    fn users() -> Vec<StoredUser>;
    fn user(id: UserId) -> StoredUser;
    fn user_by_name(name: &str) -> StoredUser;
    fn add_user(user: &StoredUser, audit: AuditEntry) -> ();
    fn set_password(id: UserId, hash: &str, audit: AuditEntry) -> ();
    fn drop_role(id: UserId, cluster: ClusterId, audit: AuditEntry) -> ();
    fn set_role(id: UserId, cluster: Option<ClusterId>, role: Role, audit: AuditEntry) -> ();
    fn disable(id: UserId, audit: AuditEntry) -> ();
    fn note_sign_in(id: UserId, at: Timestamp) -> ();
    fn note_failure(id: UserId, at: Timestamp, wait: WaitAfter) -> ();
    fn add_invite(token_hash: &[u8; 32], role: Role, name: Option<&str>, expires_at: Timestamp, audit: AuditEntry) -> ();
    fn invite(token_hash: &[u8; 32], now: Timestamp) -> (Role, Option<String>);
    fn accept_invite(token_hash: &[u8; 32], user: &StoredUser, now: Timestamp, audit: AuditEntry) -> ();
});

mod approvals;

mod audit;

mod notices;

mod operations;

mod second_factors;

delegate!(SessionStore {
    fn create_session(row: &SessionRow) -> ();
    fn save_session(row: &SessionRow) -> ();
    fn load_session(id_hash: &[u8; 32], now: Timestamp) -> Option<SessionRow>;
    fn delete_session(id_hash: &[u8; 32]) -> ();
    fn delete_sessions_of(user: UserId) -> u64;
    fn expire_sessions(now: Timestamp) -> u64;
});
