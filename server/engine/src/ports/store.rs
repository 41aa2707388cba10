//! What survives a restart.

use super::evidence::EvidenceStore;
use super::filter::FilterStore;
use super::gathered::GatheredStore;
use super::overtaking::Overtaking;
use super::second_factor::SecondFactorStore;
use super::session::{SessionStore, WaitAfter};
use crate::audit::chain::GENESIS;
use async_trait::async_trait;
use jiff::Timestamp;
use model::approval::{Refused, Request, RequestEvent};
use model::audit::{AuditEntry, AuditFilter, AuditPage, ChainState, ChainedEntry};
use model::bmc::{Binding, Bmc, PowerReading};
use model::checkpoint::Checkpoint;
use model::host_key::{HostKey, Pin};
use model::ids::{ClusterId, NodeId, OperationId, RequestId, UserId};
use model::inventory::{Cluster, ClusterPhase, LogIn, Node};
use model::name::ClusterName;
use model::operation::{Operation, OperationState, OutputLine, StepEvent};
use model::policy::Policy;
use model::role::{Access, Role};
use model::segment::Unread;
use model::verify::Verification;
use model::wizard::Draft;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum StoreError {
    #[error("no such {what}")]
    NotFound { what: &'static str },
    /// A unique rule: a name, an address, the cluster's only running operation, a draft's revision.
    #[error("{what} is there already")]
    Conflict { what: &'static str },
    /// Somebody's agreement is missing, or may not be given or used.
    #[error("refused: {why}")]
    Refused { why: Refused },
    #[error("the database failed: {text}")]
    Database { text: String },
    #[error("stored {what} cannot be read: {text}")]
    Corrupt { what: &'static str, text: String },
    /// It is in an archived part of the audit that cannot be read.
    #[error("{0}")]
    Unread(Unread),
}

/// One line of an operation's journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    pub operation: OperationId,
    pub step: u16,
    pub at: Timestamp,
    pub event: StepEvent,
}

/// What an import writes down.
#[derive(Debug, Clone, PartialEq)]
pub struct Adoption {
    pub cluster: ClusterId,
    /// The name in corosync.conf; the present one is kept where another cluster here has it.
    pub name: Option<ClusterName>,
    /// Where the cluster has guests: the entry of its protection. It is protected, and the entry written, only if nobody has
    /// decided about the switch and it was not live before.
    pub protection: Option<AuditEntry>,
    /// Machines to add, in this order.
    pub nodes: Vec<Node>,
    /// Saved if its revision is still the stored one.
    pub draft: Draft,
}

/// Clusters, machines, pins.
#[async_trait]
pub trait ClusterStore: Send + Sync + 'static {
    async fn clusters(&self) -> Result<Vec<Cluster>, StoreError>;
    async fn cluster(&self, id: ClusterId) -> Result<Cluster, StoreError>;
    /// `Conflict` where a cluster of that name is there.
    async fn add_cluster(&self, cluster: &Cluster, audit: AuditEntry) -> Result<(), StoreError>;
    async fn set_phase(&self, id: ClusterId, phase: ClusterPhase) -> Result<(), StoreError>;
    async fn rename_cluster(&self, id: ClusterId, name: &str) -> Result<(), StoreError>;
    /// Makes a cluster that exists already a live one, with its machines and links, in one transaction; returns the machines.
    /// `Conflict` for an address that is there, or a newer draft.
    async fn adopt(&self, adoption: &Adoption, audit: Vec<AuditEntry>) -> Result<Vec<Node>, StoreError>;
    async fn forget_cluster(&self, id: ClusterId, audit: AuditEntry) -> Result<(), StoreError>;
    /// In order of `position`.
    async fn nodes(&self, cluster: ClusterId) -> Result<Vec<Node>, StoreError>;
    async fn node(&self, id: NodeId) -> Result<Node, StoreError>;
    /// `Conflict` where the same address is in the cluster already. Sets `position`, and the pin that the address had there before.
    async fn add_node(&self, node: &Node, audit: AuditEntry) -> Result<Node, StoreError>;
    async fn set_node_name(&self, id: NodeId, name: &str) -> Result<(), StoreError>;
    async fn set_log_in(&self, id: NodeId, log_in: &LogIn) -> Result<(), StoreError>;
    async fn forget_node(&self, id: NodeId, audit: AuditEntry) -> Result<(), StoreError>;
}

/// Host keys.
#[async_trait]
pub trait PinStore: Send + Sync + 'static {
    /// Keeps what a machine showed, for a person to compare.
    async fn keep_offer(&self, node: NodeId, offered: &HostKey) -> Result<(), StoreError>;
    /// Pins a key together with its audit entry, in one transaction.
    async fn pin(&self, node: NodeId, pin: &Pin, audit: AuditEntry) -> Result<(), StoreError>;
}

