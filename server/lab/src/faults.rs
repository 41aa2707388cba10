//! What can be switched from outside: deaths, cuts, lies.

use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::node::keys::{HostKeys, rng_for};
use crate::node::{Kind, Power};
use crate::world::World;

/// Where a `pvecm add` is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JoinPoint {
    /// Nothing has changed in the cluster yet.
    BeforeAddnode,
    /// The member has the node in its configuration; the joiner has nothing.
    AfterAddnode,
    /// Key and configuration were read, nothing was written.
    AfterKeyCopied,
    /// The joiner's own database is gone, key and configuration are there, nothing runs.
    AfterDatabaseMoved,
    /// Both daemons run, and nobody waits for them any more.
    WaitingForQuorum,
    /// Everything is done; only the last words are missing.
    BeforeSuccess,
}

/// One switch. Nodes are named by the lab's own names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fault {
    /// Power off, at once.
    Kill { node: String },
    /// Power on; SSH answers about 3 s later.
    Start { node: String },
    /// Answers nothing and forgets nothing.
    Freeze { node: String },
    /// Undoes [`Fault::Freeze`].
    Thaw { node: String },
    /// Pulls the cable of the card that carries the link. SSH from outside stays.
    CutLink { node: String, link: u8 },
    /// Puts it back.
    RestoreLink { node: String, link: u8 },
    /// Moves the node's clock, in milliseconds from the right time.
    SkewClock { node: String, millis: i64 },
    /// New SSH host keys, as after a reinstallation.
    ChangeHostKey { node: String },
    /// Programs print bytes that mean nothing.
    Garbage { node: String, on: bool },
    /// Programs hang until something stops them.
    HangCommands { node: String, on: bool },
    /// `systemctl stop corosync`.
    StopCorosync { node: String },
    /// `systemctl start corosync`.
    StartCorosync { node: String },
    /// `systemctl stop pve-cluster`.
    StopPmxcfs { node: String },
    /// `systemctl start pve-cluster`.
    StartPmxcfs { node: String },
    /// The own name leads to 127.0.1.1.
    BreakHosts { node: String, on: bool },
    /// A virtual machine appears.
    AddGuest { node: String, vmid: u32 },
    /// A firewall drops all UDP.
    BlockUdp { node: String, on: bool },
    /// All qnetd hosts stop answering.
    StopQnetd,
    /// They answer again.
    StartQnetd,
    /// The next `pvecm add` there is killed at this point.
    JoinDiesAt { node: String, point: JoinPoint },
    /// Drops all SSH connections, once.
    DropConnections { node: String },
}

/// A switch as a panel shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaultInfo {
    /// Stable, e.g. `cut-link/pve2/1`.
    pub id: String,
    /// The node it is about; `None` for the whole lab.
    pub node: Option<String>,
    /// What it is, e.g. `cut-link`.
    pub kind: &'static str,
    /// Whether the fault is there now.
    pub active: bool,
    /// What to inject to change that.
    pub switch: Fault,
}

impl Fault {
    /// The node that it is about.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::StopQnetd | Self::StartQnetd => None,
            Self::Kill { node }
            | Self::Start { node }
            | Self::Freeze { node }
            | Self::Thaw { node }
            | Self::CutLink { node, .. }
            | Self::RestoreLink { node, .. }
            | Self::SkewClock { node, .. }
            | Self::ChangeHostKey { node }
            | Self::Garbage { node, .. }
            | Self::HangCommands { node, .. }
            | Self::StopCorosync { node }
            | Self::StartCorosync { node }
            | Self::StopPmxcfs { node }
            | Self::StartPmxcfs { node }
            | Self::BreakHosts { node, .. }
            | Self::AddGuest { node, .. }
            | Self::BlockUdp { node, .. }
            | Self::JoinDiesAt { node, .. }
            | Self::DropConnections { node } => Some(node),
        }
    }
}

