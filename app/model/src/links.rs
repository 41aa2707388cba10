//! Choosing corosync's links from the addresses that the nodes have.

mod cards;
mod differences;

pub use cards::{SharedCard, shared_cards};
pub use differences::{Difference, differences};

use crate::facts::host::Device;
use crate::facts::{Interface, InterfaceAddress};
use crate::ids::NodeId;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// corosync takes links 0 to 7 (corosync.conf(5)).
pub const LINKS_MAX: usize = 8;
/// Priorities for `--linkN ADDR,priority=P`: knet prefers the highest, and the lowest number when equal.
pub const PRIORITY_FALLBACK: u32 = 10;
pub const PRIORITY_DEDICATED: u32 = 20;

/// One link of the cluster to be: an address on every node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkPlan {
    pub number: u8,
    /// Set where there is more than one link; `priority` is honoured by `pvecm create` only.
    pub priority: Option<u32>,
    pub network: Option<IpNet>,
    pub addresses: BTreeMap<NodeId, IpAddr>,
}

/// What the proposal knows of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAddresses {
    pub node: NodeId,
    /// The address at which the console reaches the node, if it is one of its own.
    pub management: Option<IpAddr>,
    /// The address that its own name resolves to.
    pub own_name: Option<IpAddr>,
    pub addresses: Vec<InterfaceAddress>,
    pub interfaces: Vec<Interface>,
    /// Bonds, bridges and VLANs with what they sit on; empty where that could not be read.
    #[serde(default)]
    pub devices: Vec<Device>,
}

/// A network that every node has exactly one usable address in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub network: IpNet,
    pub addresses: BTreeMap<NodeId, IpAddr>,
    /// Interface per node.
    pub interfaces: BTreeMap<NodeId, String>,
    /// The network that carries management traffic.
    pub management: bool,
    /// Some address was learned by DHCP or SLAAC and may change.
    pub dynamic: bool,
}

/// The networks that all nodes share, management first, then by address.
#[must_use]
pub fn candidates(nodes: &[NodeAddresses]) -> Vec<Candidate> {
    let networks: BTreeSet<IpNet> =
        nodes.iter().flat_map(|node| node.addresses.iter()).filter_map(network_of).collect();
    let mut found: Vec<Candidate> = networks.into_iter().filter_map(|network| candidate(network, nodes)).collect();
    found.sort_by_key(|one| (!one.management, one.network));
    found
}

fn network_of(address: &InterfaceAddress) -> Option<IpNet> {
    if !address.global || address.address.is_loopback() {
        return None;
    }
    IpNet::new(address.address, address.prefix).ok().map(|net| net.trunc())
}

fn candidate(network: IpNet, nodes: &[NodeAddresses]) -> Option<Candidate> {
    let mut one = Candidate {
        network,
        addresses: BTreeMap::new(),
        interfaces: BTreeMap::new(),
        management: false,
        dynamic: false,
    };
    for node in nodes {
        let found = node.addresses.iter().find(|address| network_of(address) == Some(network))?;
        one.addresses.insert(node.node, found.address);
        one.interfaces.insert(node.node, found.interface.clone());
        let managed = node.management == Some(found.address) || node.own_name == Some(found.address);
        one.management = one.management || managed;
        one.dynamic = one.dynamic || found.dynamic;
    }
    // Two nodes with one address would be two links to the same machine.
    let distinct: BTreeSet<_> = one.addresses.values().collect();
    (distinct.len() == nodes.len()).then_some(one)
}

/// The seed's numbers with the priorities that make them work: link 0 management, link 1 dedicated and preferred.
///
/// Of several networks for link 1 the first one counts that goes through other cards than link 0 on every node and whose
/// addresses stay; what shares a card fails together.
#[must_use]
pub fn propose(candidates: &[Candidate], nodes: &[NodeAddresses]) -> Vec<LinkPlan> {
    let first = candidates.first();
    let flaws = |one: &&Candidate| (first.is_some_and(|first| cards::share(first, one, nodes)), one.dynamic);
    // The first one of those with the fewest flaws.
    let second = candidates.iter().skip(1).min_by_key(flaws);
    let chosen: Vec<&Candidate> = first.into_iter().chain(second).collect();
    let several = chosen.len() > 1;
    (0u8..)
        .zip(chosen)
        .map(|(number, one)| LinkPlan {
            number,
            priority: several.then_some(if number == 0 { PRIORITY_FALLBACK } else { PRIORITY_DEDICATED }),
            network: Some(one.network),
            addresses: one.addresses.clone(),
        })
        .collect()
}