/// The wizard's drafts.
#[async_trait]
pub trait DraftStore: Send + Sync + 'static {
    async fn draft(&self, cluster: ClusterId) -> Result<Draft, StoreError>;
    /// Saves if `draft.revision` is still the stored one, and raises it; else `Conflict`.
    /// A decision of a person comes with its audit entry, in the same transaction.
    async fn save_draft(
        &self,
        cluster: ClusterId,
        draft: &Draft,
        audit: Option<AuditEntry>,
    ) -> Result<Draft, StoreError>;
    /// Keeps a cluster's newest verification in the place of the one before.
    async fn keep_verification(&self, cluster: ClusterId, by: &str, report: &Verification) -> Result<(), StoreError>;
    /// `None` where nobody has asked the nodes yet.
    async fn verification(&self, cluster: ClusterId) -> Result<Option<Verification>, StoreError>;
}

/// Operations and their journal.
#[async_trait]
pub trait OperationStore: Send + Sync + 'static {
    /// The row, its waiting steps and the audit entry, in one transaction.
    async fn propose(&self, operation: &Operation, audit: AuditEntry) -> Result<(), StoreError>;
    async fn operation(&self, id: OperationId) -> Result<Operation, StoreError>;
    /// Newest first.
    async fn operations(&self, cluster: Option<ClusterId>, limit: u32) -> Result<Vec<Operation>, StoreError>;
    /// Those that were written down and never began, for start-up.
    async fn proposed(&self) -> Result<Vec<Operation>, StoreError>;
    /// Running and parked ones, for start-up.
    async fn unfinished(&self) -> Result<Vec<Operation>, StoreError>;
    /// Changes the state if it is `from`; `Conflict` if it is not, or if another operation holds the cluster.
    /// `Refused` from proposed to running where the policy of now asks for somebody's agreement: see `ApprovalStore`.
    async fn set_state(
        &self,
        id: OperationId,
        from: &OperationState,
        to: &OperationState,
        audit: Option<AuditEntry>,
        at: Timestamp,
    ) -> Result<(), StoreError>;
    /// Appends to the journal and applies it to the step; on disk (synchronous FULL) before it returns. Illegal events are `Conflict`.
    async fn journal(&self, entry: &JournalEntry, audit: Option<AuditEntry>) -> Result<(), StoreError>;
    async fn journal_of(&self, id: OperationId) -> Result<Vec<JournalEntry>, StoreError>;
    /// Appends printed lines; `seq` is given by the caller and unique per operation.
    async fn append_output(&self, id: OperationId, lines: &[OutputLine]) -> Result<(), StoreError>;
    async fn output_of(&self, id: OperationId, after_seq: u64, limit: u32) -> Result<Vec<OutputLine>, StoreError>;
}

