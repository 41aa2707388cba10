//! What may still be said of a snapshot now: it goes on ageing in the browser, stream or no stream.

use jiff::Timestamp;
use model::observation::{AGE_FILES, AGE_MEMBERSHIP, Freshness};
use model::topology::{Agreement, Health, LinkHealth, MayStop, Membership, Snapshot};

/// The snapshot as it is to be believed at `now`: what became too old is unknown, never the last good value.
///
/// What is only stale stays to be seen, marked. A promise for what a person does next is not made on it: whether a node
/// may go down now, and how many more may fail.
#[must_use]
pub fn believed(mut snapshot: Snapshot, now: Timestamp) -> Snapshot {
    let judge = |known: Freshness, at: Timestamp| known.max(AGE_MEMBERSHIP.judge(at, now));
    for node in &mut snapshot.nodes {
        if let Some(aged) = &mut node.pmxcfs {
            aged.freshness = aged.freshness.max(AGE_FILES.judge(aged.fact.at, now));
        }
        if let Some(source) = &node.membership_source {
            node.freshness = judge(node.freshness, source.at);
        }
        if node.freshness != Freshness::Fresh {
            node.may_stop = MayStop::NotKnown;
        }
        if node.freshness == Freshness::Unknown {
            node.membership = Membership::Unknown;
            node.qdevice = None;
        }
    }
    for link in &mut snapshot.links {
        let Some(newest) = link.told_by.first() else { continue };
        link.freshness = judge(link.freshness, newest.at);
        if link.freshness == Freshness::Unknown {
            link.health = LinkHealth::Unknown;
            link.preferred = false;
        }
    }
    if let Some(device) = &mut snapshot.qdevice {
        device.freshness = judge(device.freshness, device.fact.at);
    }
    if let Some(quorum) = &mut snapshot.quorum {
        quorum.freshness = judge(quorum.freshness, quorum.fact.at);
    }
    let quorum = snapshot.quorum.as_ref().map_or(Freshness::Unknown, |aged| aged.freshness);
    if quorum != Freshness::Fresh {
        snapshot.tolerates = None;
    }
    if quorum == Freshness::Unknown {
        snapshot.agreement = Agreement::Unknown;
    }
    snapshot.health = aged_health(snapshot.health, oldest(&snapshot), quorum);
    snapshot
}

/// One word about a cluster of which no more than the time of its last quorum answer is at hand.
#[must_use]
pub fn health_now(health: Health, told_at: Option<Timestamp>, now: Timestamp) -> (Health, Freshness) {
    let freshness = told_at.map_or(Freshness::Unknown, |at| AGE_MEMBERSHIP.judge(at, now));
    (aged_health(health, freshness, freshness), freshness)
}

/// *Healthy* says that everything is there now; with one part of it stale that is not known any more.
fn aged_health(health: Health, oldest: Freshness, quorum: Freshness) -> Health {
    match (health, oldest) {
        _ if quorum == Freshness::Unknown => Health::Unknown,
        (Health::Healthy, Freshness::Stale | Freshness::Unknown) => Health::Degraded,
        (other, _) => other,
    }
}

