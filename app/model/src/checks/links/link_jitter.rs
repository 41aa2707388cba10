//! Latency is even.
//!
//! Needs: the probe's 20 echo requests per ordered pair and shared network.
//! Rule: a mean deviation above 1 ms warns, above 3 ms fails.
//! Why: corosync's timeouts follow the usual latency; outliers look like a dead node.
//! Source: Proxmox VE, Cluster Manager ("sensitive to jitter"); the limits are ours.

use super::measured::{answered, millis, number};
use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::facts::host::Pings;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Verdict};

/// Above this warns, in microseconds.
const UNEVEN_US: u32 = 1_000;
/// Above this fails, in microseconds.
const WILD_US: u32 = 3_000;

/// What one series is worth; nothing where it passes.
pub fn rule(pings: &Pings) -> Option<(Verdict, Finding)> {
    let jitter = pings.jitter_us;
    let (verdict, limit) = if jitter > WILD_US { (Verdict::Fail, WILD_US) } else { (Verdict::Warn, UNEVEN_US) };
    let finding = || Finding::new(FindingCode::PingUneven).with("millis", number(jitter));
    (jitter > UNEVEN_US).then(|| (verdict, finding().with("limit_millis", limit / 1_000)))
}

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::LinkJitter, node);
    let mut worst = None;
    for one in answered(&mut sheet, node, scene) {
        worst = worst.max(Some(one.pings.jitter_us));
        one.ruled(&mut sheet, rule(&one.pings));
    }
    if let Some(worst) = worst {
        sheet.brief(millis(worst));
    }
    sheet.cell()
}
