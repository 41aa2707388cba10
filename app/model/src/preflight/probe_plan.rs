//! Who listens where and who calls whom in the second round, decided once for the collector and for the checks.

use super::NodeEvidence;
use crate::facts::InterfaceAddress;
use crate::ids::NodeId;
use crate::links::{Candidate, LINKS_MAX, NodeAddresses, candidates};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// corosync's UDP port of link 0; link N uses the N-th after it (corosync.conf(5), `mcastport`).
pub const PORT_COROSYNC_FIRST: u16 = 5405;
/// `pvecm add --use_ssh`, migration and consoles go over it.
pub const PORT_SSH: u16 = 22;
/// pveproxy: the API, which nodes also use between themselves.
pub const PORT_API: u16 = 8006;
/// The first port of live migration: nothing listens there, and it must refuse.
pub const PORT_MIGRATION: u16 = 60_000;

/// What an interface takes that has not said otherwise, in bytes.
const MTU_USUAL: u32 = 1_500;

/// One node's part of the probe. The report's keys are these addresses as `SocketAddr` prints them:
/// `10.0.1.11:5405`, `[fd00::11]:5405`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProbeTargets {
    /// UDP addresses of the node's own, on which it echoes.
    pub listen: Vec<SocketAddr>,
    /// Peers' UDP addresses.
    pub udp: Vec<(NodeId, SocketAddr)>,
    /// Peers' TCP addresses: SSH and the API.
    pub tcp: Vec<(NodeId, SocketAddr)>,
    /// Peers' TCP addresses that have to refuse.
    pub refusing: Vec<SocketAddr>,
    /// Own address, peer's address and the packet size of the own interface there, in bytes: for echo requests.
    pub echo: Vec<(IpAddr, IpAddr, u32)>,
}

/// Every node's part, by node; nodes whose addresses are not known take no part in UDP and are called by nobody.
///
/// Each network that all readable nodes share gets one port, from [`PORT_COROSYNC_FIRST`] on, at most [`LINKS_MAX`] networks.
#[must_use]
pub fn probe_plan(nodes: &[NodeEvidence]) -> BTreeMap<NodeId, ProbeTargets> {
    let networks = shared_networks(nodes);
    nodes.iter().map(|node| (node.node, targets(node, nodes, &networks))).collect()
}

/// The networks that all nodes with known addresses share, management first, at most as many as corosync takes.
#[must_use]
pub fn shared_networks(nodes: &[NodeEvidence]) -> Vec<Candidate> {
    let readable: Vec<NodeAddresses> = nodes.iter().filter_map(addresses_of).collect();
    let mut found = candidates(&readable);
    found.truncate(LINKS_MAX);
    found
}

/// What the choice of links needs of a node; `None` while its addresses are not known.
#[must_use]
pub fn addresses_of(node: &NodeEvidence) -> Option<NodeAddresses> {
    let addresses = node.addresses.as_ref().ok()?;
    Some(NodeAddresses {
        node: node.node,
        management: node.management,
        own_name: own_address(node),
        addresses: addresses.clone(),
        interfaces: node.interfaces.clone().unwrap_or_default(),
        devices: node.host.devices.clone().unwrap_or_default(),
    })
}

/// The address that Proxmox VE will use for this node: what its own name resolves to, if that is its own.
///
/// Next best is the address at which the console reaches it, which may be another one behind a jump host.
/// An address that the node does not have comes last: the management check says so.
#[must_use]
pub fn own_address(node: &NodeEvidence) -> Option<IpAddr> {
    let resolved = node.resolves_to.as_ref().ok().cloned().unwrap_or_default();
    let resolved: BTreeSet<IpAddr> = resolved.into_iter().filter(|one| !one.is_loopback()).collect();
    let reached = node.management.filter(|one| !one.is_loopback());
    let by_name = reached.filter(|one| resolved.contains(one)).into_iter().chain(resolved.iter().copied());
    by_name.clone().chain(reached).find(|one| local(node, *one).is_some()).or_else(|| by_name.chain(reached).next())
}

/// The interface entry of one of the node's own addresses.
#[must_use]
pub fn local(node: &NodeEvidence, address: IpAddr) -> Option<&InterfaceAddress> {
    let own = node.addresses.as_ref().ok()?;
    own.iter().find(|one| one.address == address)
}

fn targets(node: &NodeEvidence, nodes: &[NodeEvidence], networks: &[Candidate]) -> ProbeTargets {
    let mut plan = ProbeTargets::default();
    for (port, network) in (PORT_COROSYNC_FIRST..).zip(networks) {
        let Some(own) = network.addresses.get(&node.node) else {
            continue;
        };
        plan.listen.push(SocketAddr::new(*own, port));
        let others = network.addresses.iter().filter(|(peer, _)| **peer != node.node);
        plan.udp.extend(others.clone().map(|(peer, address)| (*peer, SocketAddr::new(*address, port))));
        let mtu = mtu_at(node, *own);
        plan.echo.extend(others.map(|(_, address)| (*own, *address, mtu)));
    }
    for peer in nodes.iter().filter(|peer| peer.node != node.node) {
        // An address that is not the peer's own would be somebody else's door.
        let Some(address) = own_address(peer).filter(|one| local(peer, *one).is_some()) else {
            continue;
        };
        plan.tcp.extend([PORT_SSH, PORT_API].map(|port| (peer.node, SocketAddr::new(address, port))));
        plan.refusing.push(SocketAddr::new(address, PORT_MIGRATION));
    }
    plan
}

/// The packet size of the interface with this address.
fn mtu_at(node: &NodeEvidence, address: IpAddr) -> u32 {
    let name = local(node, address).map(|one| &one.interface);
    let known = node.interfaces.as_deref().unwrap_or_default().iter().find(|one| Some(&one.name) == name);
    known.map_or(MTU_USUAL, |one| one.mtu)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::fixture::{healthy, id, lost};

    #[test]
    fn every_pair_is_called_on_every_shared_network() {
        let nodes = [healthy(11, true), healthy(12, false), healthy(13, false)];
        let plan = probe_plan(&nodes);
        let first = &plan[&id(11)];
        let texts =
            |list: &[(NodeId, SocketAddr)]| -> Vec<String> { list.iter().map(|(_, one)| one.to_string()).collect() };
        assert_eq!(first.listen, ["10.0.1.11:5405".parse().unwrap(), "10.0.0.11:5406".parse().unwrap()]);
        assert_eq!(texts(&first.udp), ["10.0.1.12:5405", "10.0.1.13:5405", "10.0.0.12:5406", "10.0.0.13:5406"]);
        assert_eq!(texts(&first.tcp), ["10.0.1.12:22", "10.0.1.12:8006", "10.0.1.13:22", "10.0.1.13:8006"]);
    }

    #[test]
    fn a_node_that_says_nothing_does_not_stop_the_others() {
        let nodes = [healthy(11, true), healthy(12, false), lost(13)];
        let plan = probe_plan(&nodes);
        assert_eq!(plan.len(), 3);
        assert_eq!(plan[&id(11)].udp.len(), 2, "two networks to one peer");
        assert!(plan[&id(13)].listen.is_empty());
        assert!(plan[&id(11)].tcp.iter().all(|(peer, _)| *peer == id(12)));
    }

    #[test]
    fn a_name_on_loopback_falls_back_to_the_address_that_answers() {
        let mut node = healthy(11, true);
        node.resolves_to = Ok(BTreeSet::from(["127.0.1.1".parse().unwrap()]));
        assert_eq!(own_address(&node), node.management);
        node.management = Some("127.0.0.7".parse().unwrap());
        assert_eq!(own_address(&node), None);
    }
}
