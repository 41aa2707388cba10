//! Forming rings: who is with whom, and what every daemon writes about it.

use std::collections::BTreeSet;

use super::corosync::COROSYNC_PID;
use super::pmxcfs::PMXCFS_PID;
use crate::node::Power;
use crate::world::{Millis, World};

/// From a clean stop to the others' new membership, in milliseconds (recorded 0.02 s).
pub(crate) const CLEAN_STOP_MS: Millis = 20;

/// Something that will happen inside the simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// Totem of all nodes with this key looks who is there.
    Reform { authkey: Vec<u8> },
    /// knet's timeout for a link is over.
    Link { node: String, peer: u32, link: u8, up: bool },
    /// The QDevice of these nodes asks for the vote.
    DevicePoll { authkey: Vec<u8> },
    /// The token was lost and nobody has taken over yet.
    Gather { node: String, boots: u64 },
    /// Nothing but a moment at which something may be true that was not before.
    Moment,
    /// A node has started: its services come up.
    Booted { node: String, boots: u64 },
}

impl World {
    pub(crate) fn handle(&mut self, event: Event) {
        match event {
            Event::Reform { authkey } => self.reform(&authkey),
            Event::Link { node, peer, link, up } => self.link_noticed(&node, peer, link, up),
            Event::DevicePoll { authkey } => self.device_poll(&authkey),
            Event::Gather { node, boots } => self.gather(&node, boots),
            Event::Moment => self.changed(),
            Event::Booted { node, boots } => self.booted(&node, boots),
        }
    }

    /// Names of the nodes in this node's ring, itself included.
    pub(crate) fn partition_of(&self, name: &str) -> Vec<String> {
        let Some(node) = self.nodes.get(name) else { return Vec::new() };
        if !node.corosync.running {
            return vec![name.to_owned()];
        }
        self.running_with(&node.corosync.authkey)
            .into_iter()
            .filter(|peer| {
                peer == name
                    || self.nodes.get(peer).is_some_and(|peer| {
                        peer.corosync.ring == node.corosync.ring && peer.corosync.members == node.corosync.members
                    })
            })
            .collect()
    }

    /// The token's time is over without a new ring: corosync answers nobody until there is one.
    fn gather(&mut self, name: &str, boots: u64) {
        if let Some(node) = self.nodes.get_mut(name).filter(|node| node.boots == boots && node.corosync.running) {
            node.corosync.gathering = node.corosync.pending_peers.iter().any(|(_, gain)| !gain);
        }
        self.changed();
    }

    /// Lets every group of nodes that hear each other form a ring where it has none.
    fn reform(&mut self, authkey: &[u8]) {
        let mut left: Vec<String> = self
            .running_with(authkey)
            .into_iter()
            .filter(|name| self.nodes.get(name).is_some_and(|node| node.power == Power::On))
            .collect();
        for name in &left {
            if let Some(node) = self.nodes.get_mut(name) {
                node.corosync.pending_peers.clear();
                node.corosync.gathering = false;
            }
        }
        while let Some(first) = left.first().cloned() {
            let group = self.component(&first, &left);
            left.retain(|name| !group.contains(name));
            let ids: BTreeSet<u32> =
                group.iter().filter_map(|name| self.nodes.get(name)).map(|node| node.corosync.id).collect();
            let rings: BTreeSet<(u32, u64)> =
                group.iter().filter_map(|name| self.nodes.get(name)).map(|node| node.corosync.ring).collect();
            let settled = group.iter().filter_map(|name| self.nodes.get(name)).all(|node| node.corosync.members == ids);
            if !settled || rings.len() > 1 {
                self.form(&group, &ids);
            }
        }
        self.observe();
    }

    /// Nodes connected with `first`, directly or over others.
    fn component(&self, first: &str, among: &[String]) -> Vec<String> {
        let mut group = vec![first.to_owned()];
        let mut at = 0;
        while let Some(name) = group.get(at).cloned() {
            at += 1;
            let Some(node) = self.nodes.get(&name) else { continue };
            for other in among.iter().filter(|other| **other != name) {
                let Some(peer) = self.nodes.get(other) else { continue };
                if !group.contains(other) && self.reachable(node, peer) {
                    group.push(other.clone());
                }
            }
        }
        group.sort();
        group
    }

    pub(crate) fn form(&mut self, group: &[String], ids: &BTreeSet<u32>) {
        let members: Vec<_> = group.iter().filter_map(|name| self.nodes.get(name)).collect();
        let sequence = members.iter().map(|node| node.corosync.sequence).max().unwrap_or(1) + 4;
        let lowest = ids.first().copied().unwrap_or(0);
        let expected = members.iter().map(|node| node.corosync.expected).max().unwrap_or(0);
        for name in group {
            let Some(node) = self.nodes.get_mut(name) else { continue };
            let corosync = &mut node.corosync;
            let joined: BTreeSet<u32> = ids.difference(&corosync.members).copied().collect();
            let gone: BTreeSet<u32> = corosync.members.difference(ids).copied().collect();
            for id in &joined {
                *corosync.join_counts.entry(*id).or_default() += 1;
            }
            // Newcomers bring their own expectation: the highest one counts, which undoes a lowered one.
            if !joined.is_empty() {
                corosync.expected = expected.max(corosync.config.expected());
            }
            corosync.members = ids.clone();
            corosync.ring = (lowest, sequence);
            corosync.sequence = sequence;
            corosync.device_cast = 0;
            self.log_ring(name, &joined, &gone);
        }
        self.sync_pmxcfs(group);
        for name in group {
            self.recount(name);
            self.touch_members(name);
        }
        if let Some(first) = group.first() {
            self.poll_device_soon(first);
        }
    }

    /// What corosync and pmxcfs write when a ring was formed.
    pub(crate) fn log_ring(&mut self, name: &str, joined: &BTreeSet<u32>, gone: &BTreeSet<u32>) {
        let Some(node) = self.nodes.get(name) else { return };
        let corosync = &node.corosync;
        let count = corosync.members.len();
        let all = words(&corosync.members);
        let mut lines = vec![format!("  [QUORUM] Sync members[{count}]: {all}")];
        let mut change = String::new();
        if !joined.is_empty() {
            lines.push(format!("  [QUORUM] Sync joined[{}]: {}", joined.len(), words(joined)));
            change.push_str(&format!(" Members joined: {}", words(joined)));
        }
        if !gone.is_empty() {
            lines.push(format!("  [QUORUM] Sync left[{}]: {}", gone.len(), words(gone)));
            change.push_str(&format!(" Members left: {}", words(gone)));
        }
        let (lowest, sequence) = corosync.ring;
        lines.push(format!("  [TOTEM ] A new membership ({lowest:x}.{sequence:x}) was formed.{change}"));
        lines.push(format!("  [QUORUM] Members[{count}]: {all}"));
        lines.push("  [MAIN  ] Completed service synchronization, ready to provide service.".to_owned());
        for line in lines {
            self.log(name, "corosync.service", "corosync", COROSYNC_PID, &line);
        }
        let Some(node) = self.nodes.get(name) else { return };
        if node.pmxcfs.running {
            let list: Vec<String> = node.corosync.members.iter().map(|id| format!("{id}/{PMXCFS_PID}")).collect();
            let list = list.join(", ");
            for domain in ["dcdb", "status"] {
                let line = format!("[{domain}] notice: members: {list}");
                self.log(name, "pve-cluster.service", "pmxcfs", PMXCFS_PID, &line);
            }
        }
    }
}

fn words(ids: &BTreeSet<u32>) -> String {
    ids.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
}
