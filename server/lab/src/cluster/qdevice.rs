//! The QDevice: one more vote, given by a host outside to one partition only.

use super::membership::Event;
use crate::node::{Kind, Power};
use crate::world::{Millis, World};

/// From a change of membership to the vote, in milliseconds (recorded 10.4 s - 6.15 s).
const POLL_MS: Millis = 4_200;
/// From a dead qnetd to its vote being gone, in milliseconds (at most 14 s).
const LOST_MS: Millis = 9_000;

/// State of `corosync-qdevice` on one node.
#[derive(Debug, Clone, Default)]
pub(crate) struct Qdevice {
    pub(crate) running: bool,
    /// The certificate store exists.
    pub(crate) has_store: bool,
    pub(crate) connected: bool,
    /// Microseconds since 1970 on the node's clock.
    pub(crate) connected_since_us: i64,
    pub(crate) last_poll_us: i64,
}

impl World {
    /// The next poll of the QDevice of this node's cluster.
    pub(crate) fn poll_device_soon(&mut self, name: &str) {
        let Some(node) = self.nodes.get(name) else { return };
        if node.corosync.config.device.is_some() {
            let authkey = node.corosync.authkey.clone();
            self.after(POLL_MS, Event::DevicePoll { authkey });
        }
    }

    /// The qnetd host stopped or came back: every cluster that uses it notices after a while.
    pub(crate) fn qnetd_changed(&mut self) {
        let keys: std::collections::BTreeSet<Vec<u8>> = self
            .nodes
            .values()
            .filter(|node| node.corosync.running && node.corosync.config.device.is_some())
            .map(|node| node.corosync.authkey.clone())
            .collect();
        for authkey in keys {
            self.after(LOST_MS, Event::DevicePoll { authkey });
        }
        self.changed();
    }

    /// Name of the host with this address that runs qnetd now.
    pub(crate) fn qnetd_at(&self, address: &str) -> Option<&str> {
        self.nodes
            .values()
            .find(|node| {
                node.kind == Kind::Qnetd
                    && node.power == Power::On
                    && node.qnetd_running
                    && node.nics.iter().any(|nic| nic.up && nic.address.to_string() == address)
            })
            .map(|node| node.name.as_str())
    }

    /// qnetd decides: the larger partition, in an even split the one with the lowest node id.
    pub(crate) fn device_poll(&mut self, authkey: &[u8]) {
        let names = self.running_with(authkey);
        for name in &names {
            self.connect_device(name);
        }
        let served: Vec<String> = names
            .iter()
            .filter(|name| self.nodes.get(*name).is_some_and(|node| node.qdevice.connected && node.alive()))
            .cloned()
            .collect();
        let winner = served
            .iter()
            .filter_map(|name| self.nodes.get(name))
            .map(|node| (node.corosync.members.len(), node.corosync.members.first().copied(), node.corosync.ring))
            .max_by_key(|(size, lowest, _)| (*size, std::cmp::Reverse(*lowest)))
            .map(|(_, _, ring)| ring);
        for name in names {
            let wall = self.wall_us(&name);
            let Some(node) = self.nodes.get_mut(&name) else { continue };
            let votes = node.corosync.config.device_votes();
            let given = node.qdevice.connected && Some(node.corosync.ring) == winner;
            if node.qdevice.connected {
                node.qdevice.last_poll_us = wall;
            }
            node.corosync.device_cast = if given { votes } else { 0 };
            self.recount(&name);
        }
    }

    fn connect_device(&mut self, name: &str) {
        let wall = self.wall_us(name);
        let Some(node) = self.nodes.get(name) else { return };
        let host = node.corosync.config.device.as_ref().map(|device| device.host.clone());
        let up = node.qdevice.running && host.is_some_and(|host| self.qnetd_at(&host).is_some());
        let Some(node) = self.nodes.get_mut(name) else { return };
        if up && !node.qdevice.connected {
            node.qdevice.connected_since_us = wall;
        }
        node.qdevice.connected = up;
    }
}
