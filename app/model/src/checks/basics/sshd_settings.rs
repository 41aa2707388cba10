//! sshd listens where Proxmox VE expects it, and lets root in.
//!
//! Needs: `sshd -T`.
//! Rule: another port than 22, or `PermitRootLogin no`, warns; with keys `prohibit-password` is enough.
//! Why: Proxmox VE's own SSH between nodes always goes to port 22 as root.
//! Source: `setup_sshd_config` of pve-cluster.

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

const PORT_EXPECTED: &str = "22";

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::SshdSettings, node);
    let Some(settings) = sheet.need(Source::Sshd, &node.host.sshd) else { return sheet.cell() };
    let (Some(port), Some(root)) = (settings.get("port"), settings.get("permitrootlogin")) else {
        sheet.absent();
        return sheet.cell();
    };
    sheet.brief(root);
    if port != PORT_EXPECTED {
        let finding = Finding::new(FindingCode::SshdPort).with("port", port);
        sheet.blame(Verdict::Warn, finding, Source::Sshd, |line| line.starts_with("port "));
    }
    if root == "no" {
        let finding = Finding::new(FindingCode::RootLoginForbidden);
        sheet.blame(Verdict::Warn, finding, Source::Sshd, |line| line.starts_with("permitrootlogin "));
    }
    sheet.cell()
}
