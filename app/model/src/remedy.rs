//! What can be mended over SSH: which remedy belongs to which finding, and what a plan for it has to know.

mod diff;
pub mod firewall;
pub mod hosts;
mod take_back;
#[cfg(test)]
mod tests;

pub use diff::{DiffKind, DiffLine, diff};
pub use take_back::{may_take_back, steps_back};

use crate::facts::InterfaceAddress;
use crate::ids::NodeId;
use crate::operation::Operation;
use crate::preflight::{Cell, CheckId, FindingCode, Verdict};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use thiserror::Error;

/// The longest name of a time zone, in characters: `America/Argentina/ComodRivadavia` has 32.
const ZONE_MAX_CHARS: usize = 64;
/// A SHA-256 has so many hex digits.
const DIGEST_CHARS: usize = 64;
/// So many of them stand in the name of a kept copy.
const DIGEST_SHORT_CHARS: usize = 12;

crate::problem::codes!(
    /// What the console can mend by itself. Locale key: `remedy_CODE`.
    RemedyKind {
        HostsFile => "hosts_file",
        Authkey => "authkey",
        TimeZone => "time_zone",
        RsaHostKey => "rsa_host_key",
        Chrony => "chrony",
        Firewall => "firewall",
    }
);

impl CheckId {
    /// The remedy for one thing that this check can find; `None` where only a person can mend it.
    #[must_use]
    pub const fn remedy(self, found: FindingCode) -> Option<RemedyKind> {
        use FindingCode as F;
        match (self, found) {
            (
                Self::HostsFile | Self::HostNames,
                F::NameUnresolved
                | F::NameLoopback
                | F::NameLoopbackToo
                | F::NameNotLocal
                | F::HostsLoopbackLine
                | F::HostsWrongAddress,
            ) => Some(RemedyKind::HostsFile),
            (Self::NoGuests, F::LeftoverAuthkey) => Some(RemedyKind::Authkey),
            (Self::TimeZone, F::ZoneDiffers) => Some(RemedyKind::TimeZone),
            (Self::Ports, F::UdpLost | F::UdpSomeLost | F::PortClosed) => Some(RemedyKind::Firewall),
            (Self::RootSsh, F::NoRsaHostKey) => Some(RemedyKind::RsaHostKey),
            (Self::Clocks, F::NotSynchronized | F::ClockApart | F::ClockDrifting)
            | (
                Self::ClockService,
                F::TimesyncdOnly | F::TimeServiceNone | F::ChronyNotSynchronised | F::ChronyOffset,
            ) => Some(RemedyKind::Chrony),
            _ => None,
        }
    }
}

impl RemedyKind {
    /// What may be offered for a cell: only where its check failed or warned.
    #[must_use]
    pub fn of(cell: &Cell) -> Option<Self> {
        if !matches!(cell.verdict, Verdict::Fail | Verdict::Warn) {
            return None;
        }
        cell.findings.iter().find_map(|finding| cell.check.remedy(finding.code))
    }

    /// Whether it is for something that this check can find.
    #[must_use]
    pub fn mends(self, check: CheckId) -> bool {
        FindingCode::ALL.iter().any(|code| check.remedy(*code) == Some(self))
    }
}

/// The name of a time zone: `Etc/UTC`, `Europe/Paris` (tzdata's names; no path outside its folder).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ZoneName(String);

/// The text is no name of a time zone, or no SHA-256 in lower-case hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("characters that no such name has")]
pub struct Unsound;

impl ZoneName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ZoneName {
    type Error = Unsound;

    fn try_from(text: String) -> Result<Self, Unsound> {
        let part = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "_+-".contains(c))
        };
        let sound = text.chars().count() <= ZONE_MAX_CHARS && text.split('/').all(part);
        if sound { Ok(Self(text)) } else { Err(Unsound) }
    }
}

impl From<ZoneName> for String {
    fn from(zone: ZoneName) -> Self {
        zone.0
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// SHA-256 of a file's bytes in lower-case hex, as `sha256sum` prints it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentDigest(String);

impl ContentDigest {
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self(hex::encode(Sha256::digest(content)))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a kept copy is told apart by.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..DIGEST_SHORT_CHARS).unwrap_or(&self.0)
    }
}

impl TryFrom<String> for ContentDigest {
    type Error = Unsound;

    fn try_from(text: String) -> Result<Self, Unsound> {
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        if text.len() == DIGEST_CHARS && text.chars().all(hex) { Ok(Self(text)) } else { Err(Unsound) }
    }
}

