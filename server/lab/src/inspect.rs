//! The truth, for tests: what the simulation knows and no program would tell.

use std::collections::{BTreeMap, BTreeSet};

use crate::node::Power;
use crate::node::units::UnitState;
use crate::world::World;

/// One partition of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Lab names of its members.
    pub nodes: BTreeSet<String>,
    pub quorate: bool,
    pub expected_votes: u32,
    pub total_votes: u32,
}

/// One host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeTruth {
    pub alive: bool,
    /// It has power, booting or not.
    pub powered: bool,
    pub corosync_running: bool,
    /// Name of the cluster that its own database knows.
    pub cluster: Option<String>,
    /// Hostname to link addresses, from its own database.
    pub nodelist: BTreeMap<String, Vec<String>>,
    pub config_version: Option<u64>,
    /// How often each state-changing command really started there, e.g. `pvecm create`.
    pub ran: BTreeMap<String, u64>,
    /// Transient units that still exist: name to how they are.
    pub units: BTreeMap<String, UnitTruth>,
    /// A write into `/etc/pve` would succeed now.
    pub writable: bool,
}

impl NodeTruth {
    /// How often `command` (`pvecm create`, `pvecm add`, `pvecm addnode`, `pvecm qdevice setup`) started.
    pub fn ran(&self, command: &str) -> u64 {
        self.ran.get(command).copied().unwrap_or(0)
    }
}

/// A transient unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitTruth {
    Running,
    /// Ended with this exit code.
    Exited(i32),
    /// Killed by a signal, or because its time was over.
    Killed,
}

/// Everything at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    pub nodes: BTreeMap<String, NodeTruth>,
    pub partitions: Vec<Partition>,
}

impl Inspection {
    /// How often `command` started on any node.
    pub fn ran(&self, command: &str) -> u64 {
        self.nodes.values().map(|node| node.ran(command)).sum()
    }
}

impl From<UnitState> for UnitTruth {
    fn from(state: UnitState) -> Self {
        match state {
            UnitState::Running => Self::Running,
            UnitState::Exited(code) => Self::Exited(code),
            UnitState::Killed(_) | UnitState::TimedOut => Self::Killed,
        }
    }
}

impl World {
    pub(crate) fn inspect(&self) -> Inspection {
        let nodes = self
            .nodes
            .iter()
            .map(|(name, node)| {
                let config = node.pmxcfs.config();
                let nodelist = config
                    .iter()
                    .flat_map(|config| &config.nodes)
                    .map(|entry| (entry.name.clone(), entry.rings.values().cloned().collect()))
                    .collect();
                let truth = NodeTruth {
                    alive: node.power == Power::On,
                    powered: node.powered,
                    corosync_running: node.corosync.running,
                    cluster: config.as_ref().map(|config| config.name.clone()),
                    nodelist,
                    config_version: config.map(|config| config.version),
                    ran: node.ran.clone(),
                    units: node.units.iter().map(|(name, unit)| (name.clone(), unit.state.into())).collect(),
                    writable: self.pve_writable(name),
                };
                (name.clone(), truth)
            })
            .collect();
        Inspection { nodes, partitions: self.partitions() }
    }

    /// The rings as the running daemons have them.
    pub(crate) fn partitions(&self) -> Vec<Partition> {
        let mut seen = BTreeSet::new();
        let mut partitions = Vec::new();
        for (name, node) in self.nodes.iter().filter(|(_, node)| node.corosync.running) {
            if seen.contains(name) {
                continue;
            }
            let nodes: BTreeSet<String> = self.partition_of(name).into_iter().collect();
            seen.extend(nodes.clone());
            partitions.push(Partition {
                nodes,
                quorate: node.corosync.quorate,
                expected_votes: node.corosync.expected,
                total_votes: node.corosync.total_votes(),
            });
        }
        partitions
    }
}