impl World {
    pub(crate) fn inject(&mut self, fault: &Fault) -> Result<(), LabError> {
        if let Some(name) = fault.node()
            && !self.nodes.contains_key(name)
        {
            return Err(LabError::UnknownNode(name.to_owned()));
        }
        match fault {
            Fault::Kill { node } => self.kill(node),
            Fault::Start { node } => self.start(node),
            Fault::Freeze { node } => self.freeze(node, true),
            Fault::Thaw { node } => self.freeze(node, false),
            Fault::CutLink { node, link } => self.cable(node, *link, false)?,
            Fault::RestoreLink { node, link } => self.cable(node, *link, true)?,
            Fault::ChangeHostKey { node } => self.change_host_key(node)?,
            Fault::StopCorosync { node } => self.stop_corosync(node, true),
            Fault::StartCorosync { node } => {
                self.need_pve(node, "start-corosync")?;
                self.start_corosync(node);
            }
            Fault::StopPmxcfs { node } => self.stop_pmxcfs(node),
            Fault::StartPmxcfs { node } => {
                self.need_pve(node, "start-pmxcfs")?;
                self.start_pmxcfs(node);
            }
            Fault::BreakHosts { node, on } => self.break_hosts(node, *on),
            Fault::AddGuest { node, vmid } => self.add_guest(node, *vmid)?,
            Fault::StopQnetd => self.switch_qnetd(false),
            Fault::StartQnetd => self.switch_qnetd(true),
            // Connections belong to the server, which is told by the lab itself.
            Fault::DropConnections { .. } => {}
            Fault::SkewClock { .. }
            | Fault::Garbage { .. }
            | Fault::HangCommands { .. }
            | Fault::BlockUdp { .. }
            | Fault::JoinDiesAt { .. } => self.set_switch(fault),
        }
        self.observe();
        Ok(())
    }

    fn set_switch(&mut self, fault: &Fault) {
        let Some(node) = fault.node().and_then(|name| self.nodes.get_mut(name)) else { return };
        match fault {
            Fault::SkewClock { millis, .. } => node.clock_offset_ms = *millis,
            Fault::Garbage { on, .. } => node.faults.garbage = *on,
            Fault::HangCommands { on, .. } => node.faults.hang = *on,
            Fault::BlockUdp { on, .. } => node.faults.block_udp = *on,
            Fault::JoinDiesAt { point, .. } => node.faults.join_dies = Some(*point),
            _ => {}
        }
    }

    fn need_pve(&self, name: &str, fault: &'static str) -> Result<(), LabError> {
        match self.nodes.get(name) {
            Some(node) if node.is_pve() && node.power == Power::On => Ok(()),
            _ => Err(LabError::NotApplicable { fault, node: name.to_owned() }),
        }
    }

    /// The card that carries a link: by the configured address, else by its number.
    pub(crate) fn card_of(&self, name: &str, link: u8) -> Option<usize> {
        let node = self.nodes.get(name)?;
        let configured = node.pmxcfs.config().and_then(|config| {
            let address = config.node(&node.hostname)?.rings.get(&link)?.clone();
            node.nics.iter().position(|nic| nic.address.to_string() == address)
        });
        configured.or_else(|| Some(usize::from(link)).filter(|at| *at < node.nics.len()))
    }

    fn cable(&mut self, name: &str, link: u8, up: bool) -> Result<(), LabError> {
        let at = self.card_of(name, link);
        let nic = at.and_then(|at| self.nodes.get_mut(name)?.nics.get_mut(at));
        match nic {
            Some(nic) => {
                nic.up = up;
                Ok(())
            }
            None => Err(LabError::UnknownLink { node: name.to_owned(), link }),
        }
    }

    fn change_host_key(&mut self, name: &str) -> Result<(), LabError> {
        let revision = self.revision;
        if let Some(node) = self.nodes.get_mut(name) {
            let mut rng = rng_for(revision, &format!("new host key of {name}"));
            node.keys = HostKeys::generate(&node.hostname, &mut rng)?;
            node.write_host_keys();
        }
        Ok(())
    }

