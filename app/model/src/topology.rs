//! The cluster as it is now, folded from what every node said.
//!
//! Folding never averages: disagreement is a state of its own, and a silent node is unknown, not gone.

mod changes;
#[cfg(test)]
pub(crate) mod fixture;
mod fold;
mod judge;
mod nodelist;
mod pairs;
mod pmxcfs;
mod standing;
#[cfg(test)]
mod tests;
mod told;

pub use changes::changes;
pub use fold::{NodeView, fold};
pub use nodelist::in_nodelist;
pub use standing::Standing;

use crate::capability::Capability;
use crate::facts::{CorosyncNodeId, QdeviceFlags};
use crate::ids::{ClusterId, NodeId};
use crate::observation::{Fact, Freshness};
use crate::problem::Problem;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whether the console can talk to a machine right now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "contact")]
pub enum Contact {
    /// Not tried yet since the console started.
    Untried,
    Connected {
        since: Timestamp,
    },
    Lost {
        since: Timestamp,
        problem: Problem,
    },
}

/// A fact together with what its age makes of it; the value of an unknown one is kept off the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aged<T> {
    pub fact: Fact<T>,
    pub freshness: Freshness,
}

/// The quorum as one partition sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    pub ring_id: String,
    pub quorate: bool,
    pub expected_votes: u32,
    pub total_votes: u32,
    pub quorum: u32,
    /// Names of the members as corosync knows them.
    pub members: Vec<String>,
    /// Labels of the nodes that told this.
    pub told_by: Vec<String>,
    /// Votes of the QDevice in this partition, where one is configured.
    pub qdevice_votes: Option<u32>,
}

/// Do the nodes that answer agree?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "agreement")]
pub enum Agreement {
    /// No node told anything that is still believed.
    Unknown,
    /// All that answer name the same members and the same ring.
    Agreed { partition: Partition },
    /// Disjoint or different views: a split, or nodes that have not settled yet.
    Partitioned { partitions: Vec<Partition> },
}

/// What may be said in one word about the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Quorate, everybody there, every link up.
    Healthy,
    /// Quorate, but something is missing.
    Degraded,
    NoQuorum,
    /// Nodes contradict each other.
    Split,
    Unknown,
}

impl Health {
    pub const WORDS: &'static [&'static str] = &["healthy", "degraded", "no_quorum", "split", "unknown"];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::NoQuorum => "no_quorum",
            Self::Split => "split",
            Self::Unknown => "unknown",
        }
    }
}

/// One node's membership as the others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Membership {
    Member,
    /// In the nodelist, and a quorate partition runs without it; its own answer, if there is one, is overtaken.
    Absent,
    /// In a partition without quorum.
    Isolated,
    /// Not in the nodelist: not joined yet.
    NotJoined,
    /// Nobody who is believed tells where it is: silent is not gone.
    Unknown,
}

impl Membership {
    pub const WORDS: &'static [&'static str] = &["member", "absent", "isolated", "not_joined", "unknown"];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Absent => "absent",
            Self::Isolated => "isolated",
            Self::NotJoined => "not_joined",
            Self::Unknown => "unknown",
        }
    }
}

/// One node on screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeState {
    /// `None` for a node of the nodelist that the console has not been told of.
    pub id: Option<NodeId>,
    pub name: String,
    pub corosync_id: Option<CorosyncNodeId>,
    pub votes: Option<u32>,
    pub contact: Contact,
    pub membership: Membership,
    /// Who says so, how, and when.
    pub membership_source: Option<Fact<()>>,
    pub freshness: Freshness,
    /// When the membership last changed, since the console watches.
    pub changed_at: Option<Timestamp>,
    /// Can this node go down now without the rest losing quorum?
    pub may_stop: MayStop,
    pub qdevice: Option<QdeviceFlags>,
    pub version: Option<Aged<String>>,
    pub capability: Option<Aged<Capability>>,
    pub pmxcfs: Option<Aged<PmxcfsState>>,
    /// Link number -> address in corosync.conf.
    #[serde(deserialize_with = "crate::keyed::by_number")]
    pub addresses: BTreeMap<u8, String>,
}

/// pmxcfs, the file system behind `/etc/pve`, as it sees itself on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PmxcfsState {
    /// `None` where it names no cluster: the node is in none, or pmxcfs has not heard of it from corosync yet.
    pub quorate: Option<bool>,
    /// `None` where that is not known.
    pub writable: Option<bool>,
    /// The version of corosync.conf that it goes by.
    pub config_version: Option<u64>,
    /// Beside what corosync says on the same node.
    pub concord: Concord,
}

