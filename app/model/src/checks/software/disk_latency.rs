//! Nothing waits long for disks.
//!
//! Needs: `/proc/pressure/io`.
//! Rule: more than 10 % of the last minute in which everything waited warns.
//! Why: a machine whose disks stall does not schedule corosync in time ("main process was not scheduled").
//! Source: the kernel's PSI documentation; the limit is ours.

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

/// More than this warns, in hundredths of a percent.
const STALLED_WARN: u32 = 1_000;

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::DiskLatency, node);
    let Some(stalled) = sheet.need(Source::IoPressure, &node.host.io_stalled) else { return sheet.cell() };
    let percent = format!("{}.{:02}", stalled / 100, stalled % 100);
    sheet.brief(format!("{percent} %"));
    if *stalled > STALLED_WARN {
        let finding = Finding::new(FindingCode::IoStalls).with("percent", percent);
        sheet.blame(Verdict::Warn, finding, Source::IoPressure, |line| line.starts_with("full"));
    }
    sheet.cell()
}
