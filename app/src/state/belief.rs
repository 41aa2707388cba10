//! What may still be said of a snapshot now: it goes on ageing in the browser, stream or no stream.

use jiff::Timestamp;
use model::observation::{AGE_MEMBERSHIP, Freshness};
use model::topology::{Agreement, Health, LinkHealth, MayStop, Membership, Snapshot};

/// The snapshot as it is to be believed at `now`: what became too old is unknown, never the last good value.
#[must_use]
pub fn believed(mut snapshot: Snapshot, now: Timestamp) -> Snapshot {
    let judge = |known: Freshness, at: Timestamp| known.max(AGE_MEMBERSHIP.judge(at, now));
    for node in &mut snapshot.nodes {
        let Some(source) = &node.membership_source else { continue };
        node.freshness = judge(node.freshness, source.at);
        if node.freshness == Freshness::Unknown {
            node.membership = Membership::Unknown;
            node.may_stop = MayStop::NotKnown;
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
        if quorum.freshness == Freshness::Unknown {
            snapshot.tolerates = None;
            snapshot.health = Health::Unknown;
            snapshot.agreement = Agreement::Unknown;
        }
    }
    snapshot
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ids::ClusterId;
    use model::observation::Fact;
    use model::topology::{Aged, Partition};

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
        assert_eq!(stale.quorum.map(|aged| aged.freshness), Some(Freshness::Stale));
        let old = believed(quorate(), at(60));
        assert_eq!((old.health, old.tolerates, old.agreement), (Health::Unknown, None, Agreement::Unknown));
    }

    #[test]
    fn what_the_server_doubted_does_not_become_fresh_again() {
        let mut doubted = quorate();
        doubted.quorum.as_mut().expect("set above").freshness = Freshness::Stale;
        assert_eq!(believed(doubted, at(1)).quorum.map(|aged| aged.freshness), Some(Freshness::Stale));
    }
}
