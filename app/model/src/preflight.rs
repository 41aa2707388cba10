//! What was gathered before a cluster exists, node by node, and the matrix of verdicts drawn from it.

pub mod acknowledge;
pub mod codes;
pub mod host_facts;
pub mod probe_plan;

pub use acknowledge::Acknowledgement;
pub use codes::{CheckGroup, CheckId, FindingCode};
pub use host_facts::HostFacts;
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
    Packages,
    PveNodes,
    Services,
    TimeTracking,
    TimeSources,
    Sshd,
    QuietShell,
    CorosyncState,
    Database,
    Routes,
    Speeds,
    Settings,
    Firewall,
    Ruleset,
    ApiVersion,
    Repositories,
    Updates,
    Subscription,
    Disks,
    IoPressure,
    Memory,
    Storage,
    Accounts,
    Certificate,
    CertificateAuthority,
    CertificateChain,
    Folder,
    ClusterName,
    Lldp,
    KernelLog,
}

/// A fact, or why there is none. A missing fact is never a pass.
pub type Gathered<T> = Result<T, Problem>;

impl Source {
    /// What an installation of Proxmox VE may well lack: `sqlite3` and lldpd are not among its packages, `nft` came with the
    /// new firewall, and a kernel may be started without pressure figures. Its absence skips a check and never passes it.
    #[must_use]
    pub const fn may_be_absent(self) -> bool {
        matches!(self, Self::Database | Self::Ruleset | Self::IoPressure | Self::Lldp)
    }
}

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

/// Everything that the checks need of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeEvidence {
    pub node: NodeId,
    /// What people call it on screen.
    pub label: String,
    /// The node on which the cluster will be created: it may have guests.
    pub first: bool,
    pub management: Option<IpAddr>,
    /// The name that the cluster is to have.
    pub wanted_name: Option<String>,
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
    /// What is asked for beyond the facts above.
    pub host: HostFacts,
    pub evidence: BTreeMap<Source, Evidence>,
}

impl NodeEvidence {
    /// A machine of which nothing is known, for one reason.
    #[must_use]
    pub fn missing(node: NodeId, label: &str, first: bool, problem: &Problem) -> Self {
        Self {
            node,
            label: label.to_owned(),
            first,
            management: None,
            wanted_name: None,
            version: Err(problem.clone()),
            host_name: Err(problem.clone()),
            host_name_file: Err(problem.clone()),
            hosts_file: Err(problem.clone()),
            resolves_to: Err(problem.clone()),
            addresses: Err(problem.clone()),
            interfaces: Err(problem.clone()),
            clock: Err(problem.clone()),
            time_sync: Err(problem.clone()),
            guests: Err(problem.clone()),
            traces: Err(problem.clone()),
            host_keys: Err(problem.clone()),
            user_id: Err(problem.clone()),
            probe: Err(problem.clone()),
            host: HostFacts::missing(problem),
            evidence: BTreeMap::new(),
        }
    }

    /// Takes away what was read from one source.
    pub fn forget(&mut self, source: Source, problem: &Problem) {
        self.host.forget(source, problem);
        match source {
            Source::Version => self.version = Err(problem.clone()),
            Source::HostName => self.host_name = Err(problem.clone()),
            Source::HostNameFile => self.host_name_file = Err(problem.clone()),
            Source::HostsFile => self.hosts_file = Err(problem.clone()),
            Source::Resolve => self.resolves_to = Err(problem.clone()),
            Source::Addresses => self.addresses = Err(problem.clone()),
            Source::Interfaces => self.interfaces = Err(problem.clone()),
            Source::Clock => self.clock = Err(problem.clone()),
            Source::TimeSync => self.time_sync = Err(problem.clone()),
            Source::Guests => self.guests = Err(problem.clone()),
            Source::ClusterConfig => self.traces = Err(problem.clone()),
            Source::HostKeys => self.host_keys = Err(problem.clone()),
            Source::User => self.user_id = Err(problem.clone()),
            Source::Probe => self.probe = Err(problem.clone()),
            _ => {}
        }
    }
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
