//! The links as they are being chosen: pure changes of a list, so that numbers and priorities always fit together.

use model::ids::NodeId;
use model::links::{Candidate, LINKS_MAX, LinkPlan, PRIORITY_DEDICATED, PRIORITY_FALLBACK};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// One link or redundant links: keeps what was chosen, adds from the networks that are not used yet.
pub fn resize(links: &mut Vec<LinkPlan>, count: usize, candidates: &[Candidate]) {
    links.truncate(count);
    while links.len() < count.min(LINKS_MAX) {
        let unused = candidates.iter().find(|one| !links.iter().any(|link| link.network == Some(one.network)));
        links.push(LinkPlan {
            number: 0,
            priority: None,
            network: unused.map(|one| one.network),
            addresses: unused.map(|one| one.addresses.clone()).unwrap_or_default(),
        });
    }
    settle(links, candidates);
}

pub fn remove(links: &mut Vec<LinkPlan>, number: u8, candidates: &[Candidate]) {
    links.retain(|link| link.number != number);
    settle(links, candidates);
}

/// `None` takes the address away.
pub fn set_address(
    links: &mut [LinkPlan],
    number: u8,
    node: NodeId,
    address: Option<IpAddr>,
    candidates: &[Candidate],
) {
    for link in links.iter_mut().filter(|link| link.number == number) {
        match address {
            Some(address) => link.addresses.insert(node, address),
            None => link.addresses.remove(&node),
        };
        // Without anything to choose from the links are a living cluster's, and their networks stay.
        if !candidates.is_empty() {
            link.network = network_of(&link.addresses, candidates).map(|one| one.network);
        }
    }
}

pub fn set_priority(links: &mut [LinkPlan], number: u8, priority: u32) {
    for link in links.iter_mut().filter(|link| link.number == number) {
        link.priority = Some(priority);
    }
}

/// The network that has exactly these addresses.
pub fn network_of<'a>(addresses: &BTreeMap<NodeId, IpAddr>, candidates: &'a [Candidate]) -> Option<&'a Candidate> {
    candidates.iter().find(|one| one.addresses == *addresses)
}

/// The number of the link that knet uses while all are up: the highest priority, the lowest number when equal.
pub fn preferred(links: &[LinkPlan]) -> Option<u8> {
    links
        .iter()
        .min_by_key(|link| (std::cmp::Reverse(link.priority.unwrap_or_default()), link.number))
        .map(|link| link.number)
}

/// Numbers from 0 on without a gap; priorities exactly where there is a choice.
fn settle(links: &mut [LinkPlan], candidates: &[Candidate]) {
    let several = links.len() > 1;
    for (number, link) in (0u8..).zip(links.iter_mut()) {
        link.number = number;
        let usual = if number == 1 { PRIORITY_DEDICATED } else { PRIORITY_FALLBACK };
        link.priority = several.then(|| link.priority.unwrap_or(usual));
        link.network = network_of(&link.addresses, candidates).map(|one| one.network);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_second_link_takes_the_unused_network_and_is_preferred() {
        let known = [candidate("10.0.1"), candidate("10.0.2")];
        let mut links = Vec::new();
        resize(&mut links, 1, &known);
        assert_eq!(links.iter().map(|link| link.priority).collect::<Vec<_>>(), [None], "one link needs no priority");
        resize(&mut links, 2, &known);
        assert_eq!(links[1].network.map(|net| net.to_string()).as_deref(), Some("10.0.2.0/24"));
        assert_eq!(preferred(&links), Some(1));
        remove(&mut links, 0, &known);
        assert_eq!((links.len(), links[0].number, links[0].priority), (1, 0, None));
    }

    #[test]
    fn an_address_from_elsewhere_takes_the_network_away() {
        let known = [candidate("10.0.1")];
        let mut links = Vec::new();
        resize(&mut links, 1, &known);
        set_address(&mut links, 0, id(), "10.9.9.9".parse().ok(), &known);
        assert_eq!(links[0].network, None);
        set_address(&mut links, 0, id(), "10.0.1.11".parse().ok(), &known);
        assert_eq!(links[0].network, Some(known[0].network));
        set_address(&mut links, 0, id(), None, &known);
        assert!(links[0].addresses.is_empty());
    }

    #[test]
    fn no_more_links_than_corosync_takes() {
        let mut links = Vec::new();
        resize(&mut links, LINKS_MAX + 3, &[]);
        assert_eq!(links.len(), LINKS_MAX);
        assert_eq!(links.last().map(|link| link.number), Some(7));
    }

    fn id() -> NodeId {
        NodeId::from_uuid(Uuid::from_u128(11))
    }

    fn candidate(net: &str) -> Candidate {
        Candidate {
            network: format!("{net}.0/24").parse().expect("network"),
            addresses: [(id(), format!("{net}.11").parse().expect("address"))].into(),
            interfaces: BTreeMap::new(),
            management: false,
            dynamic: false,
        }
    }
}
