//! A join that died midway: what both sides still show, which state that is, and the ways on.
//!
//! Pure: the engine asks the joiner and the members, this judges. The order of `pvecm add` that the states follow is
//! that of `PVE::CLI::pvecm` and `PVE::Cluster::Setup::finish_join`: the member registers the node, the key and the
//! configuration are written, the node's own database is moved away, both daemons start, the node's files are made.

mod judge;
#[cfg(test)]
mod tests;
mod ways;

pub use judge::judge;
pub use ways::{Way, WayOn, ways};

use crate::ids::{NodeId, OperationId};
use crate::observation::Fact;
use crate::remedy::ContentDigest;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

crate::problem::codes!(
    /// How far a join has come, as both sides show it now. Locale keys: `midway_CODE` and `midway_CODE_way`.
    MidwayState {
        /// Neither side knows of a join.
        NotBegun => "not_begun",
        /// The joiner's root key is in the cluster's shared file, and nothing else happened.
        KeysCarried => "keys_carried",
        /// The members list the node; the node itself has nothing.
        ListedOnly => "listed_only",
        /// Listed; the node has the cluster's key (and perhaps its configuration) beside its own database.
        FilesWritten => "files_written",
        /// Listed; key and configuration are there, the own database is moved away, nothing runs.
        DatabaseMoved => "database_moved",
        /// Listed; key, configuration and a database are there, nothing runs: whose database it is cannot be told.
        ServicesDown => "services_down",
        /// Listed; corosync runs and pmxcfs does not.
        PmxcfsDown => "pmxcfs_down",
        /// Listed; both run, and the node and the members do not come together.
        NotInRing => "not_in_ring",
        /// A member on both sides, and its certificate was never made.
        CertificateMissing => "certificate_missing",
        /// Listed, or about to join, with the key of another cluster.
        ForeignAuthkey => "foreign_authkey",
        /// The name is listed with addresses that this machine does not have.
        OtherAddresses => "other_addresses",
        /// The node has the cluster's files, and no member lists it.
        NotListed => "not_listed",
        /// Some members list it and some do not.
        MembersDisagree => "members_disagree",
        /// Listed, and the machine does not answer.
        JoinerSilent => "joiner_silent",
        /// The machine belongs to another cluster.
        OtherCluster => "other_cluster",
        /// Everything is there on both sides.
        Joined => "joined",
        /// Too much is not known.
        CannotTell => "cannot_tell",
    }
);

crate::problem::codes!(
    /// What a line of the evidence is about. Locale key: `trace_CODE`.
    TraceCode {
        Answers => "answers",
        Name => "name",
        Listed => "listed",
        Cluster => "cluster",
        Authkey => "authkey",
        Corosync => "corosync",
        Pmxcfs => "pmxcfs",
        InRing => "in_ring",
        Quorate => "quorate",
        Writable => "writable",
        Guests => "guests",
        Database => "database",
        RootKey => "root_key",
        Certificate => "certificate",
    }
);

crate::problem::codes!(
    /// What a line of the evidence says, where it is no text of the node's own. Locale key: `told_CODE`.
    ToldWord {
        Yes => "yes",
        No => "no",
        Nothing => "nothing",
        /// Of an authkey: the digest is the one of the members' file.
        Same => "same",
        /// Of an authkey: the digest is another one.
        Other => "other",
        Unknown => "unknown",
    }
);

/// One answer of a machine: not known, nothing there, or this.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Told<T> {
    #[default]
    Unknown,
    Nothing,
    Is(T),
}

impl<T> Told<T> {
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    #[must_use]
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Unknown | Self::Nothing => None,
        }
    }
}

/// What the machine that joins says of itself; `None` and `Unknown` are what it did not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JoinerSeen {
    /// Whether it answers at all.
    pub answers: bool,
    /// What `hostname` prints.
    pub name: Option<String>,
    /// Name of the cluster in `/etc/corosync/corosync.conf`.
    pub local: Told<String>,
    /// Name of the cluster in `/etc/pve/corosync.conf`, where pmxcfs runs.
    pub database: Told<String>,
    pub authkey: Told<ContentDigest>,
    pub corosync: Option<bool>,
    pub pmxcfs: Option<bool>,
    /// Quorate, and it sees itself in the ring.
    pub in_ring: Option<bool>,
    pub writable: Option<bool>,
    /// Configuration files of guests, where pmxcfs runs.
    pub guests: Option<u32>,
    /// Whether `/var/lib/pve-cluster/config.db` exists.
    pub config_db: Option<bool>,
    /// The newest `config-SECONDS.sql.gz` that a join has left of the own database.
    pub backup: Option<String>,
    pub addresses: Option<Vec<IpAddr>>,
}

/// What one member says of the joiner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberSeen {
    pub node: Option<NodeId>,
    pub label: String,
    /// The joiner's addresses in the nodelist of `/etc/pve/corosync.conf`.
    pub listed: Told<Vec<String>>,
    /// The joiner is in this member's ring.
    pub in_ring: Option<bool>,
    pub quorate: Option<bool>,
    /// Votes of the ring.
    pub votes: Option<u32>,
    /// Listed nodes besides the joiner that are not in the ring.
    pub absent: Vec<String>,
    pub authkey: Told<ContentDigest>,
    /// The joiner's root key is in the cluster's shared file.
    pub key_shared: Option<bool>,
    /// `/etc/pve/nodes/NAME/pve-ssl.pem` exists: the joiner was a whole member once.
    pub certificate: Option<bool>,
    /// `/etc/pve/nodes/NAME` exists.
    pub folder: Option<bool>,
}

/// Both sides of one join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scene {
    pub node: NodeId,
    /// The name under which it would be, or is, registered.
    pub name: String,
    pub cluster: String,
    pub joiner: JoinerSeen,
    /// The members that answer; the first one is the one that acts.
    pub members: Vec<MemberSeen>,
}

/// One line of evidence: who says what about what, with the command and the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    pub about: TraceCode,
    pub word: Option<ToldWord>,
    /// The node's own text, where it is one; empty otherwise.
    pub said: Fact<String>,
    /// The line is the joiner's own.
    pub own: bool,
}

/// A join as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Midway {
    pub node: NodeId,
    pub name: String,
    pub state: MidwayState,
    pub ways: Vec<WayOn>,
    pub traces: Vec<Trace>,
    /// The newest join of this node that the console ran, whatever became of it.
    pub operation: Option<OperationId>,
}
