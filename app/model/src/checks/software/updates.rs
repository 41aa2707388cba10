//! No update of the cluster's own packages waits.
//!
//! Needs: `apt-get -s dist-upgrade`, which changes nothing.
//! Rule: corosync, its libraries, pve-cluster, pve-ha-manager or pve-manager among them warns.
//! Why: before there is a cluster an upgrade is harmless, afterwards it takes node after node.
//! Source: a rule of this console.

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

/// The beginnings of the names that count.
const OURS: [&str; 6] = ["corosync", "libcorosync", "libknet", "libqb", "libvotequorum", "pve-"];

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::Updates, node);
    let Some(waiting) = sheet.need(Source::Updates, &node.host.updates) else { return sheet.cell() };
    sheet.brief(waiting.len());
    let ours: Vec<&str> =
        waiting.iter().map(String::as_str).filter(|name| OURS.iter().any(|start| name.starts_with(start))).collect();
    if !ours.is_empty() {
        let finding = Finding::new(FindingCode::UpdatesPending).with("packages", ours.join(", "));
        sheet.blame(Verdict::Warn, finding, Source::Updates, |line| {
            line.split_whitespace().nth(1).is_some_and(|name| line.starts_with("Inst ") && ours.contains(&name))
        });
    }
    sheet.cell()
}
