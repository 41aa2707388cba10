//! No packet is lost between any two nodes.
//!
//! Needs: the probe's 20 echo requests per ordered pair and shared network.
//! Rule: one lost warns, more fail; a network that shall not carry corosync only warns.
//! Why: corosync repeats what was lost, and the whole cluster waits meanwhile.
//! Source: Proxmox VE, Cluster Manager, "Cluster Network".

use super::measured::series;
use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, FindingCode, NodeEvidence, Verdict};

/// So many lost ones only warn.
const LOST_WARN: u32 = 1;

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::LinkLoss, node);
    let (mut sent, mut received) = (0, 0);
    for one in series(&mut sheet, node, scene) {
        sent += one.pings.sent;
        received += one.pings.received;
        let lost = one.pings.sent.saturating_sub(one.pings.received);
        if lost > 0 {
            let verdict = if lost <= LOST_WARN { Verdict::Warn } else { one.weight };
            let finding = one.finding(FindingCode::PingLost).with("received", one.pings.received);
            one.blame(&mut sheet, verdict, finding.with("sent", one.pings.sent));
        }
    }
    sheet.brief(format!("{received}/{sent}"));
    sheet.cell()
}
