//! The node's own name leads to one of the chosen links.
//!
//! Needs: `getent ahosts` of the name, `ip -j addr`, the choice of links.
//! Rule: another address warns; before links are chosen there is nothing to compare.
//! Why: Proxmox VE uses the address behind the name for migration, SSH and the API; it may lie elsewhere, on purpose.
//! Source: Proxmox VE, Cluster Manager, "Corosync Addresses".

use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::preflight::probe_plan::own_address;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::HostLink, node);
    let resolved = sheet.need(Source::Resolve, &node.resolves_to);
    let addresses = sheet.need(Source::Addresses, &node.addresses);
    if resolved.is_none() || addresses.is_none() {
        return sheet.cell();
    }
    let own: Vec<_> = scene.links.iter().filter_map(|link| link.addresses.get(&node.node)).collect();
    let Some(address) = own_address(node) else {
        let waits = Finding::new(FindingCode::WaitsForOther).with("check", CheckId::HostNames.as_str());
        sheet.note(Verdict::Skipped, waits);
        return sheet.cell();
    };
    sheet.brief(address);
    if own.is_empty() {
        sheet.skip(FindingCode::LinksNotChosen);
    } else if !own.contains(&&address) {
        let name = node.host_name.clone().unwrap_or_default();
        let text = address.to_string();
        let finding = Finding::new(FindingCode::NameNotOnLink).with("name", name).with("address", &text);
        sheet.blame(Verdict::Warn, finding, Source::Resolve, |line| line.contains(&text));
    }
    sheet.cell()
}