/// Requests for the agreement of others, and the policy that asks for it.
///
/// `model::approval` judges, over roles, policy and request as they are in the very transaction that writes the result
/// and its audit entry: of two who decide at the same time one is refused.
#[async_trait]
pub trait ApprovalStore: Send + Sync + 'static {
    /// `Conflict` where the same person has asked for the same and it is open; `Refused` where the policy it begins from moved.
    /// What it rests on of the nodes' answers is bound to it in the same transaction, see `EvidenceStore::relied_on`.
    async fn add_request(&self, request: &Request, audit: AuditEntry) -> Result<(), StoreError>;
    async fn request(&self, id: RequestId) -> Result<Request, StoreError>;
    /// Newest first; with `open` those of which something can still come.
    async fn requests(&self, cluster: Option<ClusterId>, open: bool, limit: u32) -> Result<Vec<Request>, StoreError>;
    /// What one person did alone and nobody has reviewed yet, however old it is; newest first.
    async fn unreviewed(&self) -> Result<Vec<Request>, StoreError>;
    /// The request that started an operation, where one did.
    async fn request_behind(&self, operation: OperationId) -> Result<Option<Request>, StoreError>;
    /// Everything but starting an operation; what changes a policy changes it in the same transaction.
    /// `Refused` where the model says so.
    async fn decide(
        &self,
        id: RequestId,
        actor: &str,
        event: &RequestEvent,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<Request, StoreError>;
    /// Uses a request up and starts the operation that the event names, which waits and has the same plan, at once or
    /// not at all. `Refused` where the model says so; `Conflict` where another operation holds the cluster: then the
    /// request is not used.
    async fn start_agreed(
        &self,
        id: RequestId,
        event: &RequestEvent,
        at: Timestamp,
        audit: Vec<AuditEntry>,
    ) -> Result<(), StoreError>;
    /// The same, and in the same transaction the end of the operation that has the cluster's place. `Conflict` where that
    /// is in another state by now, or may not be ended by who asked.
    async fn start_overtaking(
        &self,
        id: RequestId,
        event: &RequestEvent,
        at: Timestamp,
        overtaking: &Overtaking,
        audit: Vec<AuditEntry>,
    ) -> Result<(), StoreError>;
    /// Starts an operation of which the policy asks nobody's agreement, and ends the one that has the cluster's place, in one
    /// transaction. `Refused` and `Conflict` as in `set_state` and `start_overtaking`: then both are as they were.
    async fn start_in_place(
        &self,
        id: OperationId,
        at: Timestamp,
        overtaking: &Overtaking,
        audit: AuditEntry,
    ) -> Result<(), StoreError>;
    /// The policy in force.
    async fn policy(&self, cluster: ClusterId) -> Result<Policy, StoreError>;
    /// Sets the switch *protected* where nobody has ever decided about it; false where somebody has, or it is set.
    async fn protect_undecided(&self, cluster: ClusterId, audit: AuditEntry) -> Result<bool, StoreError>;
    /// How many admins of a cluster could agree besides this account.
    async fn other_admins(&self, cluster: ClusterId, but: &str) -> Result<u32, StoreError>;
}

/// The audit, its archived parts included. Only `engine::audit` calls `append`.
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// Chains and writes one entry; durable before it returns.
    async fn append(&self, entry: AuditEntry) -> Result<ChainedEntry, StoreError>;
    async fn find(&self, filter: &AuditFilter, limit: u32) -> Result<AuditPage, StoreError>;
    async fn entry(&self, index: u64) -> Result<ChainedEntry, StoreError>;
    /// The number of entries, which is the index of the newest.
    async fn entries(&self) -> Result<u64, StoreError>;
    /// Reads every stored byte and every link of the chain.
    async fn verify(&self) -> Result<ChainState, StoreError> {
        self.verify_after(0, &hex::encode(GENESIS)).await
    }
    /// Reads what follows the entry of that index, which must have that hash (in hex).
    async fn verify_after(&self, index: u64, hash: &str) -> Result<ChainState, StoreError>;
    /// Brings what entries are found by up to date; `find` does so by itself. Returns how many were behind.
    async fn derive(&self) -> Result<u64, StoreError>;
    /// Entries `CommandStarted` without their `CommandFinished`: the outcome is unknown.
    async fn unpaired(&self) -> Result<Vec<ChainedEntry>, StoreError>;
}

/// Signed checkpoints of the audit.
#[async_trait]
pub trait CheckpointStore: Send + Sync + 'static {
    /// `Conflict` where one of that size is there.
    async fn keep_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StoreError>;
    async fn last_checkpoint(&self) -> Result<Option<Checkpoint>, StoreError>;
    /// In order of size, those that cover more entries than this.
    async fn checkpoints_after(&self, size: u64, limit: u32) -> Result<Vec<Checkpoint>, StoreError>;
}

/// How the power of machines is reached from outside.
#[async_trait]
pub trait BmcStore: Send + Sync + 'static {
    /// In order of the machines.
    async fn bmcs(&self, cluster: ClusterId) -> Result<Vec<Bmc>, StoreError>;
    async fn bmc(&self, node: NodeId) -> Result<Option<Bmc>, StoreError>;
    /// The sealed password, where there is one.
    async fn bmc_secret(&self, node: NodeId) -> Result<Option<Vec<u8>>, StoreError>;
    /// Takes the place of an earlier one, with binding and reading.
    async fn set_bmc(&self, bmc: &Bmc, sealed: Option<&[u8]>, audit: AuditEntry) -> Result<(), StoreError>;
    async fn remove_bmc(&self, node: NodeId, audit: AuditEntry) -> Result<(), StoreError>;
    /// `Conflict` where it was set anew since `set_at`.
    async fn bind_bmc(
        &self,
        node: NodeId,
        set_at: Timestamp,
        binding: &Binding,
        audit: AuditEntry,
    ) -> Result<(), StoreError>;
    /// Keeps what was read, unless it was set anew since `set_at`.
    async fn note_power(&self, node: NodeId, set_at: Timestamp, reading: &PowerReading) -> Result<(), StoreError>;
}

