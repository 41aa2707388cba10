//! The addresses that links will use are the node's own and do not change.
//!
//! Needs: `ip -j addr` of every node, the choice of links.
//! Rule: a chosen address that is not local fails; so does a learned one (DHCP, SLAAC).
//! Why: `pvecm create` takes an address that the node does not have, and corosync then never comes up; corosync does
//! not follow an address that changes.
//! Source: recorded on Proxmox VE 9.2; Proxmox VE, Cluster Manager, "static IP address"; the rule on DHCP is ours.

use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::preflight::probe_plan::local;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::LinkAddresses, node);
    if sheet.need(Source::Addresses, &node.addresses).is_none() {
        return sheet.cell();
    }
    let chosen: Vec<_> = scene.links.iter().filter_map(|link| link.addresses.get(&node.node)).copied().collect();
    let own = if chosen.is_empty() { scene.ways(node).iter().map(|way| way.own).collect() } else { chosen };
    if own.is_empty() {
        sheet.skip(FindingCode::NoSharedNetwork);
    }
    sheet.brief(own.len());
    for address in own {
        let text = address.to_string();
        match local(node, address).filter(|one| one.global) {
            None => sheet.note(Verdict::Fail, Finding::new(FindingCode::LinkNotOwn).with("address", text)),
            Some(one) if one.dynamic => {
                let finding = Finding::new(FindingCode::LinkLearned).with("address", &text);
                let finding = finding.with("interface", &one.interface);
                sheet.blame(Verdict::Fail, finding, Source::Addresses, |line| line.contains(&text));
            }
            Some(_) => {}
        }
    }
    sheet.cell()
}
