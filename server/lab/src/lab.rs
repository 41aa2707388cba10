//! The lab as its users see it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::DuplexStream;

use crate::error::LabError;
use crate::faults::{Fault, FaultInfo};
use crate::inspect::Inspection;
use crate::node::{Kind, Power};
use crate::scenario::{Scenario, build};
use crate::shared::Shared;
use crate::ssh_server::{listen, serve};

/// Bytes of an in-process connection that wait to be read.
const PIPE_BYTES: usize = 64 * 1024;
/// Port of every node when nothing else is asked for.
pub const PORT: u16 = 2222;

/// How a lab runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Makes keys and noise repeatable.
    pub seed: u64,
    /// Simulated time per real time: 1.0 are the recorded durations, 4.0 is four times as fast.
    pub speed: f64,
    /// Port on every node's own loopback address; 0 takes a free one.
    pub port: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 1, speed: 1.0, port: PORT }
    }
}

/// Where a node's SSH server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub node: String,
    pub address: IpAddr,
    pub port: u16,
}

/// A node as the demo's panel and tests need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeInfo {
    /// The lab's name.
    pub name: String,
    /// What the host calls itself.
    pub hostname: String,
    /// Where its SSH server listens, once [`Lab::listen`] was called.
    pub ssh: Option<SocketAddr>,
    pub root_password: String,
    /// `SHA256:...` of the key that its SSH server shows.
    pub host_key_fingerprint: String,
    /// Switched on and not frozen.
    pub alive: bool,
    /// Addresses that it claims inside the simulation.
    pub addresses: Vec<IpAddr>,
    /// A host for the QDevice, outside the cluster.
    pub is_qnetd: bool,
}

/// Simulated nodes. Cheap to clone; [`Lab::shutdown`] ends what listens and runs.
#[derive(Clone)]
pub struct Lab {
    pub(crate) shared: Arc<Shared>,
    pub(crate) scenario: Arc<Scenario>,
    options: Options,
    endpoints: Arc<Mutex<BTreeMap<String, SocketAddr>>>,
}

impl Lab {
    /// Builds the scenario and starts its clock. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// A host key could not be made, or a fault of the scenario names a node that it does not have.
    pub fn new(scenario: Scenario, options: Options) -> Result<Self, LabError> {
        let started = jiff::Timestamp::now().as_microsecond();
        let speed = if options.speed.is_finite() && options.speed > 0.0 { options.speed } else { 1.0 };
        let world = build(&scenario, options.seed, speed, started)?;
        Ok(Self { shared: Shared::new(world, speed), scenario: Arc::new(scenario), options, endpoints: Arc::default() })
    }

    /// Lets every node listen on its own address 127.77.INDEX.N, N from 1 in the scenario's order.
    ///
    /// # Errors
    /// [`LabError::Listen`] when a port is taken.
    pub async fn listen(&self) -> Result<Vec<Endpoint>, LabError> {
        let mut list = Vec::new();
        for (number, spec) in (1_u8..).zip(&self.scenario.nodes) {
            let address = Ipv4Addr::new(127, 77, self.scenario.index, number);
            let real = listen(&self.shared, &spec.name, address, self.options.port)?;
            self.endpoints.lock().unwrap_or_else(PoisonError::into_inner).insert(spec.name.clone(), real);
            list.push(Endpoint { node: spec.name.clone(), address: real.ip(), port: real.port() });
        }
        Ok(list)
    }

    /// A connection to a node's SSH server over a pipe in this process.
    ///
    /// A frozen node takes the connection and says nothing.
    ///
    /// # Errors
    /// [`LabError::Refused`] while the node is off, [`LabError::UnknownNode`].
    pub fn connect(&self, node: &str) -> Result<DuplexStream, LabError> {
        let power = self.shared.with(|world| world.nodes.get(node).map(|node| (node.power, node.faults.no_sshd)));
        match power {
            None => Err(LabError::UnknownNode(node.to_owned())),
            Some((Power::Off, _) | (_, true)) => Err(LabError::Refused(node.to_owned())),
            Some(_) => {
                let (near, far) = tokio::io::duplex(PIPE_BYTES);
                tokio::spawn(serve(Arc::clone(&self.shared), node.to_owned(), far));
                Ok(near)
            }
        }
    }

