//! What the console read out of one answer of a node, in codes: the bridge between raw output and what a page shows.

use crate::ids::{OperationId, RequestId};
use crate::observation::Evidence;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

crate::problem::codes!(
    /// What one answer said to the console; locale key `reading_CODE`. The parameters of the sentence stand at each code.
    ReadingCode {
        /// `votes`, `expected`, `quorum`.
        Quorate => "quorate",
        /// `votes`, `expected`, `quorum`.
        NotQuorate => "not_quorate",
        /// `ring`, `members`: names as corosync printed them.
        Ring => "ring",
        CorosyncDown => "corosync_down",
        /// `count`.
        LinksUp => "links_up",
        /// `link`, `peer`: corosync's id of the other node.
        LinkDown => "link_down",
        /// `online`, `offline`: names.
        PmxcfsQuorate => "pmxcfs_quorate",
        /// `online`, `offline`: names.
        PmxcfsNotQuorate => "pmxcfs_not_quorate",
        /// The node is in no cluster.
        PmxcfsAlone => "pmxcfs_alone",
        /// `name`, `version`, `nodes`: names.
        Conf => "conf",
        NoConf => "no_conf",
        /// `list`.
        Packages => "packages",
        /// `list`: the letters.
        Options => "options",
        /// `problem`: a problem's code, and the parameters of its sentence.
        Unreadable => "unreadable",
        /// Only the beginning was kept, so it cannot be read again.
        CutShort => "cut_short",
        /// No answer that watching asks for: it was quoted and nothing was drawn from it here.
        Quoted => "quoted",
    }
);

/// One sentence about an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    pub code: ReadingCode,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
}

impl Reading {
    #[must_use]
    pub const fn new(code: ReadingCode) -> Self {
        Self { code, params: BTreeMap::new() }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.params.insert(name.to_owned(), value.to_string());
        self
    }
}

/// The answer behind a fact, with what was made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behind {
    /// As it was printed first.
    pub evidence: Evidence,
    /// When it was last printed, but for the lines that differ each time.
    pub last_at: Timestamp,
    pub times: u64,
    /// The operation that relied on it.
    pub operation: Option<OperationId>,
    /// The first request for somebody's agreement that rests on it.
    #[serde(default)]
    pub request: Option<RequestId>,
    pub readings: Vec<Reading>,
}

/// Answers that could not be kept because too many waited for the disk, since the console started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceGap {
    /// When the first and the last of them were given.
    pub since: Timestamp,
    pub until: Timestamp,
    pub answers: u64,
}
