//! What was gathered before a cluster exists, node by node, and the matrix of verdicts drawn from it.

pub mod probe_plan;

pub use probe_plan::{ProbeTargets, probe_plan};

use crate::facts::{GuestRef, Interface, InterfaceAddress, ProbeReport, PveVersion, TimeStatus};
use crate::ids::NodeId;
use crate::observation::Evidence;
use crate::problem::Problem;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Results older than this block the next step, in minutes (`checks.md`).
pub const RESULTS_STALE_AFTER_MIN: i64 = 10;

/// Which bundle of evidence a fact was read from; the key of `NodeEvidence::evidence`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    Version,
    HostName,
    HostNameFile,
    HostsFile,
    Resolve,
    Addresses,
    Interfaces,
    Clock,
    TimeSync,
    Guests,
    ClusterConfig,
    HostKeys,
    User,
    Probe,
    LogIn,
}

/// A fact, or why there is none. A missing fact is never a pass.
pub type Gathered<T> = Result<T, Problem>;

/// Leftovers of a cluster on a node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterTraces {
    /// `/etc/pve/corosync.conf`
    pub pve_config: bool,
    /// `/etc/corosync/corosync.conf`
    pub corosync_config: bool,
    /// `/etc/corosync/authkey`
    pub authkey: bool,
}

/// How far a node's clock is from the console's, in milliseconds, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockOffset {
    /// Node minus console.
    pub millis: i64,
    /// Half of the round trip of the best sample.
    pub error_millis: i64,
}

/// Everything that the seed's eight checks need of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeEvidence {
    pub node: NodeId,
    /// What people call it on screen.
    pub label: String,
    /// The node on which the cluster will be created: it may have guests.
    pub first: bool,
    pub management: Option<IpAddr>,
    pub version: Gathered<PveVersion>,
    pub host_name: Gathered<String>,
    pub host_name_file: Gathered<String>,
    pub hosts_file: Gathered<String>,
    /// What `getent ahosts $(hostname)` answers; empty means that the name does not resolve.
    pub resolves_to: Gathered<BTreeSet<IpAddr>>,
    pub addresses: Gathered<Vec<InterfaceAddress>>,
    pub interfaces: Gathered<Vec<Interface>>,
    pub clock: Gathered<ClockOffset>,
    pub time_sync: Gathered<TimeStatus>,
    pub guests: Gathered<Vec<GuestRef>>,
    pub traces: Gathered<ClusterTraces>,
    /// Algorithms of the host keys in `/etc/ssh`.
    pub host_keys: Gathered<BTreeSet<String>>,
    pub user_id: Gathered<u32>,
    /// Filled by the second round, when every node runs its end of the probe.
    pub probe: Gathered<ProbeReport>,
    pub evidence: BTreeMap<Source, Evidence>,
}

/// The five verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Pass,
    Skipped,
    Warn,
    /// Evidence is missing; never counts as a pass.
    Error,
    Fail,
}

impl Verdict {
    pub const WORDS: &'static [&'static str] = &["pass", "skipped", "warn", "error", "fail"];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Skipped => "skipped",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fail => "fail",
        }
    }

    #[must_use]
    pub const fn blocks(self) -> bool {
        matches!(self, Self::Fail | Self::Error)
    }
}

crate::problem::codes!(
    /// The checks of the first wizard step; names as in the seed. Locale keys: `check_CODE`, `check_CODE_why`, `check_CODE_source`.
    CheckId {
        SameVersion => "same_version",
        HostNames => "host_names",
        HostsFile => "hosts_file",
        Clocks => "clocks",
        ManagementNetwork => "management_network",
        Ports => "ports",
        RootSsh => "root_ssh",
        NoGuests => "no_guests",
    }
);