    /// All hosts, in the order of their names.
    pub fn nodes(&self) -> Vec<NodeInfo> {
        let endpoints = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.shared.with(|world| {
            world
                .nodes
                .values()
                .map(|node| NodeInfo {
                    name: node.name.clone(),
                    hostname: node.hostname.clone(),
                    ssh: endpoints.get(&node.name).copied(),
                    root_password: node.root_password.clone(),
                    host_key_fingerprint: node.keys.fingerprint(),
                    alive: node.power == Power::On,
                    addresses: node.nics.iter().map(|nic| nic.address).collect(),
                    is_qnetd: node.kind == Kind::Qnetd,
                })
                .collect()
        })
    }

    /// Switches a fault on or off.
    ///
    /// # Errors
    /// The node or link does not exist, or the fault makes no sense there.
    pub fn inject(&self, fault: Fault) -> Result<(), LabError> {
        self.shared.with(|world| world.inject(&fault))?;
        if let Fault::DropConnections { node } = fault {
            self.shared.dropped.send_modify(|dropped| *dropped.entry(node).or_default() += 1);
        }
        Ok(())
    }

    /// What can be switched now, for a panel.
    pub fn faults(&self) -> Vec<FaultInfo> {
        self.shared.with(|world| world.fault_list())
    }

    /// The truth, for tests.
    pub fn inspect(&self) -> Inspection {
        self.shared.with(|world| world.inspect())
    }

    /// Waits until nothing more is going to happen by itself: every timer of the model has run out.
    pub async fn settle(&self) {
        while let Some(left) = self.shared.with(|world| world.next_at().map(|at| at.saturating_sub(world.now))) {
            self.shared.sleep(left + 1).await;
        }
    }

    /// Waits until the truth satisfies `holds`, looking again after every change.
    pub async fn until(&self, holds: impl Fn(&Inspection) -> bool) {
        let mut changes = self.shared.subscribe();
        loop {
            changes.mark_unchanged();
            if holds(&self.inspect()) || changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Content of a file of a node, `/etc/pve` included; `None` when there is none.
    pub fn file(&self, node: &str, path: &str) -> Option<Vec<u8>> {
        self.shared.with(|world| world.read(node, path).ok())
    }

    /// Files of a node, `/etc/pve` included, whose path or content has these bytes in it: `grep -r` on its disk.
    pub fn files_with(&self, node: &str, needle: &[u8]) -> Vec<String> {
        let has = |text: &[u8]| text.windows(needle.len().max(1)).any(|part| part == needle);
        self.shared.with(|world| {
            let Some(node) = world.nodes.get(node) else { return Vec::new() };
            let disk = node.files.all().map(|(path, content)| (path.clone(), content));
            let pve = node.pmxcfs.db.iter().map(|(path, content)| (format!("/etc/pve/{path}"), content.as_slice()));
            disk.chain(pve)
                .filter(|(path, content)| has(path.as_bytes()) || has(content))
                .map(|(path, _)| path)
                .collect()
        })
    }

    /// From now on everything is kept that nodes are asked over SSH: commands, and what programs read.
    pub fn overhear(&self) {
        self.shared.overhear();
    }

    /// What nodes have been asked since [`Lab::overhear`], each piece on a line of its own.
    pub fn overheard(&self) -> Vec<u8> {
        self.shared.overheard()
    }

    /// Puts a file on a node's own disk, for tests that need one there; `false` for an unknown node.
    pub fn put_file(&self, node: &str, path: &str, content: &[u8]) -> bool {
        self.shared.with(|world| match world.nodes.get_mut(node) {
            Some(node) => {
                node.files.put(path, content, 0o644);
                true
            }
            None => false,
        })
    }

    /// Makes a host a Proxmox VE machine of its own as far as `/etc/pve` goes: it is there, and root's authorised keys are a link
    /// into it. False where it does not start.
    pub fn serve_pve(&self, node: &str) -> bool {
        const KEYS: &str = "/root/.ssh/authorized_keys";
        self.shared.with(|world| {
            let keys = world.read(node, KEYS).unwrap_or_default();
            if !world.start_pmxcfs(node) {
                return false;
            }
            world.pve_write(node, "priv/authorized_keys", Some(keys));
            let Some(node) = world.nodes.get_mut(node) else { return false };
            node.files.link(KEYS, "/etc/pve/priv/authorized_keys");
            true
        })
    }

    /// Ends all connections, listeners and units.
    pub async fn shutdown(&self) {
        let tasks = self.shared.with(|world| {
            world
                .nodes
                .values_mut()
                .flat_map(|node| node.units.values_mut())
                .filter_map(|unit| unit.task.take())
                .collect::<Vec<_>>()
        });
        for task in tasks {
            task.abort();
        }
        self.shared.closed.send_replace(true);
        // Lets the listeners see it, so that their ports are free when this returns.
        tokio::task::yield_now().await;
    }
}
