//! Nothing else has the name that the cluster is to have.
//!
//! Needs: `getent ahosts NAME`.
//! Rule: a name that some resolver leads to an address warns. That no other cluster of this console has it, and that it has at
//! most 15 characters, is seen to when the draft is made.
//! Why: the name cannot be changed later, and who finds it in logs, backups and monitoring takes it for the other thing.
//! Source: Proxmox VE, Cluster Manager, "Create a Cluster": a unique name, which follows the rules of node names.

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::ClusterName, node);
    let Some(found) = sheet.need(Source::ClusterName, &node.host.cluster_name) else { return sheet.cell() };
    sheet.brief(&found.name);
    if let Some(address) = found.addresses.first() {
        let finding = Finding::new(FindingCode::ClusterNameAnswers).with("name", &found.name).with("address", address);
        let shown = address.to_string();
        sheet.blame(Verdict::Warn, finding, Source::ClusterName, |line| line.contains(&shown));
    }
    sheet.cell()
}