impl From<ContentDigest> for String {
    fn from(digest: ContentDigest) -> Self {
        digest.0
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name under which a file is kept beside itself; `short` is [`ContentDigest::short`] of what is kept.
#[must_use]
pub fn kept_path(file: &str, short: &str) -> String {
    format!("{file}.quorate-{short}")
}

/// What was read on the machines right before a remedy is planned: the plan has no choices left.
#[derive(Debug, Clone, PartialEq)]
pub enum Look {
    Hosts(HostsLook),
    /// `None` where there is no such file.
    Authkey {
        digest: Option<ContentDigest>,
    },
    Zones {
        own: ZoneName,
        others: Vec<OtherZone>,
    },
    /// The host keys that are there: algorithm -> fingerprint.
    HostKeys(BTreeMap<String, String>),
    Chrony(ChronyLook),
    /// Every node whose firewall is enabled.
    Firewalls(Vec<FirewallLook>),
    /// The operation that is to be taken back.
    Past(Box<Operation>),
    /// Which machines lack the QDevice's packages.
    Qdevice(QdeviceLook),
    /// Where the daemon of the cluster's QDevice does not run.
    QdeviceDaemons(QdeviceDaemons),
    /// Both sides of a join that died midway.
    Join(Box<crate::midway::Scene>),
    /// Votes that a QDevice has in the configuration and does not cast on the side that would go on alone; 0 without one.
    SilentDevice {
        votes: u32,
        options: crate::recovery::QuorumOptions,
    },
    /// corosync on the machine, and the votes around it.
    Corosync(CorosyncLook),
}

/// corosync on one machine, and what its members say of the votes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorosyncLook {
    /// systemd's number of the run; `None` where it does not run.
    pub run: Option<String>,
    /// Names of the nodes where a client holds the watchdog.
    pub armed: Vec<String>,
    pub own_id: u32,
    pub own_votes: u32,
    /// Its corosync may run, and did not say on which side it is: silence, or an answer that cannot be read.
    pub own_untold: bool,
    /// Nodes in corosync.conf.
    pub configured: usize,
    /// A QDevice is configured, and casts fewer votes than it has.
    pub device_missing: bool,
    pub told: Vec<SideTold>,
}

/// What one member says of its side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideTold {
    pub quorate: bool,
    pub votes: u32,
    pub quorum: u32,
    /// Ids in corosync.conf.
    pub members: Vec<u32>,
}

impl Look {
    /// The remedy that it was made for.
    #[must_use]
    pub const fn kind(&self) -> Option<RemedyKind> {
        match self {
            Self::Hosts(_) => Some(RemedyKind::HostsFile),
            Self::Authkey { .. } => Some(RemedyKind::Authkey),
            Self::Zones { .. } => Some(RemedyKind::TimeZone),
            Self::HostKeys(_) => Some(RemedyKind::RsaHostKey),
            Self::Chrony(_) => Some(RemedyKind::Chrony),
            Self::Firewalls(_) => Some(RemedyKind::Firewall),
            Self::Past(_) | Self::Qdevice(_) | Self::QdeviceDaemons(_) => None,
            Self::Join(_) | Self::SilentDevice { .. } | Self::Corosync(_) => None,
        }
    }
}

/// `/etc/hosts` with what belongs into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostsLook {
    /// What `hostname` prints.
    pub name: String,
    /// The bytes of the file, which are text.
    pub content: String,
    pub own: Vec<InterfaceAddress>,
    /// Addresses that the own name should lead to, the best one first; those that the machine does not have are passed over.
    pub wanted: Vec<IpAddr>,
    /// The other nodes by name; without an address where a node does not tell it.
    pub peers: Vec<(String, Option<IpAddr>)>,
}

/// What another node has for a time zone, in the order of the nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherZone {
    pub label: String,
    pub zone: ZoneName,
}

/// One node's own rules of Proxmox VE's firewall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirewallLook {
    pub node: NodeId,
    /// What `hostname` prints: the folder in `/etc/pve/nodes`.
    pub name: String,
    /// `host.fw`; `None` where there is none.
    pub content: Option<String>,
    /// The other nodes' addresses in each network that all share.
    pub networks: Vec<Vec<IpAddr>>,
}

/// Machines that say that a package is missing; one that does not answer is in neither list, and the step asks it again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QdeviceLook {
    /// Nodes without `corosync-qdevice`.
    pub nodes: Vec<NodeId>,
    /// The host is without `corosync-qnetd`.
    pub host: bool,
    /// Nodes with certificates of an earlier device, or of a set-up that stopped, and the digest of what is there.
    pub leftovers: Vec<(NodeId, ContentDigest)>,
}

/// The QDevice of a cluster, and its daemon on the nodes that answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QdeviceDaemons {
    /// The host that the configuration names; `None` where it has no device.
    pub host: Option<String>,
    /// Nodes that say that their daemon does not run.
    pub stopped: Vec<NodeId>,
}

/// What of chrony is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChronyLook {
    pub installed: bool,
    pub active: bool,
    /// A client of the watchdog's multiplexer holds it: a jump of the clock could fence the machine.
    pub armed: bool,
    /// systemd-timesyncd runs, which Debian removes when chrony comes.
    pub timesyncd: bool,
}
