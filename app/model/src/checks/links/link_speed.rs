//! The links' cards run at one gigabit or more, full duplex.
//!
//! Needs: speed and duplex in `/sys/class/net`, `ip -d -j link`, `ip -j addr`.
//! Rule: less than 1000 Mbit/s or half duplex warns; virtual cards do not tell, which is said.
//! Why: a card that negotiated less usually has a bad cable or port.
//! Source: Proxmox VE, Cluster Manager, "Cluster Network".

use super::hardware::below;
use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::preflight::probe_plan::local;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};
use std::collections::BTreeSet;

/// Less than this warns, in Mbit/s.
const GIGABIT: u32 = 1_000;

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::LinkSpeed, node);
    let ready = sheet.need(Source::Addresses, &node.addresses).is_some();
    let devices = sheet.need(Source::Interfaces, &node.host.devices);
    let speeds = sheet.need(Source::Speeds, &node.host.speeds);
    let (Some(devices), Some(speeds), true) = (devices, speeds, ready) else { return sheet.cell() };
    let ways = scene.ways(node);
    if ways.is_empty() {
        sheet.skip(FindingCode::NoSharedNetwork);
        return sheet.cell();
    }
    let interfaces = ways.iter().filter_map(|way| local(node, way.own)).map(|one| one.interface.as_str());
    let cards: BTreeSet<&str> = interfaces.flat_map(|name| below(devices, name)).collect();
    let known: Vec<_> = cards.iter().filter_map(|card| speeds.get(*card).map(|speed| (*card, speed))).collect();
    if known.is_empty() {
        sheet.absent();
    } else if known.iter().all(|(_, speed)| speed.megabits.is_none()) {
        sheet.skip(FindingCode::SpeedUnknown);
    }
    for (card, speed) in &known {
        let proof = format!("/{card}/");
        if let Some(megabits) = speed.megabits.filter(|speed| *speed < GIGABIT) {
            let finding = Finding::new(FindingCode::CardSlow).with("interface", card).with("megabits", megabits);
            sheet.blame(Verdict::Warn, finding, Source::Speeds, |line| line.contains(&proof));
        }
        if speed.full_duplex == Some(false) {
            let finding = Finding::new(FindingCode::HalfDuplex).with("interface", card);
            sheet.blame(Verdict::Warn, finding, Source::Speeds, |line| line.contains(&proof));
        }
    }
    if let Some(least) = known.iter().filter_map(|(_, speed)| speed.megabits).min() {
        sheet.brief(format!("{least} Mbit/s"));
    }
    sheet.cell()
}