/// The links that a living cluster has, from what corosync.conf says of each node; what was chosen adds networks and
/// priorities, which that file need not have.
#[must_use]
pub fn fixed(addresses: &BTreeMap<NodeId, BTreeMap<u8, IpAddr>>, chosen: &[LinkPlan]) -> Vec<LinkPlan> {
    let numbers: BTreeSet<u8> = addresses.values().flat_map(BTreeMap::keys).copied().collect();
    let link = |number: u8| {
        let known = chosen.iter().find(|link| link.number == number);
        LinkPlan {
            number,
            priority: known.and_then(|link| link.priority),
            network: known.and_then(|link| link.network),
            addresses: addresses.iter().filter_map(|(node, own)| Some((*node, *own.get(&number)?))).collect(),
        }
    };
    numbers.into_iter().map(link).collect()
}

/// The fixed links with addresses for nodes that are to join: what was chosen for them before, else their own address in
/// the network in which the members' addresses are.
#[must_use]
pub fn propose_joining(fixed: &[LinkPlan], chosen: &[LinkPlan], joiners: &[NodeAddresses]) -> Vec<LinkPlan> {
    let mut links = fixed.to_vec();
    for link in &mut links {
        let before = chosen.iter().find(|one| one.number == link.number);
        for joiner in joiners {
            let kept = before.and_then(|one| one.addresses.get(&joiner.node)).copied();
            let Some(address) = kept.or_else(|| beside(link, joiner)) else { continue };
            link.addresses.insert(joiner.node, address);
        }
    }
    links
}

/// The joiner's only address in a network that holds a member's address of this link.
fn beside(link: &LinkPlan, joiner: &NodeAddresses) -> Option<IpAddr> {
    let members: Vec<IpAddr> = link.addresses.values().copied().collect();
    let shares = |own: &&InterfaceAddress| {
        network_of(own).is_some_and(|network| members.iter().any(|member| network.contains(member)))
    };
    let mut found = joiner.addresses.iter().filter(shares).map(|own| own.address);
    found.next().filter(|_| found.next().is_none())
}

/// What is wrong with the addresses of nodes that are to join a cluster whose own links are fixed.
#[must_use]
pub fn joining_faults(links: &[LinkPlan], fixed: &[LinkPlan], joiners: &[NodeAddresses]) -> Vec<LinkFault> {
    let mut found = faults(links, joiners);
    let taken: BTreeSet<IpAddr> = fixed.iter().flat_map(|link| link.addresses.values()).copied().collect();
    let chosen = links.iter().flat_map(|link| joiners.iter().filter_map(|one| link.addresses.get(&one.node)));
    found
        .extend(chosen.filter(|address| taken.contains(address)).map(|address| LinkFault::Twice { address: *address }));
    let numbers = |links: &[LinkPlan]| links.iter().map(|link| link.number).collect::<Vec<_>>();
    if numbers(links) != numbers(fixed) {
        found.push(LinkFault::Changed);
    }
    let kept = |one: &LinkPlan| {
        let now = links.iter().find(|link| link.number == one.number);
        now.is_none_or(|now| one.addresses.iter().all(|(node, address)| now.addresses.get(node) == Some(address)))
    };
    if !fixed.iter().all(kept) && !found.contains(&LinkFault::Changed) {
        found.push(LinkFault::Changed);
    }
    found
}

/// What is wrong with a choice of links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum LinkFault {
    NoLink,
    TooMany,
    Missing {
        link: u8,
        node: NodeId,
    },
    NotLocal {
        link: u8,
        node: NodeId,
        address: IpAddr,
    },
    Twice {
        address: IpAddr,
    },
    /// Links of a living cluster, or addresses of its members, would become others than corosync.conf says.
    Changed,
}

