//! The whole simulated world: its hosts, its time, and what is still to happen in it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::cluster::membership::Event;
use crate::node::journal::Line;
use crate::node::time::Chrony;
use crate::node::{Kind, Node, Power};

/// Simulated milliseconds since the lab was made.
pub(crate) type Millis = u64;

/// From power-on to the first answer of SSH, in milliseconds (recorded 3 s).
const BOOT_MS: Millis = 3_000;
/// Most events handled at once; a model that never settles is a mistake, not a reason to hang.
const EVENTS_AT_ONCE_MAX: usize = 100_000;

pub(crate) struct World {
    pub(crate) now: Millis,
    pub(crate) nodes: BTreeMap<String, Node>,
    /// Bumped at every change that a stream or a waiting program could care about.
    pub(crate) revision: u64,
    /// Ports on which a running probe answers: node, address, port.
    pub(crate) probes: BTreeSet<(String, IpAddr, u16)>,
    queue: BTreeMap<(Millis, u64), Event>,
    queued: u64,
    /// Microseconds since 1970 at `now == epoch`.
    started_us: i64,
    /// What lies before is how the scenario came about.
    epoch: Millis,
    /// Simulated milliseconds per real one.
    speed: f64,
    seed: u64,
}

impl World {
    pub(crate) fn new(nodes: BTreeMap<String, Node>, started_us: i64, speed: f64, seed: u64, epoch: Millis) -> Self {
        Self {
            now: 0,
            nodes,
            revision: 0,
            probes: BTreeSet::new(),
            queue: BTreeMap::new(),
            queued: 0,
            started_us,
            epoch,
            speed,
            seed,
        }
    }

    /// Microseconds since 1970 at which the lab was started.
    pub(crate) fn started_us(&self) -> i64 {
        self.started_us
    }

    /// Lets everything happen that is due by `now`.
    pub(crate) fn advance(&mut self, now: Millis) {
        for _ in 0..EVENTS_AT_ONCE_MAX {
            let Some(next) = self.next_at().filter(|at| *at <= now) else { break };
            let Some((_, event)) = self.queue.pop_first() else { break };
            self.now = self.now.max(next);
            self.handle(event);
        }
        self.now = self.now.max(now);
    }

    /// When the next event is due.
    pub(crate) fn next_at(&self) -> Option<Millis> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    pub(crate) fn after(&mut self, delay: Millis, event: Event) {
        self.queued += 1;
        self.queue.insert((self.later(delay), self.queued), event);
    }

    /// The same, unless such an event comes no later anyway: nodes that cannot agree would ask for ever more of them.
    pub(crate) fn after_once(&mut self, delay: Millis, event: Event) {
        let at = self.later(delay);
        if !self.queue.range(..=(at, u64::MAX)).any(|(_, queued)| *queued == event) {
            self.after(delay, event);
        }
    }

