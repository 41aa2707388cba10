//! What the audit keeps: codes are an API and are never reused.

mod sought;

pub use sought::{Sought, Unasked, WORDS_MAX};

use crate::checkpoint::{Checkpoint, CheckpointFault};
use crate::ids::{ClusterId, OperationId};
use crate::risk::Risk;
use crate::segment::Unread;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

crate::problem::codes!(
    /// Kinds of entries; locale key `audit_CODE`.
    AuditCode {
        SignedIn => "signed_in",
        SignInRefused => "sign_in_refused",
        SignedOut => "signed_out",
        InviteIssued => "invite_issued",
        UserCreated => "user_created",
        UserDisabled => "user_disabled",
        RoleChanged => "role_changed",
        ClusterAdded => "cluster_added",
        ClusterForgotten => "cluster_forgotten",
        ClusterImported => "cluster_imported",
        NodeAdded => "node_added",
        NodeForgotten => "node_forgotten",
        HostKeyPinned => "host_key_pinned",
        HostKeyReplaced => "host_key_replaced",
        HostKeyMismatch => "host_key_mismatch",
        PlanProposed => "plan_proposed",
        PlanRefused => "plan_refused",
        OperationStarted => "operation_started",
        OperationResumed => "operation_resumed",
        OperationFinished => "operation_finished",
        OperationParked => "operation_parked",
        OperationAbandoned => "operation_abandoned",
        ChecksRun => "checks_run",
        LinksChosen => "links_chosen",
        LinksMeasured => "links_measured",
        VerifyRun => "verify_run",
        QdeviceSkipped => "qdevice_skipped",
        ChecksAcknowledged => "checks_acknowledged",
        CommandStarted => "command_started",
        CommandFinished => "command_finished",
        OutcomeUnknown => "outcome_unknown",
        /// Lowered votes have risen. Details `expected`, `members`, `lowered_for`, and `quorate`: they may have cost the quorum.
        ExpectedRestored => "expected_restored",
        ExpectedStillLowered => "expected_still_lowered",
        WatchSummary => "watch_summary",
        ServerStarted => "server_started",
        AuditExported => "audit_exported",
        ApprovalRequested => "approval_requested",
        ApprovalGiven => "approval_given",
        ApprovalRejected => "approval_rejected",
        ApprovalWithdrawn => "approval_withdrawn",
        ApprovalExpired => "approval_expired",
        ApprovalVoid => "approval_void",
        ApprovalUsed => "approval_used",
        ApprovalRefused => "approval_refused",
        GlassBroken => "glass_broken",
        GlassStopped => "glass_stopped",
        GlassUsed => "glass_used",
        GlassReviewed => "glass_reviewed",
        PolicyProposed => "policy_proposed",
        PolicyChanged => "policy_changed",
        BmcSet => "bmc_set",
        BmcRemoved => "bmc_removed",
        BmcBound => "bmc_bound",
        SecondFactorEnrolled => "second_factor_enrolled",
        SecondFactorRemoved => "second_factor_removed",
        SecondFactorReset => "second_factor_reset",
        SecondFactorWrong => "second_factor_wrong",
        RecoveryCodeUsed => "recovery_code_used",
        PasswordChanged => "password_changed",
        /// The quorum around `pvecm expected`: details `moment`, `quorate`, `expected`, `votes`, `quorum`, `members`; before it also
        /// `silent_to` and `unasked`.
        QuorumSeen => "quorum_seen",
        /// Asked for (started), and reached (success).
        OperationPaused => "operation_paused",
        /// Ended by another operation that could not wait for it.
        OperationOvertaken => "operation_overtaken",
        /// Messages to a place outside do not arrive: once per outage. Details `place`, `problem`, `error`.
        MessagesFailing => "messages_failing",
        /// They arrive again. Details `place`, `since`.
        MessagesRestored => "messages_restored",
        /// Somebody sent a test message. Details `place`, and `problem` and `error` where it did not arrive.
        MessageTested => "message_tested",
        /// A part of the audit was closed and archived; the first entry of what follows. Details `file`, `entries`, `head`, `sha256`.
        AuditArchived => "audit_archived",
        /// Votes were lowered, have not been told to have risen, and nobody can look. Details `lowered_for`, `last_seen`.
        ExpectedUnseen => "expected_unseen",
    }
);

/// How something ended, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Success,
    Refused,
    Failed,
    /// The entry says that something began.
    Started,
    /// The second half of a pair never came.
    Unknown,
}

impl Outcome {
    pub const WORDS: &'static [&'static str] = &["success", "refused", "failed", "started", "unknown"];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Started => "started",
            Self::Unknown => "unknown",
        }
    }
}

