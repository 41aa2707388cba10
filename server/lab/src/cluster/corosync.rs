//! The state of one node's corosync, and starting, stopping and reloading it.

use std::collections::{BTreeMap, BTreeSet};

use super::config::ClusterConfig;
use super::membership::{CLEAN_STOP_MS, Event};
use crate::world::{Millis, World};

/// Where corosync keeps what it was configured with.
pub(crate) const CONFIG_FILE: &str = "/etc/corosync/corosync.conf";
/// The key that lets nodes talk to each other.
pub(crate) const AUTHKEY_FILE: &str = "/etc/corosync/authkey";
/// First process id that a daemon of a node gets.
pub(crate) const COROSYNC_PID: u32 = 172;

/// What corosync knows about one link to one peer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LinkState {
    pub(crate) connected: bool,
    /// A change to this value was noticed physically and waits for its timeout.
    pub(crate) pending: Option<bool>,
    pub(crate) up_count: u32,
    pub(crate) down_count: u32,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Corosync {
    pub(crate) running: bool,
    /// The last start failed.
    pub(crate) failed: bool,
    pub(crate) config: ClusterConfig,
    pub(crate) authkey: Vec<u8>,
    pub(crate) id: u32,
    /// Node ids of the ring that this node is in.
    pub(crate) members: BTreeSet<u32>,
    /// Lowest node id of the ring, and its sequence number.
    pub(crate) ring: (u32, u64),
    /// Kept on disk: the highest ring sequence number seen.
    pub(crate) sequence: u64,
    pub(crate) expected: u32,
    pub(crate) quorate: bool,
    /// Votes that the QDevice gives this partition now.
    pub(crate) device_cast: u32,
    /// (peer's id, link number) to what knet sees.
    pub(crate) links: BTreeMap<(u32, u8), LinkState>,
    /// Peers whose arrival (`true`) or loss (`false`) waits for totem.
    pub(crate) pending_peers: BTreeSet<(u32, bool)>,
    /// knet's timeout for a silent link, fixed when the link was configured, in milliseconds.
    pub(crate) ping_timeout_ms: u64,
    /// Joins seen of each member since this daemon started.
    pub(crate) join_counts: BTreeMap<u32, u32>,
    /// How the last reload of the configuration since this daemon started ended.
    pub(crate) reloaded: Option<Reload>,
    /// Totem is looking for its members; the tools hang meanwhile.
    pub(crate) gathering: bool,
    /// How often it was started since the node was made: systemd gives each run a number of its own.
    pub(crate) starts: u32,
    /// A QDevice was registered since this daemon started: votequorum goes on showing its column.
    pub(crate) device_seen: bool,
    /// Lowest and highest member's id when this node was last quorate: without quorum votequorum does not look again
    /// (recordings `majority` and `isolated`).
    pub(crate) extremes: Option<(u32, u32)>,
    /// Votes that votequorum calls its barrier: the nodes' in the file, then what `expected` said (recording
    /// `splitbrain`). Members that come back raise the expectation, not the barrier.
    pub(crate) barrier: u32,
}

/// How a reload of the configuration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reload {
    Taken,
    Refused,
}

impl Corosync {
    /// Votes present in this partition.
    pub(crate) fn total_votes(&self) -> u32 {
        self.member_votes() + self.device_cast
    }

    fn member_votes(&self) -> u32 {
        self.members.iter().filter_map(|id| self.config.by_id(*id)).map(|node| node.votes).sum()
    }

    /// The fewest that votequorum expects: the members' votes and all that the QDevice has, cast or not
    /// (`recalculate_quorum` in `exec/votequorum.c`; xtask chaos measured it).
    pub(crate) fn least_expected(&self) -> u32 {
        self.member_votes() + self.config.device_votes()
    }

    /// Votes needed: half of those expected, plus one (votequorum.5).
    pub(crate) fn quorum(&self) -> u32 {
        (self.expected.max(self.total_votes()) + 2) / 2
    }
}

impl World {
    /// Starts corosync from the file on the node's disk. `false` when it refuses.
    pub(crate) fn start_corosync(&mut self, name: &str) -> bool {
        let Some(node) = self.nodes.get_mut(name) else { return false };
        if node.corosync.running {
            return true;
        }
        let config = node
            .files
            .read(CONFIG_FILE)
            .ok()
            .and_then(|content| ClusterConfig::parse(&String::from_utf8_lossy(&content)));
        let authkey = node.files.read(AUTHKEY_FILE).unwrap_or_default();
        let own = config.as_ref().and_then(|config| config.node(&node.hostname)).cloned();
        let (Some(config), Some(own)) = (config, own) else {
            node.corosync.failed = true;
            return false;
        };
        if authkey.is_empty() || config.has_duplicate_ids() {
            node.corosync.failed = true;
            return false;
        }
        let sequence = node.corosync.sequence.max(1) + 4;
        let starts = node.corosync.starts + 1;
        node.corosync = Corosync {
            running: true,
            starts,
            id: own.id,
            authkey,
            members: BTreeSet::from([own.id]),
            ring: (own.id, sequence),
            sequence,
            expected: config.expected(),
            ping_timeout_ms: config.token_ms() / 2,
            join_counts: BTreeMap::from([(own.id, 1)]),
            device_seen: config.device.is_some(),
            barrier: config.node_votes(),
            config,
            ..Corosync::default()
        };
        self.log(name, "corosync.service", "corosync", COROSYNC_PID, "  [MAIN  ] Corosync Cluster Engine starting up");
        self.log_ring(name, &BTreeSet::from([own.id]), &BTreeSet::new());
        self.recount(name);
        self.observe();
        self.poll_device_soon(name);
        true
    }

