//! What the folded answers mean.

use super::standing::is_disputed;
use super::{Aged, Agreement, Health, LinkHealth, MayStop, Membership, NodeState, PairLink, Partition, QdeviceState};
use crate::facts::ConfNode;
use crate::observation::Freshness;
use std::collections::BTreeMap;

/// Views that differ are a state of their own, even where only a lone node without quorum differs from a majority:
/// that node runs too, and what it does is not what the majority does. Machines in no cluster tell nothing and do not count.
pub fn agreement(partitions: &[Partition]) -> Agreement {
    match partitions {
        [] => Agreement::Unknown,
        [one] => Agreement::Agreed { partition: one.clone() },
        several => Agreement::Partitioned { partitions: several.to_vec() },
    }
}

/// How many more nodes may fail, counted with the votes of the members, biggest first; nobody can tell while the votes
/// themselves are disputed.
pub fn tolerates(quorum: &Aged<Partition>, partitions: &[Partition], nodes: &[ConfNode]) -> Option<u32> {
    let partition = &quorum.fact.value;
    if quorum.freshness == Freshness::Unknown || is_disputed(partition, partitions) {
        return None;
    }
    if !partition.quorate {
        return Some(0);
    }
    let mut votes: Vec<u32> = partition.members.iter().map(|name| votes_of(name, nodes)).collect();
    votes.sort_unstable_by(|a, b| b.cmp(a));
    let mut left = partition.total_votes;
    let mut failures = 0;
    // The last node standing is not a cluster that anybody can work with.
    for vote in votes.iter().take(votes.len().saturating_sub(1)) {
        left = left.saturating_sub(*vote);
        if left < partition.quorum {
            break;
        }
        failures += 1;
    }
    Some(failures)
}

fn votes_of(name: &str, nodes: &[ConfNode]) -> u32 {
    nodes.iter().find(|node| node.name == name).map_or(1, |node| node.votes)
}

pub fn membership(name: &str, listed: bool, configured: bool, partitions: &[Partition]) -> Membership {
    let with = |quorate: bool| {
        partitions.iter().any(|one| one.quorate == quorate && one.members.iter().any(|member| member == name))
    };
    if with(true) {
        return Membership::Member;
    }
    if with(false) {
        return Membership::Isolated;
    }
    if !listed {
        return if configured { Membership::NotJoined } else { Membership::Unknown };
    }
    // Nodes without quorum cannot know whether the missing ones run elsewhere.
    if partitions.iter().any(|one| one.quorate) { Membership::Absent } else { Membership::Unknown }
}

pub fn may_stop(name: &str, votes: u32, membership: Membership, partitions: &[Partition]) -> MayStop {
    match membership {
        Membership::Absent => MayStop::AlreadyDown,
        Membership::Member => partitions
            .iter()
            .find(|one| one.quorate && one.members.iter().any(|member| member == name))
            .filter(|one| !is_disputed(one, partitions))
            .map_or(MayStop::NotKnown, |one| {
                let votes_after = one.total_votes.saturating_sub(votes);
                if votes_after >= one.quorum {
                    MayStop::Yes { votes_after, quorum: one.quorum }
                } else {
                    MayStop::No { votes_after, quorum: one.quorum }
                }
            }),
        _ => MayStop::NotKnown,
    }
}

pub fn health(
    agreement: &Agreement,
    nodes: &[NodeState],
    links: &[PairLink],
    qdevice: Option<&Aged<QdeviceState>>,
) -> Health {
    let partitions: Vec<&Partition> = match agreement {
        Agreement::Unknown => return Health::Unknown,
        Agreement::Agreed { partition } => vec![partition],
        Agreement::Partitioned { partitions } => partitions.iter().collect(),
    };
    let quorate = partitions.iter().filter(|one| one.quorate).count();
    if quorate > 1 && !overlapping(&partitions) {
        return Health::Split;
    }
    if quorate == 0 {
        return Health::NoQuorum;
    }
    let all_members =
        nodes.iter().filter(|node| node.corosync_id.is_some()).all(|node| node.membership == Membership::Member);
    let all_links = links.iter().all(|link| link.health == LinkHealth::Up);
    let device = qdevice.is_none_or(|aged| aged.fact.value.works());
    let fresh = nodes.iter().filter(|node| node.corosync_id.is_some()).all(|node| node.freshness == Freshness::Fresh);
    let concord = nodes.iter().filter_map(|node| node.pmxcfs.as_ref()).all(|aged| !aged.fact.value.concord.differs());
    if partitions.len() == 1 && all_members && all_links && device && fresh && concord {
        Health::Healthy
    } else {
        Health::Degraded
    }
}

/// Two quorate views that share members are nodes that have not settled yet; disjoint ones are a split brain.
fn overlapping(partitions: &[&Partition]) -> bool {
    let quorate: Vec<&&Partition> = partitions.iter().filter(|one| one.quorate).collect();
    quorate.iter().enumerate().all(|(index, one)| {
        quorate.iter().skip(index + 1).all(|other| one.members.iter().any(|name| other.members.contains(name)))
    })
}

/// knet (passive) uses one link per pair: the highest priority among those that are up, the lowest number when equal.
pub fn mark_preferred(links: &mut [PairLink], priorities: &BTreeMap<u8, u32>) {
    let mut best: BTreeMap<(String, String), (u32, std::cmp::Reverse<u8>)> = BTreeMap::new();
    for link in links.iter().filter(|link| link.health == LinkHealth::Up) {
        // Without a written priority knet takes 1 for every link (corosync.conf(5), knet_link_priority).
        let rank = (priorities.get(&link.link).copied().unwrap_or(1), std::cmp::Reverse(link.link));
        let slot = best.entry((link.from.clone(), link.to.clone())).or_insert(rank);
        if rank > *slot {
            *slot = rank;
        }
    }
    for link in links.iter_mut() {
        let chosen = best.get(&(link.from.clone(), link.to.clone())).map(|(_, number)| number.0);
        link.preferred = chosen == Some(link.link) && link.health == LinkHealth::Up;
    }
}
