//! Links that go through one card: bridges, bonds and VLANs taken off, the same hardware is left.

use super::{Candidate, LinkPlan, NodeAddresses};
use crate::checks::links::hardware::below;
use crate::ids::NodeId;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Two links of one node behind the same card: a cable pulled takes both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedCard {
    pub node: NodeId,
    /// Numbers of the links.
    pub links: (u8, u8),
    /// Interfaces that carry their addresses.
    pub interfaces: (String, String),
    /// The card, or all of them where it is a bond.
    pub card: String,
}

/// Every pair of links of every node that shares its cards. Nodes whose devices are not known say nothing here.
#[must_use]
pub fn shared_cards(links: &[LinkPlan], nodes: &[NodeAddresses]) -> Vec<SharedCard> {
    let mut found = Vec::new();
    for node in nodes {
        let own = |link: &LinkPlan| {
            let address = link.addresses.get(&node.node)?;
            Some((link.number, interface_at(node, *address)?))
        };
        let own: Vec<(u8, &str)> = links.iter().filter_map(own).collect();
        for (at, (number, first)) in own.iter().enumerate() {
            for (other, second) in own.iter().skip(at + 1) {
                if let Some(card) = common(node, first, second) {
                    found.push(SharedCard {
                        node: node.node,
                        links: (*number, *other),
                        interfaces: ((*first).to_owned(), (*second).to_owned()),
                        card,
                    });
                }
            }
        }
    }
    found
}

/// Two networks share a card on some node.
pub(super) fn share(one: &Candidate, other: &Candidate, nodes: &[NodeAddresses]) -> bool {
    nodes.iter().any(|node| {
        let pair = one.interfaces.get(&node.node).zip(other.interfaces.get(&node.node));
        pair.is_some_and(|(first, second)| common(node, first, second).is_some())
    })
}

fn interface_at(node: &NodeAddresses, address: IpAddr) -> Option<&str> {
    node.addresses.iter().find(|own| own.address == address).map(|own| own.interface.as_str())
}

/// What is below both interfaces; `None` where one of them has a card of its own left.
fn common(node: &NodeAddresses, first: &str, second: &str) -> Option<String> {
    if node.devices.is_empty() {
        return None;
    }
    let (one, other) = (below(&node.devices, first), below(&node.devices, second));
    // A bond survives with the card that the other one does not use.
    let shared = one.is_subset(&other) || other.is_subset(&one);
    shared.then(|| one.intersection(&other).copied().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::{candidates, propose};
    use super::*;
    use crate::facts::InterfaceAddress;
    use crate::facts::host::Device;
    use uuid::Uuid;

    fn id(n: u8) -> NodeId {
        NodeId::from_uuid(Uuid::from_u128(u128::from(n)))
    }

    fn device(name: &str, kind: Option<&str>, lower: Option<&str>, master: Option<&str>) -> Device {
        Device {
            name: name.into(),
            kind: kind.map(Into::into),
            bus: None,
            master: master.map(Into::into),
            lower: lower.map(Into::into),
            mtu: 1_500,
            up: true,
            bond_mode: None,
            lacp_rate: None,
            member_up: None,
        }
    }

    /// Management on a bridge over a card, a VLAN on that card, and a card of its own.
    fn node(n: u8) -> NodeAddresses {
        let address = |interface: &str, net: u8| InterfaceAddress {
            interface: interface.into(),
            address: format!("10.73.{net}.{n}").parse().expect("address"),
            prefix: 24,
            global: true,
            dynamic: false,
        };
        NodeAddresses {
            node: id(n),
            management: format!("10.73.9.{n}").parse().ok(),
            own_name: None,
            addresses: vec![address("vmbr0", 9), address("eno1.20", 1), address("eno7", 2)],
            interfaces: Vec::new(),
            devices: vec![
                device("eno1", None, None, Some("vmbr0")),
                device("vmbr0", Some("bridge"), None, None),
                device("eno1.20", Some("vlan"), Some("eno1"), None),
                device("eno7", None, None, None),
                device("tap100i0", Some("tun"), None, Some("vmbr0")),
            ],
        }
    }

    #[test]
    fn the_second_link_goes_through_another_card_where_there_is_one() {
        let nodes = [node(1), node(2)];
        let links = propose(&candidates(&nodes), &nodes);
        assert_eq!(links[1].addresses[&id(1)].to_string(), "10.73.2.1", "not the VLAN on the first link's card");
        assert_eq!(shared_cards(&links, &nodes), []);
        let mut learned = [node(1), node(2)];
        learned[0].addresses[2].dynamic = true;
        let links = propose(&candidates(&learned), &learned);
        assert_eq!(
            links[1].addresses[&id(1)].to_string(),
            "10.73.2.1",
            "a shared card is worse than a learned address"
        );
    }

    #[test]
    fn a_vlan_on_the_card_of_the_bridge_shares_it() {
        let mut nodes = [node(1), node(2)];
        nodes.iter_mut().for_each(|node| node.addresses.truncate(2));
        let links = propose(&candidates(&nodes), &nodes);
        let found = shared_cards(&links, &nodes);
        assert_eq!(found.len(), 2, "on both nodes");
        let interfaces = ("vmbr0".to_owned(), "eno1.20".to_owned());
        assert_eq!(found[0], SharedCard { node: id(1), links: (0, 1), interfaces, card: "eno1".into() });
        nodes[0].devices.clear();
        assert_eq!(shared_cards(&links, &nodes).len(), 1, "what is not known is not claimed");
    }

    #[test]
    fn two_vlans_on_one_bond_share_both_cards() {
        let mut one = node(1);
        one.addresses[0].interface = "bond0.10".into();
        one.addresses[1].interface = "bond0.20".into();
        one.devices = vec![
            device("eno1", None, None, Some("bond0")),
            device("eno2", None, None, Some("bond0")),
            device("bond0", Some("bond"), None, None),
            device("bond0.10", Some("vlan"), Some("bond0"), None),
            device("bond0.20", Some("vlan"), Some("bond0"), None),
            device("eno7", None, None, None),
        ];
        let link = |number, net: u8| LinkPlan {
            number,
            priority: None,
            network: None,
            addresses: [(id(1), format!("10.73.{net}.1").parse().expect("address"))].into(),
        };
        let found = shared_cards(&[link(0, 9), link(1, 1), link(2, 2)], &[one]);
        assert_eq!(
            found.iter().map(|one| (one.links, one.card.as_str())).collect::<Vec<_>>(),
            [((0, 1), "eno1, eno2")]
        );
    }
}