crate::problem::codes!(
    /// Why a cell is not green; locale key `finding_CODE`. The parameters of the sentence stand at each code.
    FindingCode {
        /// `problem`: a problem's code.
        EvidenceMissing => "evidence_missing",
        /// `peer` (a node that has to answer first), or `check` (a check's code that has to be green first).
        WaitsForOther => "waits_for_other",
        /// `version`, `other`, `peer`.
        VersionMajorDiffers => "version_major_differs",
        /// `version`, `other`, `peer`.
        VersionMinorDiffers => "version_minor_differs",
        /// `version`, `oldest`.
        VersionUnsupported => "version_unsupported",
        /// `version`, `newest`.
        VersionNotVerified => "version_not_verified",
        /// `name`, `problem`: the problem's code.
        NameInvalid => "name_invalid",
        /// `name`, `peer`.
        NameTwice => "name_twice",
        /// `name`, `file`: what `/etc/hostname` says.
        NameFileDiffers => "name_file_differs",
        /// `name`.
        NameUnresolved => "name_unresolved",
        /// `name`, `address`; no line of `/etc/hosts` says so.
        NameLoopback => "name_loopback",
        /// `name`, `address`: loopback beside a real address.
        NameLoopbackToo => "name_loopback_too",
        /// `name`, `address`; no line of `/etc/hosts` says so.
        NameNotLocal => "name_not_local",
        /// `name`, `line`: the line of `/etc/hosts`.
        HostsLoopbackLine => "hosts_loopback_line",
        /// `name`, `address`, `line`: the line of `/etc/hosts`.
        HostsWrongAddress => "hosts_wrong_address",
        /// `peer`, `millis`, `limit_millis`.
        ClockApart => "clock_apart",
        /// `peer`, `millis`, `limit_millis`.
        ClockDrifting => "clock_drifting",
        /// `error_millis`.
        ClockUnsure => "clock_unsure",
        NotSynchronized => "not_synchronized",
        /// `address`.
        ManagementNotLocal => "management_not_local",
        /// `address`, `interface`.
        ManagementDynamic => "management_dynamic",
        /// `interface`.
        InterfaceDown => "interface_down",
        /// `peer`, `address`, `answer`: `refused`, `timeout` or the error's text.
        PeerNoAnswer => "peer_no_answer",
        /// `peer`, `address`, `port`, `answer`: `refused`, `timeout` or the error's text.
        PortClosed => "port_closed",
        /// `peer`, `address`, `port`, `echoed`, `sent`.
        UdpLost => "udp_lost",
        /// `peer`, `address`, `port`, `echoed`, `sent`.
        UdpSomeLost => "udp_some_lost",
        /// `address`, `port`.
        PortBusy => "port_busy",
        /// `uid`.
        NotRoot => "not_root",
        NoRsaHostKey => "no_rsa_host_key",
        /// `count`, `guests`: their ids.
        HasGuests => "has_guests",
        /// `count`, `guests`: their ids.
        FirstHasGuests => "first_has_guests",
        /// `files`.
        InCluster => "in_cluster",
        LeftoverAuthkey => "leftover_authkey",
        /// `problem`: a problem's code.
        LogInFailed => "log_in_failed",
    }
);

/// Why a cell has its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub code: FindingCode,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
}

impl Finding {
    #[must_use]
    pub const fn new(code: FindingCode) -> Self {
        Self { code, params: BTreeMap::new() }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.params.insert(name.to_owned(), value.to_string());
        self
    }
}

/// One cell of the matrix: a check on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    pub check: CheckId,
    pub node: NodeId,
    pub verdict: Verdict,
    /// A few characters for the cell itself: a version, an offset, `12/12`.
    pub brief: Option<String>,
    pub findings: Vec<Finding>,
    pub evidence: Vec<Evidence>,
}

/// The matrix, as far as it is filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matrix {
    pub started_at: Timestamp,
    /// `None` while nodes are still answering.
    pub finished_at: Option<Timestamp>,
    pub nodes: Vec<MatrixNode>,
    pub cells: Vec<Cell>,
}

/// A column of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatrixNode {
    pub node: NodeId,
    pub label: String,
    pub first: bool,
}

impl Matrix {
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.cells.iter().filter(|cell| cell.verdict == verdict).count()
    }

    /// Every cell is there and none blocks.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.finished_at.is_some()
            && self.cells.len() == self.nodes.len() * CheckId::ALL.len()
            && !self.nodes.is_empty()
            && self.cells.iter().all(|cell| !cell.verdict.blocks())
    }

    #[must_use]
    pub fn stale(&self, now: Timestamp) -> bool {
        self.finished_at.is_none_or(|at| {
            at.checked_add(Span::new().minutes(RESULTS_STALE_AFTER_MIN)).is_ok_and(|limit| now > limit)
        })
    }
}

/// Marks the lines of some evidence that contain one of the words.
#[must_use]
pub fn accuse(evidence: Evidence, words: &[&str]) -> Evidence {
    accuse_where(evidence, |line| words.iter().any(|word| !word.is_empty() && line.contains(word)))
}

/// Marks the lines of some evidence that prove a verdict.
#[must_use]
pub fn accuse_where(mut evidence: Evidence, guilty: impl Fn(&str) -> bool) -> Evidence {
    for line in evidence.lines.iter_mut().filter(|line| guilty(&line.text)) {
        line.guilty = true;
    }
    evidence
}
