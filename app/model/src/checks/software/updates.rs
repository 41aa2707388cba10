//! No update of the cluster's own packages waits.
//!
//! Needs: `apt-cache policy` of everything that has a newer version to go to, which changes and locks nothing.
//! Rule: corosync, its libraries, pve-cluster, pve-ha-manager or pve-manager among them warns, also where it is held back.
//! Why: before there is a cluster an upgrade is harmless, afterwards it takes node after node.
//! Source: a rule of this console.

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

/// The beginnings of the names that count.
pub const CLUSTER_PACKAGES: [&str; 6] = ["corosync", "libcorosync", "libknet", "libqb", "libvotequorum", "pve-"];

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::Updates, node);
    let Some(waiting) = sheet.need(Source::Updates, &node.host.updates) else { return sheet.cell() };
    sheet.brief(waiting.len());
    let counts = |name: &&str| CLUSTER_PACKAGES.iter().any(|start| name.starts_with(start));
    let ours: Vec<&str> = waiting.iter().map(String::as_str).filter(counts).collect();
    if !ours.is_empty() {
        let finding = Finding::new(FindingCode::UpdatesPending).with("packages", ours.join(", "));
        sheet.blame(Verdict::Warn, finding, Source::Updates, |line| {
            line.strip_suffix(':').is_some_and(|name| ours.contains(&name))
        });
    }
    sheet.cell()
}
