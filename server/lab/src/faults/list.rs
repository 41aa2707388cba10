//! Every switch that there is, for a panel.

use super::network::{MTU, MTU_SMALL};
use super::{Fault, FaultInfo};
use crate::cluster::corosync::{AUTHKEY_FILE, CONFIG_FILE};
use crate::node::keys::HOST_RSA_KEY;
use crate::node::time::{Chrony, OTHER_ZONE, ZONE};
use crate::node::{Kind, Node, Power};
use crate::world::World;

/// What the panel's switch loses: enough to be felt, too little to take a link down.
const LOSS_PERCENT: u8 = 20;
/// What the panel's switch adds to the way there and back, in milliseconds: more than even a small cluster bears.
const DELAY_MS: u16 = 12;

impl World {
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
            self.list_networks(node, &mut add);
            let stopped = node.files.exists(CONFIG_FILE) && !node.corosync.running;
            let switch = match stopped {
                true => Fault::StartCorosync { node: name() },
                false => Fault::StopCorosync { node: name() },
            };
            add("stop-corosync", "", stopped, switch);
            list_services(node, &mut add);
            let broken = node.is_on_loopback();
            add("break-hosts", "", broken, Fault::BreakHosts { node: name(), on: !broken });
            list_unprepared(node, &mut add);
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

    /// What can happen to each link of a node.
    fn list_networks(&self, node: &Node, add: &mut impl FnMut(&'static str, &str, bool, Fault)) {
        let name = || node.name.clone();
        for link in 0..u8::try_from(node.nics.len()).unwrap_or(0) {
            let Some(nic) = self.card_of(&node.name, link).and_then(|at| node.nics.get(at)) else { continue };
            let suffix = format!("/{link}");
            let switch = match nic.up {
                false => Fault::RestoreLink { node: name(), link },
                true => Fault::CutLink { node: name(), link },
            };
            add("cut-link", &suffix, !nic.up, switch);
            add("cut-one-way", &suffix, nic.deaf, Fault::CutOneWay { node: name(), link, on: !nic.deaf });
            let switch = Fault::CutOneWayIn { node: name(), link, on: !nic.unheard };
            add("cut-one-way-in", &suffix, nic.unheard, switch);
            let lossy = nic.loss_percent > 0;
            let percent = if lossy { 0 } else { LOSS_PERCENT };
            add("loss", &suffix, lossy, Fault::Loss { node: name(), link, percent });
            let slow = nic.delay_ms > 0;
            let millis = if slow { 0 } else { DELAY_MS };
            add("delay", &suffix, slow, Fault::Delay { node: name(), link, millis });
            let small = nic.mtu < MTU;
            add("mtu", &suffix, small, Fault::Mtu { node: name(), link, mtu: if small { MTU } else { MTU_SMALL } });
        }
    }
}

/// What can happen to the services of a node.
fn list_services(node: &Node, add: &mut impl FnMut(&'static str, &str, bool, Fault)) {
    let name = || node.name.clone();
    let faults = &node.faults;
    let sshd = match faults.no_sshd {
        true => Fault::StartSshd { node: name() },
        false => Fault::StopSshd { node: name() },
    };
    add("stop-sshd", "", faults.no_sshd, sshd);
    add("fill-disk", "", node.files.full, Fault::FillDisk { node: name(), on: !node.files.full });
    add("power-cycle", "", false, Fault::PowerCycle { node: name() });
    if !node.files.exists(CONFIG_FILE) {
        return;
    }
    let other = faults.good_authkey.is_some();
    add("change-authkey", "", other, Fault::ChangeAuthkey { node: name(), on: !other });
    let raised = faults.good_config.is_some();
    add("raise-config-version", "", raised, Fault::RaiseConfigVersion { node: name(), on: !raised });
    let corosync = &node.corosync;
    let lowered = corosync.running && corosync.expected < corosync.config.expected();
    let votes = if lowered { corosync.config.expected() } else { 1 };
    // corosync refuses it where the votes are there.
    if !lowered && (corosync.quorate || !corosync.running) {
        return;
    }
    add("expect-votes", "", lowered, Fault::ExpectVotes { node: name(), votes });
}

/// What a machine may lack before it joins, and the console can mend.
fn list_unprepared(node: &Node, add: &mut impl FnMut(&'static str, &str, bool, Fault)) {
    let name = || node.name.clone();
    if !node.files.exists(CONFIG_FILE) {
        let left = node.files.exists(AUTHKEY_FILE);
        add("leave-authkey", "", left, Fault::LeaveAuthkey { node: name(), on: !left });
    }
    let enabled = node.has_firewall();
    add("enable-firewall", "", enabled, Fault::EnableFirewall { node: name(), on: !enabled });
    let none = !node.files.exists(HOST_RSA_KEY);
    add("lose-rsa-key", "", none, Fault::LoseRsaKey { node: name(), on: !none });
    let bare = node.time.chrony == Chrony::Absent;
    add("remove-chrony", "", bare, Fault::RemoveChrony { node: name(), on: !bare });
    let other = node.time.zone != ZONE;
    let zone = if other { ZONE } else { OTHER_ZONE };
    add("time-zone", "", other, Fault::TimeZone { node: name(), zone: zone.to_owned() });
}
