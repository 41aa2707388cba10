//! Two links go through different cards.
//!
//! Needs: `ip -d -j link` (bridges, bonds, VLANs, bus addresses), `ip -j addr`, the choice of links.
//! Rule: the same card behind two links fails where links are chosen and warns before; two ports of one card warn;
//! a single network warns; virtual cards cannot be told apart, which is said.
//! Why: what shares a card, a cable or a switch fails together.
//! Source: Proxmox VE, Cluster Manager, "Corosync Redundancy".

use super::hardware::{below, slot};
use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::facts::host::Device;
use crate::preflight::probe_plan::local;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};
use std::net::IpAddr;

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::LinkRedundancy, node);
    let ready = sheet.need(Source::Addresses, &node.addresses).is_some();
    let Some(devices) = sheet.need(Source::Interfaces, &node.host.devices).filter(|_| ready) else {
        return sheet.cell();
    };
    let chosen: Vec<IpAddr> = scene.links.iter().filter_map(|link| link.addresses.get(&node.node)).copied().collect();
    let shared = if chosen.is_empty() { Verdict::Warn } else { Verdict::Fail };
    let own = if chosen.is_empty() { scene.ways(node).iter().map(|way| way.own).collect() } else { chosen };
    sheet.brief(own.len());
    match own.len() {
        0 => sheet.skip(FindingCode::NoSharedNetwork),
        1 => sheet.note(Verdict::Warn, Finding::new(FindingCode::OneLink)),
        _ => {}
    }
    let names: Vec<&str> = own.iter().filter_map(|one| local(node, *one)).map(|one| one.interface.as_str()).collect();
    for (at, first) in names.iter().enumerate() {
        for second in names.iter().skip(at + 1) {
            compare(&mut sheet, devices, first, second, shared);
        }
    }
    sheet.cell()
}

fn compare(sheet: &mut Sheet<'_>, devices: &[Device], first: &str, second: &str, shared: Verdict) {
    let (one, other) = (below(devices, first), below(devices, second));
    let pair = |code| Finding::new(code).with("first", first).with("second", second);
    // A bond survives with the card that the other one does not use.
    if one.is_subset(&other) || other.is_subset(&one) {
        let card = one.intersection(&other).copied().collect::<Vec<_>>().join(", ");
        sheet.blame(shared, pair(FindingCode::SameCard).with("device", &card), Source::Interfaces, |line| {
            line.contains(&card)
        });
        return;
    }
    let bus =
        |card: &&str| devices.iter().find(|device| device.name == **card).and_then(|device| device.bus.as_deref());
    let slots: Vec<Option<&str>> = one.iter().chain(&other).map(|card| bus(card).map(slot)).collect();
    match slots.iter().copied().collect::<Option<Vec<&str>>>() {
        None => sheet.skip(FindingCode::HardwareUnknown),
        Some(slots) => {
            if let Some(first) = slots.first().filter(|first| slots.iter().all(|slot| slot == *first)) {
                sheet.note(Verdict::Warn, pair(FindingCode::SameSlot).with("slot", first));
            }
        }
    }
}
