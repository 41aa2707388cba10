//! Commands do not run inside `/etc/pve`.
//!
//! Needs: `pwd` in the console's shell.
//! Rule: a folder below `/etc/pve` fails.
//! Why: `pvecm` refuses ("Navigate out of /etc/pve ..."), because it takes that file system away and back.
//! Source: `pvecm` of pve-cluster.

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

const FORBIDDEN: &str = "/etc/pve";

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::WorkingFolder, node);
    let Some(folder) = sheet.need(Source::Folder, &node.host.folder) else { return sheet.cell() };
    sheet.brief(folder);
    let inside = folder.strip_prefix(FORBIDDEN).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if inside {
        let finding = Finding::new(FindingCode::InsidePve).with("folder", folder);
        sheet.blame(Verdict::Fail, finding, Source::Folder, |line| line.starts_with(FORBIDDEN));
    }
    sheet.cell()
}
