//! Which node hears which over which link: what is physically so, and what knet has noticed.

use std::net::IpAddr;

use super::config::NodeEntry;
use super::corosync::COROSYNC_PID;
use super::membership::Event;
use crate::node::{Node, Power};
use crate::world::{Millis, World};

/// From the moment a link works to knet calling it up, in milliseconds (recorded 0.7 - 2.2 s).
const LINK_UP_MS: Millis = 1_500;
/// The peer's host answers that nobody listens any more (recorded 0.2 - 0.4 s).
const LINK_REFUSED_MS: Millis = 400;
/// From a hard loss to the new membership, in tenths of the token time (recorded 2.0 - 2.2).
const LOSS_TOKEN_TENTHS: Millis = 21;
/// From so many percent of lost packets on, knet's pings no longer come through in time.
const LOSS_DOWN_PERCENT: u8 = 60;
/// What IP, UDP, knet and its encryption take of every packet, in bytes (1500 were recorded as 1397).
const OVERHEAD_BYTES: u16 = 103;
/// From a peer becoming reachable to a common membership, in milliseconds.
const MERGE_MS: Millis = 1_900;

impl World {
    /// Whether two running corosyncs hear each other on a link, right now.
    pub(crate) fn link_works(&self, a: &Node, b: &Node, link: u8) -> bool {
        let (one, two) = (&a.corosync, &b.corosync);
        if !one.running || !two.running || one.authkey != two.authkey {
            return false;
        }
        if a.power != Power::On || b.power != Power::On || a.faults.block_udp || b.faults.block_udp {
            return false;
        }
        // Each must be configured, on both sides, with an address that it really has.
        let address = |of: &Node, seen_by: &Node| -> Option<IpAddr> {
            let entry = seen_by.corosync.config.by_id(of.corosync.id)?;
            (entry.name == of.hostname).then(|| entry.rings.get(&link)?.parse().ok()).flatten()
        };
        let (Some(a_here), Some(a_there)) = (address(a, a), address(a, b)) else { return false };
        let (Some(b_here), Some(b_there)) = (address(b, b), address(b, a)) else { return false };
        a_here == a_there && b_here == b_there && talks(a, a_here).is_some_and(|at| talks(b, b_here) == Some(at))
    }

    /// The host behind an entry of a node's configuration: the one with its name, best with its address.
    pub(crate) fn peer(&self, from: &Node, entry: &NodeEntry) -> Option<&Node> {
        let named = self.nodes.values().filter(|node| node.hostname == entry.name && node.name != from.name);
        named.max_by_key(|node| {
            let address = entry
                .rings
                .values()
                .any(|ring| ring.parse().is_ok_and(|ring: IpAddr| node.nics.iter().any(|nic| nic.address == ring)));
            (self.reachable(from, node), address)
        })
    }

    pub(crate) fn reachable(&self, a: &Node, b: &Node) -> bool {
        a.corosync.config.interfaces.keys().any(|link| self.link_works(a, b, *link))
    }

    /// Compares what is with what was noticed, and schedules the noticing.
    pub(crate) fn observe(&mut self) {
        let names: Vec<String> =
            self.nodes.values().filter(|node| node.corosync.running).map(|node| node.name.clone()).collect();
        for name in &names {
            self.observe_from(name);
        }
        self.changed();
    }

    fn observe_from(&mut self, name: &str) {
        let Some(node) = self.nodes.get(name) else { return };
        if node.power != Power::On {
            return;
        }
        let own = node.corosync.id;
        let token = node.corosync.config.token_ms();
        let mut schedule = Vec::new();
        let mut links = node.corosync.links.clone();
        let mut pending = node.corosync.pending_peers.clone();
        for entry in node.corosync.config.nodes.iter().filter(|entry| entry.id != own) {
            let peer = self.peer(node, entry);
            for link in node.corosync.config.interfaces.keys() {
                let works = peer.is_some_and(|peer| self.link_works(node, peer, *link));
                let state = links.entry((entry.id, *link)).or_default();
                if works == state.connected {
                    state.pending = None;
                } else if state.pending != Some(works) {
                    state.pending = Some(works);
                    let refused = peer.is_some_and(|peer| peer.alive() && !peer.corosync.running);
                    let delay = match (works, refused) {
                        (true, _) => LINK_UP_MS,
                        (false, true) => LINK_REFUSED_MS,
                        (false, false) => node.corosync.ping_timeout_ms,
                    };
                    let event = Event::Link { node: name.to_owned(), peer: entry.id, link: *link, up: works };
                    schedule.push((delay, event));
                }
            }
            let reachable = peer.is_some_and(|peer| self.reachable(node, peer));
            let member = node.corosync.members.contains(&entry.id);
            pending.retain(|(id, gain)| *id != entry.id || *gain == reachable);
            if reachable != member && pending.insert((entry.id, reachable)) {
                let delay = if reachable { MERGE_MS } else { token * LOSS_TOKEN_TENTHS / 10 };
                schedule.push((delay, Event::Reform { authkey: node.corosync.authkey.clone() }));
                if !reachable {
                    schedule.push((token, Event::Gather { node: name.to_owned(), boots: node.boots }));
                }
            }
        }
        if let Some(node) = self.nodes.get_mut(name) {
            node.corosync.links = links;
            node.corosync.pending_peers = pending;
        }
        for (delay, event) in schedule {
            self.after_once(delay, event);
        }
    }