    fn break_hosts(&mut self, name: &str, on: bool) {
        let Some(node) = self.nodes.get_mut(name) else { return };
        let content = node.files.read("/etc/hosts").unwrap_or_default();
        if on && node.faults.good_hosts.is_none() {
            let text = String::from_utf8_lossy(&content).into_owned();
            let broken: String = text
                .lines()
                .map(|line| {
                    let own = line.split_whitespace().skip(1).any(|word| word == node.hostname);
                    match line.split_once(' ').filter(|_| own) {
                        Some((_, names)) => format!("127.0.1.1 {names}\n"),
                        None => format!("{line}\n"),
                    }
                })
                .collect();
            node.faults.good_hosts = Some(content);
            node.files.put("/etc/hosts", broken, 0o644);
        } else if !on && let Some(good) = node.faults.good_hosts.take() {
            node.files.put("/etc/hosts", good, 0o644);
        }
    }

    pub(crate) fn add_guest(&mut self, name: &str, vmid: u32) -> Result<(), LabError> {
        self.need_pve(name, "add-guest")?;
        let host = self.nodes.get(name).map(|node| node.hostname.clone()).unwrap_or_default();
        let content = format!("cores: 2\nmemory: 2048\nname: vm{vmid}\n");
        self.pve_write(name, &format!("nodes/{host}/qemu-server/{vmid}.conf"), Some(content.into_bytes()));
        Ok(())
    }

    fn switch_qnetd(&mut self, running: bool) {
        for node in self.nodes.values_mut().filter(|node| node.kind == Kind::Qnetd) {
            node.qnetd_running = running && node.power != Power::Off;
        }
        self.qnetd_changed();
    }

    /// Every switch of every node with its state.
    pub(crate) fn fault_list(&self) -> Vec<FaultInfo> {
        let mut list = Vec::new();
        for node in self.nodes.values() {
            let name = || node.name.clone();
            let mut add = |kind, suffix: &str, active, switch| {
                let id = format!("{kind}/{}{suffix}", node.name);
                list.push(FaultInfo { id, node: Some(node.name.clone()), kind, active, switch });
            };
            let off = node.power == Power::Off;
            add("kill", "", off, if off { Fault::Start { node: name() } } else { Fault::Kill { node: name() } });
            let frozen = node.power == Power::Frozen;
            add(
                "freeze",
                "",
                frozen,
                if frozen { Fault::Thaw { node: name() } } else { Fault::Freeze { node: name() } },
            );
            add("change-host-key", "", false, Fault::ChangeHostKey { node: name() });
            add("drop-connections", "", false, Fault::DropConnections { node: name() });
            let skewed = node.clock_offset_ms != 0;
            let millis = if skewed { 0 } else { 150_000 };
            add("skew-clock", "", skewed, Fault::SkewClock { node: name(), millis });
            let faults = &node.faults;
            add("garbage", "", faults.garbage, Fault::Garbage { node: name(), on: !faults.garbage });
            add("hang-commands", "", faults.hang, Fault::HangCommands { node: name(), on: !faults.hang });
            add("block-udp", "", faults.block_udp, Fault::BlockUdp { node: name(), on: !faults.block_udp });
            if node.kind != Kind::Pve {
                continue;
            }
            for link in 0..u8::try_from(node.nics.len()).unwrap_or(0) {
                let at = self.card_of(&node.name, link);
                let cut = at.and_then(|at| node.nics.get(at)).is_some_and(|nic| !nic.up);
                let switch = match cut {
                    true => Fault::RestoreLink { node: name(), link },
                    false => Fault::CutLink { node: name(), link },
                };
                add("cut-link", &format!("/{link}"), cut, switch);
            }
            let stopped = node.files.exists(crate::cluster::corosync::CONFIG_FILE) && !node.corosync.running;
            let switch = match stopped {
                true => Fault::StartCorosync { node: name() },
                false => Fault::StopCorosync { node: name() },
            };
            add("stop-corosync", "", stopped, switch);
            let broken = faults.good_hosts.is_some();
            add("break-hosts", "", broken, Fault::BreakHosts { node: name(), on: !broken });
        }
        if self.nodes.values().any(|node| node.kind == Kind::Qnetd) {
            let stopped = !self.nodes.values().any(|node| node.qnetd_running);
            let switch = if stopped { Fault::StartQnetd } else { Fault::StopQnetd };
            list.push(FaultInfo {
                id: "stop-qnetd".to_owned(),
                node: None,
                kind: "stop-qnetd",
                active: stopped,
                switch,
            });
        }
        list
    }
}
