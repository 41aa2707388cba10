//! Proxmox VE's own services run.
//!
//! Needs: `systemctl is-active` of pve-cluster, pveproxy, pvedaemon and pvestatd.
//! Rule: any other state than `active` fails.
//! Why: a join asks them, and the other nodes' web interface shows nothing of a node without them.
//! Source: `pvecm` of pve-cluster; Proxmox VE, Service Daemons.

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

const WANTED: [&str; 4] = ["pve-cluster", "pveproxy", "pvedaemon", "pvestatd"];

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::Services, node);
    let Some(services) = sheet.need(Source::Services, &node.host.services) else { return sheet.cell() };
    let mut running = 0;
    for unit in WANTED {
        match services.get(unit).map(String::as_str) {
            Some("active") => running += 1,
            Some(state) => {
                let finding = Finding::new(FindingCode::ServiceDown).with("service", unit).with("state", state);
                let start = format!("{unit} ");
                sheet.blame(Verdict::Fail, finding, Source::Services, |line| line.starts_with(&start));
            }
            None => sheet.absent(),
        }
    }
    sheet.brief(format!("{running}/{}", WANTED.len()));
    sheet.cell()
}
