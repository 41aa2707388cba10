//! Two links end in different switches.
//!
//! Needs: `lldpctl`, where lldpd is installed; `ip -d -j link`, `ip -j addr`, the choice of links.
//! Rule: two links whose cards see one and the same switch warn; where a card sees no switch nothing is told.
//! Why: the switch is what two links through different cards still share, and the whole cluster with them.
//! Source: Proxmox VE, Cluster Manager, "Corosync Redundancy"; IEEE 802.1AB.

use super::hardware::below;
use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::facts::host::{Device, SwitchSeen};
use crate::preflight::probe_plan::local;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};
use std::collections::BTreeSet;
use std::net::IpAddr;

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::LinkSwitches, node);
    let ready = sheet.need(Source::Addresses, &node.addresses).is_some();
    let devices = sheet.need(Source::Interfaces, &node.host.devices);
    let switches = sheet.need(Source::Lldp, &node.host.switches);
    let (Some(devices), Some(switches), true) = (devices, switches, ready) else { return sheet.cell() };
    let chosen: Vec<IpAddr> = scene.links.iter().filter_map(|link| link.addresses.get(&node.node)).copied().collect();
    let own = if chosen.is_empty() { scene.ways(node).iter().map(|way| way.own).collect() } else { chosen };
    let names: Vec<&str> = own.iter().filter_map(|one| local(node, *one)).map(|one| one.interface.as_str()).collect();
    if names.is_empty() {
        sheet.skip(FindingCode::NoSharedNetwork);
        return sheet.cell();
    }
    sheet.brief(names.iter().flat_map(|name| seen(devices, switches, name)).collect::<BTreeSet<_>>().len());
    for (at, first) in names.iter().enumerate() {
        for second in names.iter().skip(at + 1) {
            compare(&mut sheet, (devices, switches), first, second);
        }
    }
    sheet.cell()
}

/// The switches that the cards below an interface see.
fn seen<'a>(devices: &[Device], switches: &'a [SwitchSeen], name: &str) -> BTreeSet<&'a str> {
    let cards = below(devices, name);
    switches.iter().filter(|one| cards.contains(one.interface.as_str())).map(|one| one.chassis.as_str()).collect()
}

fn compare(sheet: &mut Sheet<'_>, (devices, switches): (&[Device], &[SwitchSeen]), first: &str, second: &str) {
    let (one, other) = (seen(devices, switches, first), seen(devices, switches, second));
    if one.is_empty() || other.is_empty() {
        sheet.skip(FindingCode::SwitchUnknown);
    } else if let (true, Some(chassis)) = (one == other && one.len() == 1, one.first()) {
        let named = switches.iter().find(|one| one.chassis == *chassis).and_then(|one| one.name.clone());
        let switch = named.unwrap_or_else(|| (*chassis).to_owned());
        let finding = Finding::new(FindingCode::SameSwitch).with("first", first).with("second", second);
        sheet.blame(Verdict::Warn, finding.with("switch", switch), Source::Lldp, |line| line.contains(chassis));
    }
}
