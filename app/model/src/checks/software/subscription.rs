//! All nodes have the same kind of subscription.
//!
//! Needs: `pvesubscription get` of every node.
//! Rule: always passes; a difference is told.
//! Why: support counts for a cluster as a whole; nothing technical depends on it.
//! Source: Proxmox VE, Package Repositories.

use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::Subscription, node);
    let Some(own) = sheet.need(Source::Subscription, &node.host.subscription) else { return sheet.cell() };
    sheet.brief(own);
    if let Some(peer) = scene.other(&mut sheet, node, own, |peer| &peer.host.subscription) {
        let other = peer.host.subscription.clone().unwrap_or_default();
        let finding = Finding::new(FindingCode::SubscriptionsMixed).with("status", own).with("other", other);
        sheet.blame(Verdict::Pass, finding.with("peer", &peer.label), Source::Subscription, |line| {
            line.starts_with("status")
        });
    }
    sheet.cell()
}
