//! What may be said first of a cluster.

use super::{Agreement, Partition, Snapshot};
use crate::observation::Freshness;

/// The first word about a cluster: what all who answer say, or that they do not say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody who is believed says anything.
    Unknown,
    Quorate,
    NotQuorate,
    /// Answers that are young enough contradict each other: how many views there are, and how many of them are quorate.
    Disputed {
        views: usize,
        quorate: usize,
    },
}

impl Standing {
    /// Somebody is heard, and no side that is heard has a quorum.
    #[must_use]
    pub const fn is_lost(self) -> bool {
        matches!(self, Self::NotQuorate | Self::Disputed { quorate: 0, .. })
    }
}

impl Snapshot {
    /// The expected votes, and those that corosync begins with, where they were lowered: by `pvecm expected`, or by corosync
    /// itself with `last_man_standing`. `None` also where either is not known.
    #[must_use]
    pub fn lowered(&self) -> Option<(u32, u32)> {
        let told = self.quorum.as_ref().filter(|aged| aged.freshness != Freshness::Unknown)?;
        let (expected, configured) = (told.fact.value.expected_votes, self.configured_votes()?);
        (expected < configured).then_some((expected, configured))
    }

    /// The votes that corosync expects on its configuration's word alone, when it starts and when it reads that again: those of
    /// the nodelist, or `quorum.expected_votes` where it is set. A QDevice's come on top only once as many members are there
    /// (`votequorum_readconfig` and `recalculate_quorum` in `exec/votequorum.c`). `None` where the nodelist is not known.
    #[must_use]
    pub fn configured_votes(&self) -> Option<u32> {
        let votes: Option<Vec<u32>> =
            self.nodes.iter().filter(|node| node.corosync_id.is_some()).map(|node| node.votes).collect();
        let of_nodes: u32 = votes?.iter().sum();
        (of_nodes > 0).then_some(self.expected_set.unwrap_or(of_nodes))
    }

    /// From how many expected votes on those that a plan lowered to `to` have risen again. The command counts a QDevice's votes
    /// whether it casts them or not, and a start does not: where they make what is left as many as the nodelist has, it is more
    /// that says so.
    #[must_use]
    pub fn risen_from(&self, to: Option<u32>) -> Option<u32> {
        let configured = self.configured_votes()?;
        let device = self.qdevice.as_ref().map_or(0, |aged| aged.fact.value.configured_votes);
        Some(to.map_or(configured, |to| configured.max(to.saturating_add(1).min(configured + device))))
    }

    #[must_use]
    pub fn standing(&self) -> Standing {
        match &self.agreement {
            Agreement::Unknown => Standing::Unknown,
            Agreement::Agreed { partition } if partition.quorate => Standing::Quorate,
            Agreement::Agreed { .. } => Standing::NotQuorate,
            Agreement::Partitioned { partitions } => {
                let quorate = partitions.iter().filter(|one| one.quorate).count();
                Standing::Disputed { views: partitions.len(), quorate }
            }
        }
    }
}

/// Another view claims one of this view's members: then what this one says of its votes is disputed.
///
/// Sides that name nobody in common do not dispute that: each has the members that it says.
pub fn is_disputed(view: &Partition, all: &[Partition]) -> bool {
    all.iter().any(|other| other != view && other.members.iter().any(|name| view.members.contains(name)))
}