    /// knet's timeout for a link is over: note what is so by now.
    pub(crate) fn link_noticed(&mut self, name: &str, peer: u32, link: u8, up: bool) {
        let Some(node) = self.nodes.get(name) else { return };
        let other = node.corosync.config.by_id(peer).and_then(|entry| self.peer(node, entry));
        let works = other.is_some_and(|other| self.link_works(node, other, link));
        let Some(node) = self.nodes.get_mut(name) else { return };
        let Some(state) = node.corosync.links.get_mut(&(peer, link)) else { return };
        if node.power != Power::On || state.pending != Some(up) || works != up {
            return;
        }
        state.pending = None;
        state.connected = up;
        if up {
            state.up_count += 1;
        } else {
            state.down_count += 1;
        }
        self.log_link(name, peer, link, up);
        self.changed();
    }

    fn log_link(&mut self, name: &str, peer: u32, link: u8, up: bool) {
        let Some(node) = self.nodes.get(name) else { return };
        let corosync = &node.corosync;
        let best = corosync
            .links
            .iter()
            .filter(|((id, _), state)| *id == peer && state.connected)
            .map(|((_, link), _)| (corosync.config.interfaces.get(link).copied().flatten().unwrap_or(1), *link))
            .max_by_key(|(priority, link)| (*priority, std::cmp::Reverse(*link)));
        let (priority, number) = best.unwrap_or((1, link));
        let mut lines = if up {
            vec![
                format!("  [KNET  ] rx: host: {peer} link: {link} is up"),
                format!("  [KNET  ] link: Resetting MTU for link {link} because host {peer} joined"),
            ]
        } else {
            vec![format!("  [KNET  ] link: host: {peer} link: {link} is down")]
        };
        lines.push(format!("  [KNET  ] host: host: {peer} (passive) best link: {number} (pri: {priority})"));
        if best.is_none() {
            lines.push(format!("  [KNET  ] host: host: {peer} has no active links"));
        }
        if up {
            lines.push("  [KNET  ] pmtud: Global data MTU changed to: 1397".to_owned());
        }
        for line in lines {
            self.log(name, "corosync.service", "corosync", COROSYNC_PID, &line);
        }
    }
}

/// The wire on which a node really has an address, when its cable is in.
pub(crate) fn wire(node: &Node, address: IpAddr) -> Option<usize> {
    node.nics.iter().find(|nic| nic.address == address && nic.up).map(|nic| nic.network)
}

/// The same for a conversation: knet needs its pings and their answers, so both ways must be open.
fn talks(node: &Node, address: IpAddr) -> Option<usize> {
    let nic = node.nics.iter().find(|nic| nic.address == address && nic.up)?;
    (!nic.deaf && !nic.unheard && nic.loss_percent < LOSS_DOWN_PERCENT).then_some(nic.network)
}

/// Payload that fits into one packet, in bytes.
pub(crate) fn payload(mtu: u16) -> u16 {
    mtu.saturating_sub(OVERHEAD_BYTES)
}

impl Node {
    /// The payload of a packet to `peer` on a link: the smaller of both ends.
    pub(crate) fn payload_to(&self, peer: Option<&Node>, here: &str, there: &str) -> u16 {
        let mtu = |node: &Node, address: &str| {
            node.nics.iter().find(|nic| nic.address.to_string() == address).map(|nic| nic.mtu)
        };
        let own = mtu(self, here);
        let other = peer.and_then(|peer| mtu(peer, there));
        payload(own.into_iter().chain(other).min().unwrap_or(1_500))
    }
}
