//! Nothing of an older corosync lies in its state folder.
//!
//! Needs: `ls -1a /var/lib/corosync`.
//! Rule: any file warns.
//! Why: an old ring id, or the tracking of expected votes, can disturb the first membership.
//! Source: Proxmox VE, Cluster Manager, "Separate a Node Without Reinstalling".

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::CorosyncState, node);
    let Some(files) = sheet.need(Source::CorosyncState, &node.host.corosync_state) else { return sheet.cell() };
    sheet.brief(files.len());
    if !files.is_empty() {
        let finding = Finding::new(FindingCode::CorosyncLeftovers).with("files", files.join(", "));
        sheet.blame(Verdict::Warn, finding, Source::CorosyncState, |line| files.iter().any(|file| file == line.trim()));
    }
    sheet.cell()
}
