//! The store with a fence around it: behind it a console that has crashed reads and writes nothing any more.
//!
//! It also holds tokio's paused clock while SQLite works on its own threads, which the clock cannot see.

use async_trait::async_trait;
use engine::hub::Measured;
use engine::ports::{
    Adoption, AuditStore, BmcStore, CheckpointStore, ClusterStore, DraftStore, EvidenceStore, FilterStore,
    GatheredStore, JournalEntry, OperationStore, PinStore, SessionRow, SessionStore, StoreError, StoredUser, UserStore,
    WaitAfter,
};
use jiff::Timestamp;
use model::audit::{AuditEntry, AuditFilter, AuditPage, ChainState, ChainedEntry, SavedFilter};
use model::bmc::{Binding, Bmc, PowerReading};
use model::checkpoint::Checkpoint;
use model::host_key::{HostKey, Pin};
use model::ids::{ClusterId, NodeId, OperationId, UserId};
use model::inventory::{Cluster, ClusterPhase, LogIn, Node};
use model::observation::{Evidence, KeptEvidence};
use model::operation::{Operation, OperationState, OutputLine};
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
}

#[derive(Default)]
struct Journal {
    writes: u64,
    dies_at: Option<(u64, Side)>,
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
        journal.dies_at.filter(|(at, _)| *at == journal.writes).map(|(_, side)| side)
    }
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
    async fn through<T>(&self, call: impl Future<Output = T>) -> T {
        self.fence.alive().await;
        let result = held(call).await;
        self.fence.alive().await;
        result
    }

    /// A write at which the console may die, like one of the journal.
    async fn counted<T>(&self, call: impl Future<Output = T>) -> T {
        self.fence.alive().await;
        let side = self.fence.next_write();
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

#[async_trait]
impl OperationStore for FencedStore {
    async fn propose(&self, operation: &Operation, audit: AuditEntry) -> Result<(), StoreError> {
        self.through(self.inner.propose(operation, audit)).await
    }

    async fn operation(&self, id: OperationId) -> Result<Operation, StoreError> {
        self.through(self.inner.operation(id)).await
    }

    async fn operations(&self, cluster: Option<ClusterId>, limit: u32) -> Result<Vec<Operation>, StoreError> {
        self.through(self.inner.operations(cluster, limit)).await
    }

    async fn proposed(&self) -> Result<Vec<Operation>, StoreError> {
        self.through(self.inner.proposed()).await
    }

    async fn unfinished(&self) -> Result<Vec<Operation>, StoreError> {
        self.through(self.inner.unfinished()).await
    }

    async fn set_state(
        &self,
        id: OperationId,
        from: &OperationState,
        to: &OperationState,
        audit: Option<AuditEntry>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.through(self.inner.set_state(id, from, to, audit, at)).await
    }

    async fn journal(&self, entry: &JournalEntry, audit: Option<AuditEntry>) -> Result<(), StoreError> {
        self.fence.alive().await;
        if self.fence.journal_fails.load(Ordering::SeqCst) {
            return Err(StoreError::Database { text: "the disk is busy".into() });
        }
        let side = self.fence.next_write();
        if side == Some(Side::Before) {
            self.fence.die();
        }
        self.fence.alive().await;
        let result = held(self.inner.journal(entry, audit)).await;
        self.fence.written(entry);
        if side == Some(Side::After) {
            self.fence.die();
        }
        self.fence.alive().await;
        result
    }

    async fn journal_of(&self, id: OperationId) -> Result<Vec<JournalEntry>, StoreError> {
        self.through(self.inner.journal_of(id)).await
    }

    async fn append_output(&self, id: OperationId, lines: &[OutputLine]) -> Result<(), StoreError> {
        self.through(self.inner.append_output(id, lines)).await
    }

    async fn output_of(&self, id: OperationId, after_seq: u64, limit: u32) -> Result<Vec<OutputLine>, StoreError> {
        self.through(self.inner.output_of(id, after_seq, limit)).await
    }
}

delegate!(AuditStore {
    fn append(entry: AuditEntry) -> ChainedEntry;
    fn find(filter: &AuditFilter, limit: u32) -> AuditPage;
    fn entry(index: u64) -> ChainedEntry;
    fn entries() -> u64;
    fn verify_after(index: u64, hash: &str) -> ChainState;
    fn derive() -> u64;
    fn unpaired() -> Vec<ChainedEntry>;
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

mod notices;

mod second_factors;

delegate!(SessionStore {
    fn create_session(row: &SessionRow) -> ();
    fn save_session(row: &SessionRow) -> ();
    fn load_session(id_hash: &[u8; 32], now: Timestamp) -> Option<SessionRow>;
    fn delete_session(id_hash: &[u8; 32]) -> ();
    fn delete_sessions_of(user: UserId) -> u64;
    fn expire_sessions(now: Timestamp) -> u64;
});
