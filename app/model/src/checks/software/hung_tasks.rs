//! No task has hung since the machine started.
//!
//! Needs: the kernel's journal of this boot, searched for the words of its hung task detector.
//! Rule: any such line warns.
//! Why: what hangs a task for two minutes, mostly a disk or a storage that has gone, keeps corosync and the watchdog waiting too.
//! Source: the kernel's documentation, hung_task_timeout_secs; the rule is ours.

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::HungTasks, node);
    let Some(count) = sheet.need(Source::KernelLog, &node.host.hung_tasks) else { return sheet.cell() };
    sheet.brief(count);
    if *count > 0 {
        let finding = Finding::new(FindingCode::TasksHung).with("count", count);
        sheet.blame(Verdict::Warn, finding, Source::KernelLog, |line| !line.is_empty());
    }
    sheet.cell()
}
