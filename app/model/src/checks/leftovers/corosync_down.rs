//! corosync does not run before there is a cluster.
//!
//! Needs: `systemctl is-active corosync`.
//! Rule: `active` fails.
//! Why: `pvecm` refuses ("corosync is already running, is this node already in a cluster?").
//! Source: `assert_joinable` of pve-cluster.

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::CorosyncDown, node);
    let Some(services) = sheet.need(Source::Services, &node.host.services) else { return sheet.cell() };
    match services.get("corosync").map(String::as_str) {
        None => sheet.absent(),
        Some(state @ ("active" | "activating" | "reloading")) => {
            sheet.brief(state);
            let finding = Finding::new(FindingCode::CorosyncRuns);
            sheet.blame(Verdict::Fail, finding, Source::Services, |line| line.starts_with("corosync "));
        }
        Some(state) => sheet.brief(state),
    }
    sheet.cell()
}
