//! Switching faults on and off.

use super::Fault;
use crate::error::LabError;
use crate::node::keys::{HostKeys, rng_for};
use crate::node::time::Chrony;
use crate::node::{Kind, Power};
use crate::world::World;

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
            Fault::CutOneWay { node, link, on } => self.nic_of(node, *link)?.deaf = *on,
            Fault::CutOneWayIn { node, link, on } => self.nic_of(node, *link)?.unheard = *on,
            Fault::SplitBrain { node, .. } => {
                return Err(LabError::NotApplicable { fault: "split-brain", node: node.clone() });
            }
            Fault::Loss { node, link, percent } => self.set_loss(node, *link, *percent)?,
            Fault::Delay { node, link, millis } => self.nic_of(node, *link)?.delay_ms = *millis,
            Fault::Mtu { node, link, mtu } => self.set_mtu(node, *link, *mtu)?,
            Fault::EnableFirewall { node, on } => self.enable_firewall(node, *on)?,
            Fault::LeaveAuthkey { node, on } => self.leave_authkey(node, *on)?,
            Fault::ChangeAuthkey { node, on } => self.change_authkey(node, *on)?,
            Fault::RaiseConfigVersion { node, on } => self.raise_config_version(node, *on)?,
            Fault::ExpectVotes { node, votes } => self.expect_votes(node, *votes)?,
            Fault::PowerCycle { node } => {
                self.kill(node);
                self.start(node);
            }
            // Connections belong to the server, which is told by the lab itself.
            Fault::DropConnections { .. } => {}
            Fault::SkewClock { .. }
            | Fault::StopSshd { .. }
            | Fault::StartSshd { .. }
            | Fault::FillDisk { .. }
            | Fault::Garbage { .. }
            | Fault::HangCommands { .. }
            | Fault::BlockUdp { .. }
            | Fault::UnitStartCutOff { .. }
            | Fault::LinkFile { .. }
            | Fault::Rename { .. }
            | Fault::LoseRsaKey { .. }
            | Fault::RemoveChrony { .. }
            | Fault::RemovePackage { .. }
            | Fault::LoseRepository { .. }
            | Fault::LockPackages { .. }
            | Fault::TimeZone { .. }
            | Fault::JoinDiesAt { .. }
            | Fault::QdeviceDiesAt { .. } => self.set_switch(fault),
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
            Fault::LoseRsaKey { on: true, .. } => node.forget_rsa_key(),
            Fault::LoseRsaKey { on: false, .. } => node.write_host_keys(),
            Fault::RemoveChrony { on, .. } => node.time.chrony = if *on { Chrony::Absent } else { Chrony::Runs },
            Fault::RemovePackage { package, on, .. } => node.set_package(package, !*on),
            Fault::LoseRepository { on, .. } => node.faults.no_repository = *on,
            Fault::LockPackages { on, .. } => node.faults.packages_locked = *on,
            Fault::TimeZone { zone, .. } => zone.clone_into(&mut node.time.zone),
            Fault::StopSshd { .. } => node.faults.no_sshd = true,
            Fault::StartSshd { .. } => node.faults.no_sshd = false,
            Fault::FillDisk { on, .. } => node.files.full = *on,
            Fault::JoinDiesAt { point, .. } => node.faults.join_dies = Some(*point),
            Fault::QdeviceDiesAt { point, .. } => node.faults.qdevice_dies = Some(*point),
            Fault::UnitStartCutOff { how, .. } => node.faults.unit_start = Some(*how),
            Fault::LinkFile { path, to, .. } => node.files.move_and_link(path, to),
            Fault::Rename { hostname, .. } => {
                node.files.put("/etc/hostname", format!("{hostname}\n"), 0o644);
                hostname.clone_into(&mut node.hostname);
            }
            _ => {}
        }
    }

    pub(super) fn need_pve(&self, name: &str, fault: &'static str) -> Result<(), LabError> {
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
        self.nic_of(name, link)?.up = up;
        Ok(())
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
        if on && !node.is_on_loopback() {
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
        let content = format!("cores: 2\nmemory: 64\nname: vm{vmid}\n");
        self.pve_write(name, &format!("nodes/{host}/qemu-server/{vmid}.conf"), Some(content.into_bytes()));
        Ok(())
    }

    fn switch_qnetd(&mut self, running: bool) {
        for node in self.nodes.values_mut().filter(|node| node.kind == Kind::Qnetd) {
            node.qnetd_running = running && node.power != Power::Off;
        }
        self.qnetd_changed();
    }
}