/// Names of what an entry may say beyond its fields (`detail_NAME` in the locales).
pub const DETAILS: &[&str] = &[
    "acknowledged",
    "address",
    "agreed",
    "also",
    "answers",
    "approved_by",
    "before",
    "bmc",
    "bmc_session",
    "comment",
    "config_version",
    "digest",
    "error",
    "expected",
    "facts",
    "fail",
    "filter",
    "fingerprint",
    "format",
    "from",
    "intent",
    "key_stays",
    "last_seen",
    "left",
    "lost",
    "lowered_for",
    "members",
    "name",
    "nodes",
    "offered",
    "pass",
    "pinned",
    "policy",
    "problem",
    "request",
    "role",
    "silent_to",
    "since",
    "skipped",
    "started",
    "unasked",
    "unit",
    "uuid",
    "version",
    "warn",
    "why",
    "moment",
    "quorate",
    "quorum",
    "votes",
    "overtakes",
    "overtaken_by",
    "left",
    "place",
    "file",
    "entries",
    "head",
    "sha256",
];

/// One entry, before it is chained. Its JSON bytes are what the chain covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub at: Timestamp,
    pub code: AuditCode,
    /// Account name, or `system`.
    pub who: String,
    pub outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// The exact command, quoted; standard input is named by its length only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub millis: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Why, in the person's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Anything else that belongs to the code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
}

impl AuditEntry {
    #[must_use]
    pub const fn new(at: Timestamp, code: AuditCode, who: String, outcome: Outcome) -> Self {
        Self {
            at,
            code,
            who,
            outcome,
            cluster: None,
            cluster_name: None,
            node: None,
            operation: None,
            step: None,
            risk: None,
            command: None,
            exit: None,
            millis: None,
            output: None,
            reason: None,
            details: BTreeMap::new(),
        }
    }
}

/// An entry in its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainedEntry {
    /// From 1 on, without gaps.
    pub index: u64,
    pub entry: AuditEntry,
    /// Hash of the entry before, in hex.
    pub previous: String,
    pub hash: String,
}

/// What a person looks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditFilter {
    #[serde(default)]
    pub who: Option<String>,
    #[serde(default)]
    pub cluster: Option<ClusterId>,
    #[serde(default)]
    pub node: Option<String>,
    #[serde(default)]
    pub code: Option<AuditCode>,
    #[serde(default)]
    pub outcome: Option<Outcome>,
    #[serde(default)]
    pub operation: Option<OperationId>,
    #[serde(default)]
    pub risk: Option<Risk>,
    /// Words in command, reason or target.
    #[serde(default)]
    pub words: Option<String>,
    /// What commands printed, see [`Sought`]; only together with both ends of a period.
    #[serde(default)]
    pub output: Option<String>,
    #[serde(default)]
    pub from: Option<Timestamp>,
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Entries before this index, newest first: the cursor of the next page.
    #[serde(default)]
    pub before: Option<u64>,
}

/// A page of entries, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    pub entries: Vec<ChainedEntry>,
    /// Indexes of those on it whose bytes are no entry: somebody changed them.
    pub unreadable: Vec<u64>,
    /// Cursor of the next page; `None` on the last.
    pub next: Option<u64>,
    /// Entries that the filter meets, counted up to [`COUNT_MAX`] only, or fewer where counting them would take long; of all entries,
    /// without any filter, the number is known. Where outputs are looked through only those on the page are counted.
    pub total: u64,
    /// Whether there may be more, for not all of them were counted.
    pub more: bool,
    /// So many outputs were looked through that the page ends before it is full: the next one goes on at the cursor.
    #[serde(default)]
    pub cut: bool,
    pub millis: u32,
    /// Archived parts that could not be read: what they hold is neither among the entries nor in the total.
    #[serde(default)]
    pub unread: Vec<Unread>,
}

/// Entries that are counted for one answer at most: what is more is told as more.
pub const COUNT_MAX: u64 = 1_000;

/// A question to the audit that a person keeps under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFilter {
    pub name: String,
    /// The query part of the page's address, without the question mark.
    pub query: String,
}

/// The state of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "chain")]
pub enum ChainState {
    Whole {
        entries: u64,
        verified_at: Timestamp,
        head: String,
    },
    Broken {
        at_index: u64,
        entries: u64,
        verified_at: Timestamp,
    },
    /// An archived part is not what it was when it was closed, or is not there.
    Lost {
        unread: Unread,
        entries: u64,
        verified_at: Timestamp,
    },
}

/// What is known of the chain, and up to where it was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainView {
    pub chain: ChainState,
    /// When everything was last read; between two such times only what is new is.
    pub read_whole_at: Timestamp,
    /// The newest signed checkpoint.
    pub checkpoint: Option<Checkpoint>,
    /// What was found of it; `None` where there is none, or the chain is broken in itself.
    #[serde(default)]
    pub judged: Option<Judged>,
}

/// What the newest checkpoint says of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "judged")]
pub enum Judged {
    /// The console signed it, and the log fits it.
    Fits,
    /// The log fits it. Who signed it cannot be told without the key.
    SignerUnknown,
    /// It and the log contradict each other, or somebody else signed it: the chain counts as broken.
    Against { fault: CheckpointFault },
}