/// Do corosync and pmxcfs on a node say the same?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Concord {
    Agrees,
    QuorumDiffers,
    MembersDiffer,
    /// One of them is silent, or the membership has just changed.
    Unknown,
}

impl Concord {
    pub const WORDS: &'static [&'static str] = &["agrees", "quorum_differs", "members_differ", "unknown"];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::QuorumDiffers => "quorum_differs",
            Self::MembersDiffer => "members_differ",
            Self::Unknown => "unknown",
        }
    }

    #[must_use]
    pub const fn differs(self) -> bool {
        matches!(self, Self::QuorumDiffers | Self::MembersDiffer)
    }
}

/// Whether taking a node down now would cost the quorum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "may_stop")]
pub enum MayStop {
    /// Votes left after it, and what is needed.
    Yes {
        votes_after: u32,
        quorum: u32,
    },
    No {
        votes_after: u32,
        quorum: u32,
    },
    AlreadyDown,
    NotKnown,
}

/// The state of one link between two nodes, from both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkHealth {
    Up,
    /// One end says connected, the other does not.
    OneWay,
    Down,
    Unknown,
}

impl LinkHealth {
    pub const WORDS: &'static [&'static str] = &["up", "one_way", "down", "unknown"];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::OneWay => "one_way",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }
}

/// One link of one pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairLink {
    pub link: u8,
    /// Node names, in the order of the names.
    pub from: String,
    pub to: String,
    pub health: LinkHealth,
    /// knet prefers this link at the moment (highest priority that is up, lowest number when equal).
    pub preferred: bool,
    pub freshness: Freshness,
    /// Who told it, newest first.
    pub told_by: Vec<Fact<bool>>,
    pub mtu: Option<u32>,
}

/// The QDevice as the nodes see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QdeviceState {
    pub host: Option<String>,
    pub algorithm: Option<String>,
    /// Votes it casts now; 0 when qnetd is not heard.
    pub votes: u32,
    pub configured_votes: u32,
    /// Every node has the flag V.
    pub votes_for_all: bool,
}

impl QdeviceState {
    /// It casts all its votes, and for every member.
    #[must_use]
    pub const fn works(&self) -> bool {
        self.votes > 0 && self.votes == self.configured_votes && self.votes_for_all
    }
}

/// Something that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    pub at: Timestamp,
    pub code: HappeningCode,
    pub params: BTreeMap<String, String>,
    /// Where from: node and command.
    pub source: String,
}

crate::problem::codes!(
    /// Kinds of changes; locale key `happening_CODE`. The parameters of the sentence stand at each code.
    HappeningCode {
        /// `node`. Its links are not told separately.
        MemberLeft => "member_left",
        /// `node`.
        MemberJoined => "member_joined",
        /// `votes`, `quorum`.
        QuorumLost => "quorum_lost",
        /// `votes`, `quorum`.
        QuorumGained => "quorum_gained",
        /// `link`, `from`, `to`.
        LinkDown => "link_down",
        /// `link`, `from`, `to`.
        LinkUp => "link_up",
        /// `node`, `problem`: a problem's code.
        ContactLost => "contact_lost",
        /// `node`.
        ContactBack => "contact_back",
        /// `views`: how many.
        ViewsDiffer => "views_differ",
        ViewsAgree => "views_agree",
        /// `votes`, `configured`.
        QdeviceLost => "qdevice_lost",
        /// `votes`, `configured`.
        QdeviceBack => "qdevice_back",
    }
);

/// Everything that the cluster page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub cluster: ClusterId,
    /// When this was folded; ages count from the server's clock.
    pub at: Timestamp,
    /// Name in corosync.conf.
    pub cluster_name: Option<Fact<String>>,
    pub config_version: Option<Fact<u64>>,
    /// `quorum.expected_votes` of corosync.conf, where it is set: it counts in place of the nodelist's votes (votequorum(5)).
    #[serde(default)]
    pub expected_set: Option<u32>,
    pub health: Health,
    pub agreement: Agreement,
    /// The newest quorum answer that counts, with its source.
    pub quorum: Option<Aged<Partition>>,
    /// Further single-vote failures before quorum is lost; `None` when not known.
    pub tolerates: Option<u32>,
    pub nodes: Vec<NodeState>,
    pub links: Vec<PairLink>,
    pub qdevice: Option<Aged<QdeviceState>>,
    /// Newest first, at most `HAPPENINGS_MAX`.
    pub happened: Vec<Happening>,
    /// When the next fact changes its freshness without any news.
    pub next_aging: Option<Timestamp>,
}

/// How many happenings a snapshot carries.
pub const HAPPENINGS_MAX: usize = 50;
