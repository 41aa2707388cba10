//! What the commands of the prerequisites say of one machine: clocks, packages, cards, disks, files of `/etc/pve`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// `chronyc -c tracking`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockTracking {
    /// How far the system's clock is from the right time, whichever way, in microseconds.
    pub offset_us: u64,
    /// False where chrony says *Not synchronised*.
    pub synchronised: bool,
}

/// One line of `chronyc -c sources`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeSource {
    pub name: String,
    /// chrony follows it (`*`).
    pub selected: bool,
}

/// What `nft -j list ruleset` holds, as far as it concerns a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruleset {
    /// A chain at the input hook drops what no rule accepts.
    pub drops_input: bool,
    /// A rule accepts UDP of corosync's ports, or everything from some network.
    pub opens_corosync: bool,
    /// Chains of Proxmox VE's own firewall, which lets corosync through by itself.
    pub by_pve: bool,
    /// Firewalls beside it that bring chains of their own: `ufw`, `firewalld`, `docker`.
    pub foreign: BTreeSet<String>,
}

/// The database behind `/etc/pve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// `ok`, or SQLite's first complaint.
    pub integrity: String,
    pub entries: u64,
    pub bytes: u64,
    /// Names that one folder has twice, as `PARENT/NAME`.
    pub doubles: Vec<String>,
}

/// One interface as `ip -d -j link` details it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    pub name: String,
    /// `bridge`, `bond`, `vlan`, `veth` ...; `None` for a real card.
    pub kind: Option<String>,
    /// The bus address of a real card: `0000:02:00.0`.
    pub bus: Option<String>,
    /// The bridge or bond that it belongs to.
    pub master: Option<String>,
    /// The device that a VLAN sits on.
    pub lower: Option<String>,
    pub mtu: u32,
    pub up: bool,
    /// `active-backup`, `802.3ad`, `balance-rr` ... of a bond.
    pub bond_mode: Option<String>,
    /// `slow` or `fast`, of a bond with LACP.
    pub lacp_rate: Option<String>,
    /// Of a bond's member: its own monitor says that it works.
    pub member_up: Option<bool>,
}

/// Speed and duplex of one interface, from `/sys/class/net`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkSpeed {
    /// `None` where the driver does not know.
    pub megabits: Option<u32>,
    pub full_duplex: Option<bool>,
}

/// One source of packages that is enabled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Repository {
    pub uri: String,
    pub suite: String,
    pub component: String,
}

/// One line of `df`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSpace {
    /// Where it is mounted.
    pub place: String,
    pub free_bytes: u64,
    /// `None` for file systems without a fixed number of inodes.
    pub inodes_used_percent: Option<u8>,
}

/// `/proc/meminfo`, in KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    pub available_kib: u64,
    pub swap_kib: u64,
    pub swap_free_kib: u64,
}

/// One entry of `/etc/pve/storage.cfg`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storage {
    pub id: String,
    /// `dir`, `nfs`, `zfspool`, `rbd` ...
    pub kind: String,
    pub options: BTreeMap<String, String>,
}

/// What `/etc/pve/user.cfg` and its neighbours hold beyond a fresh installation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts {
    /// Accounts beside `root@pam`.
    pub users: Vec<String>,
    pub tokens: Vec<String>,
    /// Groups, pools, roles and permissions.
    pub rules: u32,
    /// Realms beside `pam` and `pve`.
    pub realms: u32,
    /// Somebody has a second factor there.
    pub second_factors: bool,
}

/// What a machine's resolver says to the name that the cluster is to have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameUse {
    pub name: String,
    /// Empty where the name leads nowhere.
    pub addresses: Vec<IpAddr>,
}

/// A switch that one card sees, as it announces itself (LLDP).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchSeen {
    pub interface: String,
    /// Its chassis id, mostly a MAC address: two ports of one switch tell the same.
    pub chassis: String,
    pub name: Option<String>,
}

/// A certificate as `openssl x509` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    pub not_after: Timestamp,
    pub names: BTreeSet<String>,
    pub addresses: BTreeSet<IpAddr>,
}

/// A series of echo requests to one address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pings {
    pub sent: u32,
    pub received: u32,
    pub min_us: u32,
    pub avg_us: u32,
    pub max_us: u32,
    /// The mean deviation, as `ping` prints it last.
    pub jitter_us: u32,
}

/// Packets of one size that must not be cut up on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholePackets {
    /// With the IP header, in bytes.
    pub bytes: u32,
    pub sent: u32,
    pub received: u32,
}

/// What one interface carried while the probe ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    pub millis: u32,
    /// The busier direction.
    pub bytes: u64,
    pub errors: u64,
    pub drops: u64,
}
