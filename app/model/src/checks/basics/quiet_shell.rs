//! A log-in without a terminal prints nothing of its own.
//!
//! Needs: one word printed through the log-in's shell, in a channel of its own.
//! Rule: anything else beside that word warns.
//! Why: what `.bashrc` prints gets into the data of migrations and replication, and breaks them.
//! Source: Proxmox VE, Cluster Manager, "Role of SSH", pitfalls.

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::QuietShell, node);
    let Some(noise) = sheet.need(Source::QuietShell, &node.host.shell_noise) else { return sheet.cell() };
    sheet.brief(noise.len());
    if let Some(line) = noise.first() {
        let finding = Finding::new(FindingCode::ShellTalks).with("line", line);
        sheet.blame(Verdict::Warn, finding, Source::QuietShell, |own| noise.iter().any(|line| own.contains(line)));
    }
    sheet.cell()
}