    #[cfg(test)]
    pub(crate) fn events_waiting(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn changed(&mut self) {
        self.revision += 1;
    }

    /// A node's own idea of the time, in microseconds since 1970. Clocks run in real time at any speed.
    pub(crate) fn wall_us(&self, name: &str) -> i64 {
        let offset = self.nodes.get(name).map_or(0, |node| node.clock_offset_ms);
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
        let elapsed = ((self.now as f64 - self.epoch as f64) * 1_000.0 / self.speed) as i64;
        self.started_us + elapsed + offset * 1_000
    }

    pub(crate) fn log(&mut self, name: &str, unit: &'static str, identifier: &'static str, pid: u32, message: &str) {
        let time_us = self.wall_us(name);
        if let Some(node) = self.nodes.get_mut(name) {
            node.journal.push(Line { unit, identifier, pid, message: message.to_owned(), time_us });
        }
        self.changed();
    }

    /// A generator for one purpose of one node; it gives the same in every run with the same seed.
    pub(crate) fn fresh_rng(&self, name: &str, purpose: &str) -> rand::rngs::StdRng {
        let boots = self.nodes.get(name).map_or(0, |node| node.boots);
        crate::node::keys::rng_for(self.seed, &format!("{name} {purpose} {boots}"))
    }

    pub(crate) fn fresh_bytes(&self, name: &str, purpose: &str, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        rand::RngCore::fill_bytes(&mut self.fresh_rng(name, purpose), &mut bytes);
        bytes
    }

    /// Starts or stops a daemon that has nothing but a switch.
    pub(crate) fn set_daemon(&mut self, name: &str, daemon: &str, running: bool) {
        let Some(node) = self.nodes.get_mut(name) else { return };
        let authkey = node.corosync.authkey.clone();
        match daemon {
            "corosync-qdevice" => {
                node.qdevice.running = running;
                node.qdevice.connected &= running;
                self.after(1_000, Event::DevicePoll { authkey });
            }
            "chrony" => node.time.chrony = if running { Chrony::Runs } else { Chrony::Stopped },
            "corosync-qnetd" => {
                node.qnetd_running = running;
                self.qnetd_changed();
            }
            _ => {}
        }
        self.changed();
    }

    /// Pulls the plug.
    pub(crate) fn kill(&mut self, name: &str) {
        self.stop_corosync(name, false);
        self.stop_pmxcfs(name);
        if let Some(node) = self.nodes.get_mut(name) {
            node.power = Power::Off;
            node.powered = false;
            node.qdevice.running = false;
            node.qdevice.connected = false;
            node.qnetd_running = false;
            for unit in std::mem::take(&mut node.units).into_values() {
                if let Some(task) = unit.task {
                    task.abort();
                }
            }
            // What lay in /run is gone after a start.
            for file in node.files.list("/run").unwrap_or_default() {
                let _ = node.files.remove(&format!("/run/{file}"));
            }
        }
        self.qnetd_changed();
        self.observe();
    }

    /// Switches a node on; its services come up a little later.
    pub(crate) fn start(&mut self, name: &str) {
        if let Some(node) = self.nodes.get_mut(name) {
            if node.power != Power::Off {
                return;
            }
            node.boots += 1;
            node.powered = true;
            let boots = node.boots;
            self.after(BOOT_MS, Event::Booted { node: name.to_owned(), boots });
        }
        self.changed();
    }

    pub(crate) fn booted(&mut self, name: &str, boots: u64) {
        let Some(node) = self.nodes.get_mut(name) else { return };
        if node.power != Power::Off || node.boots != boots || !node.powered {
            return;
        }
        node.power = Power::On;
        node.faults.no_sshd = false;
        let (pve, device) = (node.is_pve(), node.qdevice.has_store);
        if !pve {
            node.qnetd_running = !node.faults.absent.contains("corosync-qnetd");
            self.qnetd_changed();
            return;
        }
        if device && let Some(node) = self.nodes.get_mut(name) {
            node.qdevice.running = true;
        }
        self.start_pmxcfs(name);
        let configured =
            self.nodes.get(name).is_some_and(|node| node.files.exists(crate::cluster::corosync::CONFIG_FILE));
        if configured {
            self.start_corosync(name);
        }
        self.changed();
    }

    pub(crate) fn freeze(&mut self, name: &str, frozen: bool) {
        if let Some(node) = self.nodes.get_mut(name) {
            node.power = match (node.power, frozen) {
                (Power::On, true) => Power::Frozen,
                (Power::Frozen, false) => Power::On,
                (power, _) => power,
            };
        }
        if !frozen {
            self.catch_up(name);
        }
        if self.nodes.get(name).is_some_and(|node| node.kind == Kind::Qnetd) {
            self.qnetd_changed();
        }
        self.observe();
    }

    /// A thawed node whose ring went on without it finds its token lost at once, and stands alone.
    fn catch_up(&mut self, name: &str) {
        let Some(node) = self.nodes.get(name).filter(|node| node.corosync.running) else { return };
        // Its timers are over too: a member that died meanwhile is missed as much as one that went on without it.
        let still_there: BTreeSet<u32> = self
            .nodes
            .values()
            .filter(|peer| {
                peer.corosync.running
                    && peer.corosync.authkey == node.corosync.authkey
                    && peer.corosync.ring == node.corosync.ring
            })
            .map(|peer| peer.corosync.id)
            .collect();
        let left_behind = !node.corosync.members.is_subset(&still_there);
        if left_behind {
            let own = BTreeSet::from([node.corosync.id]);
            self.form(&[name.to_owned()], &own);
        }
    }
}