    /// Stops corosync. A clean stop says goodbye, so the others know at once.
    pub(crate) fn stop_corosync(&mut self, name: &str, clean: bool) {
        let Some(node) = self.nodes.get_mut(name) else { return };
        if !node.corosync.running {
            return;
        }
        let (id, peers) = (node.corosync.id, node.corosync.members.clone());
        let authkey = node.corosync.authkey.clone();
        let Corosync { sequence, starts, .. } = node.corosync;
        node.corosync = Corosync { sequence, starts, ..Corosync::default() };
        node.pmxcfs.writable_from = None;
        if node.pmxcfs.running {
            node.pmxcfs.last_members.clone_from(&peers);
        }
        if clean {
            for peer in self.running_with(&authkey) {
                if self.nodes.get(&peer).is_some_and(|peer| peers.contains(&peer.corosync.id)) {
                    let message = format!("  [CFG   ] Node {id} was shut down by sysadmin");
                    self.log(&peer, "corosync.service", "corosync", COROSYNC_PID, &message);
                }
            }
            self.after(CLEAN_STOP_MS, Event::Reform { authkey });
        }
        self.touch_members(name);
        self.observe();
    }

    /// `corosync-cfgtool -k`: the node's daemon ends without a goodbye. `false` when there is no such member.
    pub(crate) fn kill_corosync(&mut self, by: &str, id: u32) -> bool {
        let Some(node) = self.nodes.get(by).filter(|node| node.corosync.members.contains(&id)) else { return false };
        let (authkey, killer) = (node.corosync.authkey.clone(), node.corosync.id);
        let victim = self
            .running_with(&authkey)
            .into_iter()
            .find(|name| self.nodes.get(name).is_some_and(|node| node.corosync.id == id));
        let Some(victim) = victim else { return false };
        let line = format!("  [CFG   ] Killed by node {killer} : Killed by corosync-cfgtool");
        self.log(&victim, "corosync.service", "corosync", COROSYNC_PID, &line);
        self.stop_corosync(&victim, false);
        if let Some(node) = self.nodes.get_mut(&victim) {
            node.corosync.failed = true;
        }
        true
    }

    /// `corosync-cfgtool -R`: every member reads its own file again, changed or not (corosync-cfgtool(8)).
    pub(crate) fn reload_members(&mut self, name: &str) {
        for peer in self.partition_of(name) {
            let file = self.nodes.get(&peer).and_then(|node| node.files.read(CONFIG_FILE).ok());
            if let Some(config) = file.and_then(|file| ClusterConfig::parse(&String::from_utf8_lossy(&file))) {
                self.reload_corosync(&peer, &config);
            }
        }
    }

    /// What a running corosync does with a configuration that it is told to take.
    pub(crate) fn reload_corosync(&mut self, name: &str, config: &ClusterConfig) {
        let Some(node) = self.nodes.get_mut(name) else { return };
        if !node.corosync.running {
            return;
        }
        if config.has_duplicate_ids() {
            node.corosync.reloaded = Some(Reload::Refused);
            self.log(
                name,
                "corosync.service",
                "corosync",
                COROSYNC_PID,
                "  [CFG   ] Cannot reload config: duplicate nodeid",
            );
            return;
        }
        let votes = |config: &ClusterConfig| (config.node_votes(), config.device_votes());
        let is_changed = votes(&node.corosync.config) != votes(config);
        node.corosync.reloaded = Some(Reload::Taken);
        node.corosync.device_seen |= config.device.is_some();
        if config.device.is_none() {
            node.corosync.device_cast = 0;
        }
        node.corosync.config = config.clone();
        // A changed number of configured votes replaces whatever was expected before.
        if is_changed {
            node.corosync.expected = config.expected();
            node.corosync.barrier = config.node_votes();
        }
        let known: BTreeSet<u32> = config.nodes.iter().map(|node| node.id).collect();
        node.corosync.links.retain(|(peer, _), _| known.contains(peer));
        self.log(name, "corosync.service", "corosync", COROSYNC_PID, "  [CFG   ] Config reload requested by node 1");
        self.recount(name);
        self.poll_device_soon(name);
        self.observe();
    }

    /// Running nodes that hold the same key, by name.
    pub(crate) fn running_with(&self, authkey: &[u8]) -> Vec<String> {
        self.nodes
            .iter()
            .filter(|(_, node)| node.corosync.running && node.corosync.authkey == authkey)
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Sets the expected votes of this node's partition, as `pvecm expected` does at run time.
    pub(crate) fn set_expected(&mut self, name: &str, votes: u32) -> bool {
        let Some(node) = self.nodes.get(name) else { return false };
        let corosync = &node.corosync;
        let present = corosync.total_votes();
        let would_block = corosync.quorate && (votes + 2) / 2 > present;
        if !corosync.running || votes < present || would_block {
            return false;
        }
        for peer in self.partition_of(name) {
            if let Some(node) = self.nodes.get_mut(&peer) {
                node.corosync.expected = votes;
                node.corosync.barrier = votes;
            }
            self.recount(&peer);
        }
        true
    }

    pub(crate) fn later(&self, delay: Millis) -> Millis {
        self.now.saturating_add(delay)
    }
}
