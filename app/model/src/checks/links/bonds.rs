//! Bonds suit corosync.
//!
//! Needs: `ip -d -j link`.
//! Rule: a balancing mode, slow LACP, or a bond with a single working member warns; no bond passes.
//! Why: balancing reorders packets; slow LACP needs 90 s for a dead path, longer than fencing waits.
//! Source: Proxmox VE, Cluster Manager, "Pitfalls of Network Bonds".

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::Bonds, node);
    let Some(devices) = sheet.need(Source::Interfaces, &node.host.devices) else { return sheet.cell() };
    if devices.is_empty() {
        sheet.absent();
    }
    let bonds: Vec<_> = devices.iter().filter(|one| one.kind.as_deref() == Some("bond")).collect();
    sheet.brief(bonds.len());
    for bond in bonds {
        let named = |code| Finding::new(code).with("bond", &bond.name);
        let guilty = |line: &str| line.contains(&bond.name);
        match bond.bond_mode.as_deref() {
            None => sheet.absent(),
            Some(mode) if mode.starts_with("balance-") => {
                sheet.blame(
                    Verdict::Warn,
                    named(FindingCode::BondBalances).with("mode", mode),
                    Source::Interfaces,
                    guilty,
                );
            }
            Some("802.3ad") if bond.lacp_rate.as_deref() == Some("slow") => {
                sheet.blame(Verdict::Warn, named(FindingCode::BondSlowLacp), Source::Interfaces, guilty);
            }
            Some(_) => {}
        }
        let members = devices.iter().filter(|one| one.master.as_ref() == Some(&bond.name));
        let working = members.filter(|one| one.member_up.unwrap_or(one.up)).count();
        if working < 2 {
            sheet.blame(Verdict::Warn, named(FindingCode::BondSingle), Source::Interfaces, guilty);
        }
    }
    sheet.cell()
}