/// An account as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUser {
    pub id: UserId,
    pub name: String,
    /// PHC string of argon2id; `None` until the invitation is used.
    pub password_hash: Option<String>,
    pub access: Access,
    pub disabled: bool,
    pub created_at: Timestamp,
    pub last_sign_in: Option<Timestamp>,
    /// Failed sign-ins in a row, and when the next try is allowed.
    pub failures: u32,
    pub locked_until: Option<Timestamp>,
    /// A second factor is asked for at sign-in.
    pub second_factor: bool,
}

/// Accounts and invitations.
#[async_trait]
pub trait UserStore: Send + Sync + 'static {
    async fn users(&self) -> Result<Vec<StoredUser>, StoreError>;
    async fn user(&self, id: UserId) -> Result<StoredUser, StoreError>;
    async fn user_by_name(&self, name: &str) -> Result<StoredUser, StoreError>;
    /// `Conflict` where the name is taken.
    async fn add_user(&self, user: &StoredUser, audit: AuditEntry) -> Result<(), StoreError>;
    /// Also ends all sessions.
    async fn set_password(&self, id: UserId, hash: &str, audit: AuditEntry) -> Result<(), StoreError>;
    /// `Conflict` (`last admin`) where nobody would be admin everywhere any more.
    async fn set_role(
        &self,
        id: UserId,
        cluster: Option<ClusterId>,
        role: Role,
        audit: AuditEntry,
    ) -> Result<(), StoreError>;
    /// Takes the role on one cluster away; what is left is the general one. `NotFound` where there is none.
    async fn drop_role(&self, id: UserId, cluster: ClusterId, audit: AuditEntry) -> Result<(), StoreError>;
    /// Also ends all sessions. `Conflict` (`last admin`) as for `set_role`.
    async fn disable(&self, id: UserId, audit: AuditEntry) -> Result<(), StoreError>;
    async fn note_sign_in(&self, id: UserId, at: Timestamp) -> Result<(), StoreError>;
    /// Counts one more failure, and locks the account as long as `wait` says of the count; a lock that ends later stays.
    async fn note_failure(&self, id: UserId, at: Timestamp, wait: WaitAfter) -> Result<(), StoreError>;
    /// Keeps the SHA-256 of a single-use token with its role and end.
    async fn add_invite(
        &self,
        token_hash: &[u8; 32],
        role: Role,
        name: Option<&str>,
        expires_at: Timestamp,
        audit: AuditEntry,
    ) -> Result<(), StoreError>;
    /// Role and fixed name of a token that is unused and not expired, without using it up.
    async fn invite(&self, token_hash: &[u8; 32], now: Timestamp) -> Result<(Role, Option<String>), StoreError>;
    /// Uses the token up and makes the account, in one transaction.
    async fn accept_invite(
        &self,
        token_hash: &[u8; 32],
        user: &StoredUser,
        now: Timestamp,
        audit: AuditEntry,
    ) -> Result<(), StoreError>;
}

/// Everything together: what the server hands to the engine.
pub trait Store:
    ClusterStore
    + PinStore
    + DraftStore
    + GatheredStore
    + OperationStore
    + ApprovalStore
    + AuditStore
    + CheckpointStore
    + FilterStore
    + EvidenceStore
    + BmcStore
    + UserStore
    + SecondFactorStore
    + SessionStore
    + super::notice::NoticeStore
{
}

impl<T> Store for T where
    T: ClusterStore
        + PinStore
        + DraftStore
        + GatheredStore
        + OperationStore
        + ApprovalStore
        + AuditStore
        + CheckpointStore
        + FilterStore
        + EvidenceStore
        + BmcStore
        + UserStore
        + SecondFactorStore
        + SessionStore
        + super::notice::NoticeStore
{
}
