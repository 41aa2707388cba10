//! All nodes together, and the networks that they share, worked out once for all checks.

use super::sheet::Sheet;
use crate::links::{Candidate, LinkPlan};
use crate::preflight::probe_plan::shared_networks;
use crate::preflight::{Gathered, NodeEvidence, Verdict};
use std::net::IpAddr;

pub struct Scene<'a> {
    pub nodes: &'a [NodeEvidence],
    /// The links that people have chosen; empty before.
    pub links: &'a [LinkPlan],
    pub networks: Vec<Candidate>,
}

/// One network of a node, with its own and its peers' addresses there.
pub struct Way<'a> {
    pub own: IpAddr,
    pub peers: Vec<(&'a NodeEvidence, IpAddr)>,
    /// What a failure there is worth: a network that shall not carry corosync only warns.
    pub weight: Verdict,
}

impl<'a> Scene<'a> {
    pub fn new(nodes: &'a [NodeEvidence], links: &'a [LinkPlan]) -> Self {
        Self { nodes, links, networks: shared_networks(nodes) }
    }

    pub fn peers(&self, node: &NodeEvidence) -> impl Iterator<Item = &'a NodeEvidence> + use<'a> {
        let own = node.node;
        self.nodes.iter().filter(move |peer| peer.node != own)
    }

    /// The shared networks as one node sees them.
    pub fn ways(&self, node: &NodeEvidence) -> Vec<Way<'a>> {
        let way = |network: &Candidate| {
            let own = *network.addresses.get(&node.node)?;
            let address = |peer: &'a NodeEvidence| Some((peer, *network.addresses.get(&peer.node)?));
            Some(Way { own, peers: self.peers(node).filter_map(address).collect(), weight: self.weight(own) })
        };
        self.networks.iter().filter_map(way).collect()
    }

    fn weight(&self, own: IpAddr) -> Verdict {
        let chosen = self.links.iter().any(|link| link.addresses.values().any(|one| *one == own));
        if self.links.is_empty() || chosen { Verdict::Fail } else { Verdict::Warn }
    }

    /// The first peer that says something else; where nobody else has said anything, the cell waits for all.
    pub fn other<T: PartialEq>(
        &self,
        sheet: &mut Sheet<'_>,
        node: &NodeEvidence,
        own: &T,
        fact: impl Fn(&NodeEvidence) -> &Gathered<T>,
    ) -> Option<&'a NodeEvidence> {
        let known = |peer: &&NodeEvidence| fact(peer).is_ok();
        if self.peers(node).next().is_some() && !self.peers(node).any(|peer| known(&peer)) {
            self.peers(node).for_each(|peer| sheet.wait_for(peer));
        }
        self.peers(node).find(|peer| fact(peer).as_ref().is_ok_and(|other| other != own))
    }
}