/// Checks a choice against the nodes' own addresses: `pvecm create` accepts an address that is not there.
#[must_use]
pub fn faults(links: &[LinkPlan], nodes: &[NodeAddresses]) -> Vec<LinkFault> {
    let mut found = Vec::new();
    if links.is_empty() {
        found.push(LinkFault::NoLink);
    }
    if links.len() > LINKS_MAX {
        found.push(LinkFault::TooMany);
    }
    let mut seen = BTreeSet::new();
    for link in links {
        for node in nodes {
            match link.addresses.get(&node.node) {
                None => found.push(LinkFault::Missing { link: link.number, node: node.node }),
                Some(address) => {
                    if !node.addresses.iter().any(|own| own.address == *address) {
                        found.push(LinkFault::NotLocal { link: link.number, node: node.node, address: *address });
                    }
                    if !seen.insert(*address) {
                        found.push(LinkFault::Twice { address: *address });
                    }
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(n: u128) -> NodeId {
        NodeId::from_uuid(Uuid::from_u128(n))
    }

    fn node(n: u8) -> NodeAddresses {
        let address = |interface: &str, text: String| InterfaceAddress {
            interface: interface.into(),
            address: text.parse().expect("address"),
            prefix: 24,
            global: true,
            dynamic: false,
        };
        NodeAddresses {
            node: id(u128::from(n)),
            management: None,
            own_name: format!("10.0.1.{n}").parse().ok(),
            addresses: vec![address("eno2", format!("10.0.0.{n}")), address("vmbr0", format!("10.0.1.{n}"))],
            interfaces: Vec::new(),
            devices: Vec::new(),
        }
    }

    #[test]
    fn management_is_link_0_and_the_other_one_is_preferred() {
        let nodes = [node(11), node(12)];
        let links = propose(&candidates(&nodes), &nodes);
        assert_eq!(links.len(), 2);
        assert_eq!(links[0].addresses[&id(11)].to_string(), "10.0.1.11");
        assert_eq!(links[0].priority, Some(PRIORITY_FALLBACK));
        assert_eq!(links[1].addresses[&id(12)].to_string(), "10.0.0.12");
        assert_eq!(links[1].priority, Some(PRIORITY_DEDICATED));
    }

    #[test]
    fn a_network_that_one_node_lacks_is_no_candidate() {
        let mut lonely = node(12);
        lonely.addresses.remove(0);
        let nodes = [node(11), lonely];
        let found = candidates(&nodes);
        assert_eq!(found.len(), 1);
        assert_eq!(propose(&found, &nodes)[0].priority, None, "one link needs no priority");
    }

    #[test]
    fn foreign_and_doubled_addresses_are_found() {
        let nodes = [node(11), node(12)];
        let mut links = propose(&candidates(&nodes), &nodes);
        links[0].addresses.insert(id(11), "10.9.9.9".parse().expect("address"));
        links[1].addresses.insert(id(11), "10.0.0.12".parse().expect("address"));
        let found = faults(&links, &nodes);
        assert!(found.iter().any(|fault| matches!(fault, LinkFault::NotLocal { link: 0, .. })));
        assert!(found.iter().any(|fault| matches!(fault, LinkFault::Twice { .. })));
        assert!(faults(&[], &nodes).contains(&LinkFault::NoLink));
    }

    #[test]
    fn a_node_joins_on_the_links_that_are_there() {
        let members = [node(11), node(12)];
        let chosen = propose(&candidates(&members), &members);
        let own = |n: u8, net: u8| format!("10.0.{net}.{n}").parse::<IpAddr>().expect("address");
        let conf = [11, 12].map(|n| (id(u128::from(n)), BTreeMap::from([(0, own(n, 1)), (1, own(n, 0))]))).into();
        let fixed = fixed(&conf, &chosen);
        assert_eq!(fixed, chosen, "the file says what was chosen");

        let joiners = [node(14)];
        let links = propose_joining(&fixed, &chosen, &joiners);
        assert_eq!((links[0].addresses[&id(14)], links[1].addresses[&id(14)]), (own(14, 1), own(14, 0)));
        assert_eq!(joining_faults(&links, &fixed, &joiners), []);
        assert!(joining_faults(&fixed, &fixed, &joiners).contains(&LinkFault::Missing { link: 1, node: id(14) }));

        let mut moved = links.clone();
        moved[0].addresses.insert(id(11), own(99, 1));
        assert_eq!(joining_faults(&moved, &fixed, &joiners), [LinkFault::Changed], "a member's address stays");
        assert_eq!(joining_faults(&links[..1], &fixed, &joiners), [LinkFault::Changed], "a link stays");
        let mut stolen = links.clone();
        stolen[0].addresses.insert(id(14), own(11, 1));
        let found = joining_faults(&stolen, &fixed, &joiners);
        assert!(found.contains(&LinkFault::Twice { address: own(11, 1) }), "{found:?}");
        let mut again = links;
        again[1].addresses.insert(id(14), own(14, 1));
        assert_eq!(propose_joining(&fixed, &again, &joiners)[1].addresses[&id(14)], own(14, 1), "a choice is kept");
    }
}
