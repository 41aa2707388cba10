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

impl Snapshot {
    /// The expected votes, and those that the configuration has, where somebody lowered them (`pvecm expected`).
    /// `None` also where either is not known.
    #[must_use]
    pub fn lowered(&self) -> Option<(u32, u32)> {
        let told = self.quorum.as_ref().filter(|aged| aged.freshness != Freshness::Unknown)?;
        let (expected, configured) = (told.fact.value.expected_votes, self.configured_votes()?);
        (expected < configured).then_some((expected, configured))
    }

    /// The votes that the configuration has in all, the QDevice's among them; `None` where it is not known.
    #[must_use]
    pub fn configured_votes(&self) -> Option<u32> {
        let votes: Option<Vec<u32>> =
            self.nodes.iter().filter(|node| node.corosync_id.is_some()).map(|node| node.votes).collect();
        let of_nodes: u32 = votes?.iter().sum();
        let of_device = self.qdevice.as_ref().map_or(0, |aged| aged.fact.value.configured_votes);
        (of_nodes > 0).then_some(of_nodes + of_device)
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
