//! The wizard's fifth step: every member is asked, and all have to agree.
//!
//! One node's word proves nothing: a node that was left behind finds itself in order too.

mod cells;
mod compare;
pub mod markdown;
#[cfg(test)]
mod tests;

use crate::facts::{CorosyncConf, LinkStatus, NodeSsh, QuorumMember, QuorumStatus};
use crate::observation::Evidence;
use crate::preflight::{ClockOffset, Gathered, Verdict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The two copies of the cluster's configuration, as [`VerifyAnswer::digests`] names them.
pub const CONFIG_SHARED: &str = "/etc/pve/corosync.conf";
pub const CONFIG_LOCAL: &str = "/etc/corosync/corosync.conf";

crate::problem::codes!(
    /// What is compared; locale key `verify_CODE`.
    VerifyCode {
        Quorate => "quorate",
        Votes => "votes",
        Members => "members",
        Ring => "ring",
        ConfigVersion => "config_version",
        ConfigSame => "config_same",
        Links => "links",
        /// Root of every node reaches every other one with the host key that the cluster has pinned.
        NodeSsh => "node_ssh",
        Writable => "writable",
        /// Between any two nodes at most a second.
        Clocks => "clocks",
    }
);

crate::problem::codes!(
    /// Why a cell is not green; locale key `disagreement_CODE`. The parameters of the sentence stand at each code:
    /// `own` is what this node says, `other` what contradicts it, `peer` who says so.
    DisagreementCode {
        /// `problem`: a problem's code.
        NoAnswer => "no_answer",
        /// `votes`, `quorum`.
        NotQuorate => "not_quorate",
        /// `own`: what corosync's tool says, `other`: what `pvecm status` says on the same node.
        PvecmDiffers => "pvecm_differs",
        /// `own`: the members that corosync's tool names, `other`: those of `pvecm nodes` on the same node.
        PvecmNodesDiffer => "pvecm_nodes_differ",
        /// `own`, `other`, `peer`: votes there are / votes expected.
        VotesDiffer => "votes_differ",
        /// `expected`, `configured`: votes expected now, and in corosync.conf.
        VotesNotAsConfigured => "votes_not_as_configured",
        /// `votes`, `expected`.
        VotesMissing => "votes_missing",
        /// `own`, `other`, `peer`: lists of names.
        MembersDiffer => "members_differ",
        /// `member`: a name in corosync.conf that is not on the ring.
        MemberMissing => "member_missing",
        /// `member`: a name in corosync.conf that was not asked.
        MemberNotAsked => "member_not_asked",
        /// `own`, `other`, `peer`.
        RingDiffers => "ring_differs",
        /// `own`, `other`, `peer`.
        ConfigVersionDiffers => "config_version_differs",
        /// `own`, `other`, `peer`: the first digits of the SHA-256.
        ConfigDiffers => "config_differs",
        /// `own`: SHA-256 of `/etc/pve/corosync.conf`, `other`: that of `/etc/corosync/corosync.conf` on the same node.
        ConfigCopiesDiffer => "config_copies_differ",
        /// `link`, `peer`.
        LinkDown => "link_down",
        ReadOnly => "read_only",
        /// `own`, `other`: milliseconds from the console's clock, `peer`, `millis`: between the two, `limit`.
        ClocksApart => "clocks_apart",
        /// `peer`.
        SshHostKey => "ssh_host_key",
        /// `peer`.
        SshDenied => "ssh_denied",
        /// `peer`, `text`: ssh's last words.
        SshFailed => "ssh_failed",
    }
);

/// What one node answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyAnswer {
    /// Label of the node.
    pub node: String,
    /// `corosync-quorumtool -s`
    pub quorum: Gathered<QuorumStatus>,
    /// The quorum block of `pvecm status`; absent where corosync does not run.
    pub status: Gathered<Option<QuorumStatus>>,
    /// `pvecm nodes`
    pub members: Gathered<Vec<QuorumMember>>,
    /// `ssh` to every other node of corosync.conf: name -> how it ended.
    pub ssh: BTreeMap<String, Gathered<NodeSsh>>,
    /// `corosync-cfgtool -n`
    pub links: Gathered<LinkStatus>,
    /// `/etc/pve/corosync.conf`
    pub conf: Gathered<CorosyncConf>,
    /// Path -> SHA-256 in hex, of [`CONFIG_SHARED`] and [`CONFIG_LOCAL`].
    pub digests: Gathered<BTreeMap<String, String>>,
    /// `/etc/pve` can be written to.
    pub writable: Gathered<bool>,
    /// How far its clock is from the console's.
    pub clock: Gathered<ClockOffset>,
    /// What to quote for each cell.
    pub evidence: BTreeMap<VerifyCode, Vec<Evidence>>,
}

/// A disagreement with what both sides say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disagreement {
    pub code: DisagreementCode,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
}

impl Disagreement {
    #[must_use]
    pub const fn new(code: DisagreementCode) -> Self {
        Self { code, params: BTreeMap::new() }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.params.insert(name.to_owned(), value.to_string());
        self
    }
}

/// One thing on one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyCell {
    pub what: VerifyCode,
    /// Pass, fail, or error where evidence is missing.
    pub verdict: Verdict,
    /// A few characters for the cell: `3/3`, `1.11`, `4/4`.
    pub brief: Option<String>,
    pub disagreements: Vec<Disagreement>,
    /// The node's own output, then the other side's where the two contradict each other.
    pub evidence: Vec<Evidence>,
}

/// One node: a cell for each [`VerifyCode`], in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyRow {
    pub node: String,
    pub cells: Vec<VerifyCell>,
}

/// The whole report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    pub at: Timestamp,
    pub rows: Vec<VerifyRow>,
    /// Every cell of every node passes.
    pub agreed: bool,
}

/// Compares the answers of all nodes; `at` is when the last of them came in.
///
/// Where most nodes say the same, those who differ fail; where no answer has a majority, all fail, each quoting another.
#[must_use]
pub fn judge(answers: &[VerifyAnswer], at: Timestamp) -> Verification {
    let rows: Vec<VerifyRow> = answers
        .iter()
        .map(|answer| VerifyRow {
            node: answer.node.clone(),
            cells: VerifyCode::ALL.iter().map(|what| cells::cell(*what, answer, answers)).collect(),
        })
        .collect();
    let agreed = !rows.is_empty() && rows.iter().flat_map(|row| &row.cells).all(|cell| cell.verdict == Verdict::Pass);
    Verification { at, rows, agreed }
}