/// How old the oldest part is that *healthy* rests on.
fn oldest(snapshot: &Snapshot) -> Freshness {
    let nodes = snapshot.nodes.iter().filter(|node| node.corosync_id.is_some()).map(|node| node.freshness);
    let links = snapshot.links.iter().map(|link| link.freshness);
    let others =
        [snapshot.qdevice.as_ref().map(|one| one.freshness), snapshot.quorum.as_ref().map(|one| one.freshness)];
    nodes.chain(links).chain(others.into_iter().flatten()).max().unwrap_or(Freshness::Fresh)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ids::ClusterId;
    use model::observation::Fact;
    use model::topology::{Aged, Contact, NodeState, Partition, QdeviceState};
    use std::collections::BTreeMap;

    fn quorate() -> Snapshot {
        let partition = Partition {
            ring_id: "1.d".into(),
            quorate: true,
            expected_votes: 3,
            total_votes: 3,
            quorum: 2,
            members: vec!["ash".into()],
            told_by: vec!["ash".into()],
            qdevice_votes: None,
        };
        let fact =
            Fact { value: partition.clone(), node: "ash".into(), command: "corosync-quorumtool -s".into(), at: at(0) };
        Snapshot {
            cluster: ClusterId::from_uuid(uuid::Uuid::from_u128(1)),
            at: at(0),
            cluster_name: None,
            config_version: None,
            expected_set: None,
            health: Health::Healthy,
            agreement: Agreement::Agreed { partition },
            quorum: Some(Aged { fact, freshness: Freshness::Fresh }),
            tolerates: Some(1),
            nodes: Vec::new(),
            links: Vec::new(),
            qdevice: None,
            happened: Vec::new(),
            next_aging: None,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn a_page_without_news_ends_in_not_known() {
        assert_eq!(believed(quorate(), at(24)).health, Health::Healthy);
        let stale = believed(quorate(), at(25));
        assert_eq!(stale.quorum.as_ref().map(|aged| aged.freshness), Some(Freshness::Stale));
        assert_eq!((stale.health, stale.tolerates), (Health::Degraded, None), "no promise on what is stale");
        assert!(matches!(stale.agreement, Agreement::Agreed { .. }), "what was said stays to be seen");
        let old = believed(quorate(), at(60));
        assert_eq!((old.health, old.tolerates, old.agreement), (Health::Unknown, None, Agreement::Unknown));
    }

    #[test]
    fn what_the_server_doubted_does_not_become_fresh_again() {
        let mut doubted = quorate();
        doubted.quorum.as_mut().expect("set above").freshness = Freshness::Stale;
        assert_eq!(believed(doubted, at(1)).quorum.map(|aged| aged.freshness), Some(Freshness::Stale));
    }

    #[test]
    fn a_node_may_go_down_only_on_fresh_facts() {
        let member = |snapshot: Snapshot| snapshot.nodes.into_iter().next().expect("one node");
        let fresh = member(believed(with_node(), at(24)));
        assert_eq!((fresh.freshness, fresh.may_stop), (Freshness::Fresh, YES));
        let stale = member(believed(with_node(), at(25)));
        assert_eq!(stale.freshness, Freshness::Stale);
        assert_eq!((stale.membership, stale.may_stop), (Membership::Member, MayStop::NotKnown));
        let old = member(believed(with_node(), at(60)));
        assert_eq!((old.membership, old.may_stop), (Membership::Unknown, MayStop::NotKnown));
    }

    #[test]
    fn one_stale_part_takes_the_health_away() {
        let mut late = with_node();
        late.quorum.as_mut().expect("set above").fact.at = at(20);
        assert_eq!(believed(late.clone(), at(24)).health, Health::Healthy);
        let aged = believed(late, at(26));
        assert_eq!((aged.health, aged.tolerates), (Health::Degraded, Some(1)), "the node is stale, the quorum is not");
        let device = QdeviceState { host: None, algorithm: None, votes: 1, configured_votes: 1, votes_for_all: true };
        let fact = Fact { value: device, node: "ash".into(), command: "corosync-quorumtool -s".into(), at: at(0) };
        let silent = Snapshot { qdevice: Some(Aged { fact, freshness: Freshness::Stale }), ..quorate() };
        assert_eq!(believed(silent, at(1)).health, Health::Degraded);
    }

    #[test]
    fn a_line_of_the_list_ages_too() {
        assert_eq!(health_now(Health::Healthy, Some(at(0)), at(24)), (Health::Healthy, Freshness::Fresh));
        assert_eq!(health_now(Health::Healthy, Some(at(0)), at(25)), (Health::Degraded, Freshness::Stale));
        assert_eq!(health_now(Health::NoQuorum, Some(at(0)), at(25)), (Health::NoQuorum, Freshness::Stale));
        assert_eq!(health_now(Health::NoQuorum, Some(at(0)), at(60)), (Health::Unknown, Freshness::Unknown));
        assert_eq!(health_now(Health::Healthy, None, at(0)), (Health::Unknown, Freshness::Unknown));
    }

    const YES: MayStop = MayStop::Yes { votes_after: 2, quorum: 2 };

    fn with_node() -> Snapshot {
        let source = Fact { value: (), node: "ash".into(), command: "corosync-quorumtool -s".into(), at: at(0) };
        let node = NodeState {
            id: None,
            name: "ash".into(),
            corosync_id: Some(1),
            votes: Some(1),
            contact: Contact::Untried,
            membership: Membership::Member,
            membership_source: Some(source),
            freshness: Freshness::Fresh,
            changed_at: None,
            may_stop: YES,
            qdevice: None,
            version: None,
            capability: None,
            pmxcfs: None,
            addresses: BTreeMap::new(),
        };
        Snapshot { nodes: vec![node], ..quorate() }
    }
}
