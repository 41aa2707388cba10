//! No packet is lost between any two nodes.
//!
//! Needs: the probe's 20 echo requests per ordered pair and shared network.
//! Rule: one lost warns, more fail; a network that shall not carry corosync only warns.
//! Why: corosync repeats what was lost, and the whole cluster waits meanwhile.
//! Source: Proxmox VE, Cluster Manager, "Cluster Network".

use super::measured::series;
use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::facts::host::Pings;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Verdict};

/// So many lost ones only warn.
const LOST_WARN: u32 = 1;

/// What one series is worth; nothing where everything came back.
pub fn rule(pings: &Pings) -> Option<(Verdict, Finding)> {
    let lost = pings.sent.saturating_sub(pings.received);
    let verdict = if lost <= LOST_WARN { Verdict::Warn } else { Verdict::Fail };
    let finding = || Finding::new(FindingCode::PingLost).with("received", pings.received).with("sent", pings.sent);
    (lost > 0).then(|| (verdict, finding()))
}

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::LinkLoss, node);
    let (mut sent, mut received) = (0, 0);
    for one in series(&mut sheet, node, scene) {
        sent += one.pings.sent;
        received += one.pings.received;
        one.ruled(&mut sheet, rule(&one.pings));
    }
    sheet.brief(format!("{received}/{sent}"));
    sheet.cell()
}
