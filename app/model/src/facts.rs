//! What one answer of one command says, after parsing: no judgement, no merging.
//!
//! Parsers live in the crate `pve`; these types are shared so that checks, topology and pages can use them.

pub mod host;

use host::{Pings, Traffic, WholePackets};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

/// corosync's own number of a node, from 1 on; 0 stands for the QDevice in `corosync-quorumtool`.
pub type CorosyncNodeId = u32;

/// `pve-manager/9.2.11/abc (running kernel: 6.17.2-1-pve)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PveVersion {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
    pub kernel: Option<String>,
}

impl fmt::Display for PveVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The QDevice column of `corosync-quorumtool`: `A,V,NMW` and so on, or `NR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QdeviceFlags {
    /// The node's daemon has not registered.
    NotRegistered,
    Registered {
        alive: bool,
        /// The only flag to trust: the device votes for this node (`seed-check`: A can stay with qnetd dead).
        voting: bool,
        master_wins: bool,
    },
}

/// One row of the membership table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuorumMember {
    pub id: CorosyncNodeId,
    pub votes: u32,
    /// A name with `-s`, an address with `-i`.
    pub name: String,
    pub local: bool,
    pub qdevice: Option<QdeviceFlags>,
}

/// `corosync-quorumtool -s` (or one block of `-m`), as the node printed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuorumStatus {
    /// The number of member nodes in this node's partition.
    pub nodes: u32,
    pub node_id: CorosyncNodeId,
    /// `1.d`: the representative's node id and a growing sequence in hex.
    pub ring_id: String,
    pub quorate: bool,
    pub expected_votes: u32,
    pub highest_expected: u32,
    pub total_votes: u32,
    pub quorum: u32,
    /// `Activity blocked` stands behind the quorum.
    pub blocked: bool,
    /// `Quorate`, `Qdevice`, `2Node`, `WaitForAll` ...
    pub flags: BTreeSet<String>,
    /// Members only; an offline configured node simply is not there.
    pub members: Vec<QuorumMember>,
    /// The votes of the row with node id 0, where a QDevice is configured.
    pub qdevice_votes: Option<u32>,
}

impl QuorumStatus {
    /// The votes are those of the members and of the QDevice, and the ring is named after the lowest of the members, which
    /// formed it (`memb_lowest_in_config` in `exec/totemsrp.c`). In a block that corosync-quorumtool prints late they are
    /// not: it has the members of its notification beside the ring and the votes of the moment of printing.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let of_members: u64 = self.members.iter().map(|member| u64::from(member.votes)).sum();
        let votes = u64::from(self.total_votes) == of_members + u64::from(self.qdevice_votes.unwrap_or(0));
        let lowest = self.members.iter().map(|member| member.id).min();
        votes && self.ring_representative().is_none_or(|id| lowest == Some(id))
    }

    /// The node that formed the ring, where its id can be read.
    fn ring_representative(&self) -> Option<CorosyncNodeId> {
        let (representative, _) = self.ring_id.split_once('.')?;
        CorosyncNodeId::from_str_radix(representative, 16).ok()
    }

    /// The growing part of the ring's id, where it can be read.
    #[must_use]
    pub fn ring_sequence(&self) -> Option<u64> {
        let (_, sequence) = self.ring_id.rsplit_once('.')?;
        u64::from_str_radix(sequence, 16).ok()
    }
}

/// One line `LINK:` of `corosync-cfgtool -n`, or one row of `-s`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkState {
    pub link: u8,
    pub peer: CorosyncNodeId,
    pub enabled: bool,
    /// A link that is down merely lacks the word `connected`.
    pub connected: bool,
    pub local_address: Option<String>,
    pub peer_address: Option<String>,
    /// Bytes; knet's own data MTU.
    pub mtu: Option<u32>,
}

/// `corosync-cfgtool -n` or `-s`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkStatus {
    pub node_id: CorosyncNodeId,
    pub transport: String,
    pub links: Vec<LinkState>,
}

/// One node of corosync.conf's nodelist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfNode {
    pub name: String,
    pub id: CorosyncNodeId,
    pub votes: u32,
    /// Link number -> address (`ring0_addr` is link 0).
    #[serde(deserialize_with = "crate::keyed::by_number")]
    pub addresses: BTreeMap<u8, String>,
}

/// The `device` block of corosync.conf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfQdevice {
    pub model: String,
    pub host: Option<String>,
    /// `ffsplit` or `lms`.
    pub algorithm: Option<String>,
    pub votes: u32,
}

/// What the console needs of a corosync.conf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorosyncConf {
    pub cluster_name: String,
    pub config_version: u64,
    pub nodes: Vec<ConfNode>,
    /// Link number -> `knet_link_priority`, where written.
    #[serde(deserialize_with = "crate::keyed::by_number")]
    pub link_priorities: BTreeMap<u8, u32>,
    pub qdevice: Option<ConfQdevice>,
    pub token_coefficient: Option<u32>,
    /// Unusual keys of the `quorum` block: `two_node`, `wait_for_all`, ...
    pub quorum_options: BTreeMap<String, String>,
}

impl CorosyncConf {
    /// `quorum.expected_votes`, where it is set; 0 sets nothing.
    #[must_use]
    pub fn expected_set(&self) -> Option<u32> {
        self.quorum_options.get("expected_votes")?.trim().parse::<u32>().ok().filter(|votes| *votes > 0)
    }
}

/// One entry of `/etc/pve/.members`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PmxMember {
    pub name: String,
    pub id: CorosyncNodeId,
    pub online: bool,
    pub ip: Option<IpAddr>,
}

/// `/etc/pve/.members`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PmxMembers {
    pub node_name: String,
    /// Absent on a node that is in no cluster.
    pub cluster: Option<PmxCluster>,
    pub nodes: Vec<PmxMember>,
}

/// The `cluster` part of `/etc/pve/.members`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PmxCluster {
    pub name: String,
    pub version: u64,
    pub nodes: u32,
    pub quorate: bool,
}

/// One address of one interface (`ip -j addr`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceAddress {
    pub interface: String,
    pub address: IpAddr,
    pub prefix: u8,
    pub global: bool,
    /// Learned (DHCP, SLAAC), so it may change under corosync.
    pub dynamic: bool,
}

/// One interface (`ip -j link`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    pub name: String,
    pub mac: Option<String>,
    /// Bytes.
    pub mtu: u32,
    pub up: bool,
    /// The bridge or bond that it belongs to.
    pub master: Option<String>,
    /// The device that a VLAN sits on.
    pub lower: Option<String>,
}

/// `timedatectl show`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeStatus {
    pub timezone: Option<String>,
    pub ntp: Option<bool>,
    pub synchronized: Option<bool>,
}

/// A guest's configuration file on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GuestRef {
    pub vmid: u32,
    pub kind: GuestKind,
}

/// So many guest ids are named in a sentence; their count tells the rest.
const GUESTS_NAMED_MAX: usize = 8;

impl GuestRef {
    /// Their ids for a sentence.
    #[must_use]
    pub fn named(guests: &[Self]) -> String {
        let mut named: Vec<String> = guests.iter().take(GUESTS_NAMED_MAX).map(|guest| guest.vmid.to_string()).collect();
        if guests.len() > GUESTS_NAMED_MAX {
            named.push("...".to_owned());
        }
        named.join(", ")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuestKind {
    Qemu,
    Lxc,
}

/// How a TCP connection attempt of the probe ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TcpProbe {
    Open { millis: u32 },
    Refused,
    Timeout,
    Failed { text: String },
}

/// What the two-ended probe on one node found (`pve::probe`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeReport {
    /// `ADDR:PORT` -> `ok`, `busy` or the error's text.
    pub listen: BTreeMap<String, String>,
    /// `ADDR:PORT` -> (echoed, sent).
    pub udp: BTreeMap<String, (u32, u32)>,
    pub tcp: BTreeMap<String, TcpProbe>,
    /// Address -> echo requests of the usual size.
    #[serde(default)]
    pub pings: BTreeMap<String, Pings>,
    /// Address -> echo requests of the interface's whole packet size.
    #[serde(default)]
    pub whole: BTreeMap<String, WholePackets>,
    /// Address -> the largest packet that came back without having been cut up, in bytes; 0 where none did.
    #[serde(default)]
    pub path_mtu: BTreeMap<String, u32>,
    /// Address -> MAC that answered for it.
    #[serde(default)]
    pub neighbours: BTreeMap<String, String>,
    /// Address -> who said that packets to it were not taken, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unreachable: BTreeMap<String, Vec<Unreachable>>,
    /// Interface -> what it carried meanwhile.
    #[serde(default)]
    pub traffic: BTreeMap<String, Traffic>,
}

/// One *destination unreachable* of ICMP or ICMPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreachable {
    pub code: u8,
    /// Whose word it is: the destination's own, or one of somebody on the way.
    pub by: IpAddr,
}

impl Unreachable {
    /// Forbidden on the way, whoever is behind (RFC 1812, 5.2.7.1: codes 9, 10 and 13; RFC 4443, 3.1: codes 1, 5 and 6).
    #[must_use]
    pub const fn is_prohibition(&self) -> bool {
        match self.by {
            IpAddr::V4(_) => matches!(self.code, 9 | 10 | 13),
            IpAddr::V6(_) => matches!(self.code, 1 | 5 | 6),
        }
    }
}

/// The state of a transient unit (`systemctl show`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitState {
    NotFound,
    Running,
    /// Ended; `code` is the exit status of its main process.
    Exited {
        code: i32,
    },
    /// Killed by a signal, a time limit, or never started.
    Failed {
        code: i32,
    },
}

/// How one node's SSH to another ended, with the other's pinned host key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "ssh")]
pub enum NodeSsh {
    Works,
    /// `Host key verification failed.`: the other node's key is not the pinned one, or none is pinned.
    HostKey,
    /// `Permission denied`: the other node does not let root's key in.
    Denied,
    /// The other node was not reached, or anything else: the last words.
    Failed {
        text: String,
    },
}
