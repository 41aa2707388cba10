//! No software that changes network and firewall behind Proxmox VE's back.
//!
//! Needs: `dpkg-query`.
//! Rule: Docker, ufw, firewalld or NetworkManager installed warns.
//! Why: they bring firewall rules and interfaces that Proxmox VE knows nothing of.
//! Source: a rule of this console.

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

const IN_THE_WAY: [&str; 5] = ["docker.io", "docker-ce", "ufw", "firewalld", "network-manager"];

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::ForeignSoftware, node);
    let Some(packages) = sheet.need(Source::Packages, &node.host.packages) else { return sheet.cell() };
    let found: Vec<&str> = IN_THE_WAY.into_iter().filter(|name| packages.contains_key(*name)).collect();
    sheet.brief(found.len());
    if !found.is_empty() {
        let finding = Finding::new(FindingCode::SoftwareInTheWay).with("packages", found.join(", "));
        sheet.blame(Verdict::Warn, finding, Source::Packages, |line| {
            line.split_whitespace().next().is_some_and(|name| found.contains(&name))
        });
    }
    sheet.cell()
}
