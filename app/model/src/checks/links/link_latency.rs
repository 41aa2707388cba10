//! Packets arrive in time between any two nodes.
//!
//! Needs: the probe's 20 echo requests per ordered pair and shared network.
//! Rule: up to 2 ms on average passes, up to 5 ms warns, above fails with more than three nodes; with up to three, up to
//! 10 ms warns and above fails. A single one above 10 ms warns.
//! Why: the token passes all nodes one after the other, so latencies add up.
//! Source: Proxmox VE, Cluster Manager, "Cluster Network" (below 5 ms; above 10 ms with more than three nodes unlikely).

use super::measured::{answered, millis, number};
use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::facts::host::Pings;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Verdict};

/// Passes up to here, in microseconds.
pub const GOOD_US: u32 = 2_000;
/// Fails above with more than [`FEW_NODES`], in microseconds.
pub const HIGH_US: u32 = 5_000;
/// Fails above with few nodes, and a single packet above warns, in microseconds.
pub const HIGHEST_US: u32 = 10_000;
/// So many nodes bear more.
const FEW_NODES: usize = 3;

/// What one series is worth in a cluster of so many nodes; nothing where it passes.
pub fn rule(pings: &Pings, nodes: usize) -> Option<(Verdict, Finding)> {
    let bearable = if nodes > FEW_NODES { HIGH_US } else { HIGHEST_US };
    let average = pings.avg_us;
    if average > GOOD_US {
        let (verdict, limit) = if average > bearable { (Verdict::Fail, bearable) } else { (Verdict::Warn, GOOD_US) };
        let finding = Finding::new(FindingCode::PingSlow).with("millis", number(average));
        return Some((verdict, finding.with("limit_millis", limit / 1_000)));
    }
    (pings.max_us > HIGHEST_US).then(|| {
        let finding = Finding::new(FindingCode::PingPeak).with("millis", pings.max_us / 1_000);
        (Verdict::Warn, finding.with("limit_millis", HIGHEST_US / 1_000))
    })
}

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::LinkLatency, node);
    let mut worst = None;
    for one in answered(&mut sheet, node, scene) {
        worst = worst.max(Some(one.pings.avg_us));
        one.ruled(&mut sheet, rule(&one.pings, scene.nodes.len()));
    }
    if let Some(worst) = worst {
        sheet.brief(millis(worst));
    }
    sheet.cell()
}
