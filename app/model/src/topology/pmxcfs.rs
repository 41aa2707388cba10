//! What pmxcfs on a node says, beside what corosync says there.

use super::told::Told;
use super::{Aged, Concord, NodeView, PmxcfsState};
use crate::facts::{CorosyncNodeId, PmxMembers, QuorumStatus};
use crate::observation::{AGE_FILES, Fact, Freshness, carry};
use std::collections::BTreeSet;

/// pmxcfs follows corosync within a second or two; what it says earlier is no disagreement, in seconds.
const FOLLOWS_S: i64 = 3;

pub fn pmxcfs_state(view: &NodeView, told: &Told<'_>) -> Option<Aged<PmxcfsState>> {
    let fact = view.members.as_ref()?;
    let cluster = fact.value.cluster.as_ref();
    let value = PmxcfsState {
        quorate: cluster.map(|cluster| cluster.quorate),
        // Without quorum pmxcfs refuses every write. One that names no cluster may have none to ask, or has not heard of its
        // own yet (corosync did not start): that looks the same, and refuses.
        writable: cluster.map(|cluster| cluster.quorate),
        config_version: cluster.map(|cluster| cluster.version),
        concord: concord(view, fact, told),
    };
    Some(Aged { fact: carry(fact, value), freshness: AGE_FILES.judge(fact.at, told.now) })
}

fn concord(view: &NodeView, fact: &Fact<PmxMembers>, told: &Told<'_>) -> Concord {
    let (Some(quorum), Some(since), Some(cluster)) =
        (view.quorum.as_ref(), view.ring_since, fact.value.cluster.as_ref())
    else {
        return Concord::Unknown;
    };
    let young =
        told.freshness(quorum.at) != Freshness::Unknown && AGE_FILES.judge(fact.at, told.now) != Freshness::Unknown;
    if !young || fact.at.duration_since(since).as_secs() < FOLLOWS_S {
        return Concord::Unknown;
    }
    if quorum.value.quorate != cluster.quorate {
        Concord::QuorumDiffers
    } else if members(&quorum.value) != online(&fact.value) {
        Concord::MembersDiffer
    } else {
        Concord::Agrees
    }
}

fn members(status: &QuorumStatus) -> BTreeSet<CorosyncNodeId> {
    status.members.iter().map(|member| member.id).filter(|id| *id != 0).collect()
}

fn online(members: &PmxMembers) -> BTreeSet<CorosyncNodeId> {
    members.nodes.iter().filter(|node| node.online).map(|node| node.id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{PmxCluster, PmxMember};
    use crate::topology::fixture::{fact, folded, name, time, view};
    use crate::topology::{Health, Snapshot};

    fn says(own: u32, quorate: bool, online: &[u32], second: i64) -> NodeView {
        let nodes =
            (1..=3).map(|id| PmxMember { name: name(id), id, online: online.contains(&id), ip: None }).collect();
        let cluster = Some(PmxCluster { name: "grove".into(), version: 3, nodes: 3, quorate });
        let members = PmxMembers { node_name: name(own), cluster, nodes };
        let mut view = view(own, &[1, 2, 3], "1.d", 3, 20);
        view.ring_since = Some(time(0));
        view.members = Some(fact(own, "cat /etc/pve/.members", members, second));
        view
    }

    fn told(first: NodeView, second: i64) -> (Snapshot, PmxcfsState, Freshness) {
        let snapshot = folded(&[first, says(2, true, &[1, 2, 3], 20), says(3, true, &[1, 2, 3], 20)], second);
        let aged = snapshot.nodes[0].pmxcfs.clone().expect("told");
        (snapshot, aged.fact.value, aged.freshness)
    }

    #[test]
    fn both_agree_and_the_node_can_be_written_to() {
        let (snapshot, state, freshness) = told(says(1, true, &[1, 2, 3], 20), 21);
        assert_eq!((state.concord, state.writable, state.quorate), (Concord::Agrees, Some(true), Some(true)));
        assert_eq!((freshness, snapshot.health), (Freshness::Fresh, Health::Healthy));
    }

    #[test]
    fn a_disagreement_is_shown_and_is_not_healthy() {
        for (view, concord) in [
            (says(1, false, &[1, 2, 3], 20), Concord::QuorumDiffers),
            (says(1, true, &[1], 20), Concord::MembersDiffer),
        ] {
            let (snapshot, state, _) = told(view, 21);
            assert_eq!((state.concord, snapshot.health), (concord, Health::Degraded));
        }
        assert_eq!(told(says(1, false, &[1, 2, 3], 20), 21).1.writable, Some(false));
    }

    /// What pmxcfs prints until it has read from corosync in which cluster it is: `{"nodename": "pve1", "version": 0}`.
    #[test]
    fn without_a_cluster_in_its_words_nobody_knows_whether_it_takes_writes() {
        let mut view = says(1, true, &[1, 2, 3], 20);
        let fact = view.members.as_mut().expect("told");
        (fact.value.cluster, fact.value.nodes) = (None, Vec::new());
        let (_, state, freshness) = told(view, 21);
        assert_eq!((state.writable, state.quorate, freshness), (None, None, Freshness::Fresh));
    }

    #[test]
    fn what_pmxcfs_said_before_or_long_ago_is_no_disagreement() {
        let mut settling = says(1, false, &[1, 2, 3], 20);
        settling.ring_since = Some(time(18));
        assert_eq!(told(settling, 21).1.concord, Concord::Unknown);
        let (_, state, freshness) = told(says(1, false, &[1, 2, 3], -75), 21);
        assert_eq!((state.concord, freshness), (Concord::Unknown, Freshness::Unknown));
    }
}
