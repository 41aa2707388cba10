//! The preferred link carries corosync alone.
//!
//! Needs: `ip -j route`, `ip -j addr`, `/etc/pve/storage.cfg`, the choice of links with its priorities.
//! Rule: the link with the highest priority on the interface of the default route warns, in the network of a storage
//! fails; before links are chosen, and with a single one, there is no preference.
//! Why: knet sends everything over the link with the highest priority; storage and guests there starve corosync.
//! Source: Proxmox VE, Cluster Manager, "Separate Cluster Network"; corosync.conf(5), `knet_link_priority`.

use super::link_subnets::same_network;
use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::links::LinkPlan;
use crate::preflight::probe_plan::local;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};
use std::cmp::Reverse;
use std::net::IpAddr;

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::LinkDedicated, node);
    let ready = sheet.need(Source::Addresses, &node.addresses).is_some();
    let defaults = sheet.need(Source::Routes, &node.host.default_interfaces);
    let storages = sheet.need(Source::Storage, &node.host.storages);
    let (Some(defaults), Some(storages), true) = (defaults, storages, ready) else { return sheet.cell() };
    let Some(address) = preferred(scene.links).and_then(|link| link.addresses.get(&node.node)).copied() else {
        sheet.skip(FindingCode::LinksNotChosen);
        return sheet.cell();
    };
    sheet.brief(address);
    let Some(own) = local(node, address) else {
        let waits = Finding::new(FindingCode::WaitsForOther).with("check", CheckId::LinkAddresses.as_str());
        sheet.note(Verdict::Skipped, waits);
        return sheet.cell();
    };
    if scene.links.len() > 1 && defaults.contains(&own.interface) {
        let finding = Finding::new(FindingCode::PreferredShared).with("interface", &own.interface);
        sheet.blame(Verdict::Warn, finding, Source::Routes, |line| line.contains("default"));
    }
    for storage in storages {
        let hosts = ["server", "server2", "portal", "monhost"].into_iter().filter_map(|key| storage.options.get(key));
        let servers = hosts.flat_map(|text| text.split([',', ' ', ';'])).filter_map(|text| text.parse::<IpAddr>().ok());
        for server in servers.filter(|server| same_network(*server, own.address, own.prefix)) {
            let finding = Finding::new(FindingCode::PreferredStorage).with("storage", &storage.id);
            let finding = finding.with("server", server);
            let verdict = if scene.links.len() > 1 { Verdict::Fail } else { Verdict::Warn };
            sheet.blame(verdict, finding, Source::Storage, |line| line.contains(&server.to_string()));
        }
    }
    sheet.cell()
}

/// knet takes the highest priority and, where equal, the lowest number.
fn preferred(links: &[LinkPlan]) -> Option<&LinkPlan> {
    links.iter().max_by_key(|link| (link.priority.unwrap_or(0), Reverse(link.number)))
}
