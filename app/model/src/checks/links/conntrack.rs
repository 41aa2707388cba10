//! There is room in the table of connections.
//!
//! Needs: `sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max`.
//! Rule: more than 70 % warns, more than 95 % fails; where the kernel tracks nothing, that is said.
//! Why: a full table drops new packets, corosync's among them.
//! Source: the kernel's nf_conntrack-sysctl; the limits are ours.

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

const COUNT: &str = "net.netfilter.nf_conntrack_count";
const MOST: &str = "net.netfilter.nf_conntrack_max";
/// Fuller than this warns, in percent.
const FULL_WARN_PERCENT: i64 = 70;
/// Fuller than this fails, in percent.
const FULL_FAIL_PERCENT: i64 = 95;

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::Conntrack, node);
    let Some(settings) = sheet.need(Source::Settings, &node.host.settings) else { return sheet.cell() };
    let (Some(count), Some(most)) = (settings.get(COUNT), settings.get(MOST).filter(|most| **most > 0)) else {
        sheet.skip(FindingCode::ConntrackOff);
        return sheet.cell();
    };
    let percent = count.saturating_mul(100) / most;
    sheet.brief(format!("{percent} %"));
    if percent > FULL_WARN_PERCENT {
        let verdict = if percent > FULL_FAIL_PERCENT { Verdict::Fail } else { Verdict::Warn };
        let finding = Finding::new(FindingCode::ConntrackFull).with("percent", percent);
        sheet.blame(verdict, finding, Source::Settings, |line| line.contains("conntrack"));
    }
    sheet.cell()
}
