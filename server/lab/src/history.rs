//! What every node's tools would have told, moment by moment: for tests that ask whether somebody else told the truth.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::lab::Lab;
use crate::world::World;

/// What corosync's tools and pmxcfs of one node tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// `None` while corosync does not run.
    pub quorum: Option<ToldQuorum>,
    /// (peer's id, link) to connected, as `corosync-cfgtool` says.
    pub links: BTreeMap<(u32, u8), bool>,
    /// `config_version` in `/etc/pve/corosync.conf`.
    pub config_version: Option<u64>,
}

/// What `corosync-quorumtool` tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldQuorum {
    /// `1.1a`
    pub ring_id: String,
    /// Names in the order of their ids.
    pub members: Vec<String>,
    pub quorate: bool,
    pub expected_votes: u32,
    pub total_votes: u32,
    pub quorum: u32,
    /// Votes that the QDevice casts.
    pub device_votes: u32,
}

/// From when on a node told something.
pub type Moment = (Instant, Told);

/// Every node's moments, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Option<BTreeMap<String, Vec<Moment>>>>);

impl History {
    /// Notes what has changed; called whenever somebody has looked at the world.
    pub(crate) fn note(&self, world: &World) {
        let mut history = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(nodes) = history.as_mut() else { return };
        let now = Instant::now();
        for name in world.nodes.keys() {
            let told = world.told(name);
            let moments = nodes.entry(name.clone()).or_default();
            if moments.last().is_none_or(|(_, last)| *last != told) {
                moments.push((now, told));
            }
        }
    }
}

impl Lab {
    /// From now on every change of what a node would tell is kept.
    pub fn record(&self) {
        *self.shared.history.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(BTreeMap::new());
        self.shared.with(World::changed);
    }

    /// What a node told at any moment from `from` to `to`, and since when.
    pub fn told(&self, node: &str, from: Instant, to: Instant) -> Vec<Moment> {
        let history = self.shared.history.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(moments) = history.as_ref().and_then(|nodes| nodes.get(node)) else { return Vec::new() };
        // The last one before `from` was still true then.
        let first = moments.iter().rposition(|(at, _)| *at <= from).unwrap_or(0);
        let within = moments.iter().skip(first).take_while(|(at, _)| *at <= to);
        within.cloned().collect()
    }
}

impl World {
    fn told(&self, name: &str) -> Told {
        let Some(node) = self.nodes.get(name) else { return Told::default() };
        let corosync = &node.corosync;
        let quorum = corosync.running.then(|| {
            let (lowest, sequence) = corosync.ring;
            let names = corosync.members.iter().filter_map(|id| corosync.config.by_id(*id));
            ToldQuorum {
                ring_id: format!("{lowest:x}.{sequence:x}"),
                members: names.map(|entry| entry.name.clone()).collect(),
                quorate: corosync.quorate,
                expected_votes: corosync.expected,
                total_votes: corosync.total_votes(),
                quorum: corosync.quorum(),
                device_votes: corosync.device_cast,
            }
        });
        Told {
            quorum,
            links: corosync.links.iter().map(|(end, state)| (*end, state.connected)).collect(),
            config_version: node.pmxcfs.config().map(|config| config.version),
        }
    }
}
