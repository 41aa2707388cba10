//! `/etc/pve/nodes` has one folder, of the node's own name.
//!
//! Needs: `ls -1a /etc/pve/nodes`, `hostname`.
//! Rule: a missing own folder or another one fails.
//! Why: a node that was renamed has its guests in a folder that nobody reads any more; joining loses them for good.
//! Source: Proxmox VE, Cluster Manager, "make sure that each node is installed with the final hostname".

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::RenamedNode, node);
    let name = sheet.need(Source::HostName, &node.host_name);
    let folders = sheet.need(Source::PveNodes, &node.host.pve_nodes);
    let (Some(name), Some(folders)) = (name, folders) else { return sheet.cell() };
    sheet.brief(folders.len());
    if !folders.contains(name) {
        let finding = Finding::new(FindingCode::OwnFolderMissing).with("name", name);
        sheet.blame(Verdict::Fail, finding, Source::PveNodes, |line| !line.trim().is_empty());
    }
    let others: Vec<&str> = folders.iter().map(String::as_str).filter(|folder| folder != name).collect();
    if !others.is_empty() {
        let finding = Finding::new(FindingCode::ForeignNodeFolder).with("folders", others.join(", "));
        sheet.blame(Verdict::Fail, finding, Source::PveNodes, |line| others.contains(&line.trim()));
    }
    sheet.cell()
}
