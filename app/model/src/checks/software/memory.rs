//! There is memory left.
//!
//! Needs: `/proc/meminfo`.
//! Rule: less than 1 GiB available warns.
//! Why: corosync locks its memory and needs it at once; a machine that swaps stalls.
//! Source: a rule of this console.

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

/// Less than this warns, in MiB.
const AVAILABLE_WARN_MIB: u64 = 1_024;
const KIB_PER_MIB: u64 = 1_024;

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::Memory, node);
    let Some(memory) = sheet.need(Source::Memory, &node.host.memory) else { return sheet.cell() };
    let mebibytes = memory.available_kib / KIB_PER_MIB;
    sheet.brief(format!("{mebibytes} MiB"));
    if mebibytes < AVAILABLE_WARN_MIB {
        let finding = Finding::new(FindingCode::MemoryLow).with("mebibytes", mebibytes);
        sheet.blame(Verdict::Warn, finding, Source::Memory, |line| line.starts_with("MemAvailable"));
    }
    sheet.cell()
}
