//! All nodes have one time zone.
//!
//! Needs: `timedatectl show` of every node.
//! Rule: another zone than the first node's warns.
//! Why: logs of several nodes are read side by side, and backup schedules follow the local time.
//! Source: a rule of this console.

use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::TimeZone, node);
    let Some(own) = sheet.need(Source::TimeSync, &node.time_sync) else { return sheet.cell() };
    let Some(zone) = &own.timezone else {
        sheet.absent();
        return sheet.cell();
    };
    sheet.brief(zone);
    let known = |peer: &&NodeEvidence| peer.time_sync.as_ref().is_ok_and(|one| one.timezone.is_some());
    if scene.peers(node).next().is_some() && !scene.peers(node).any(|peer| known(&peer)) {
        scene.peers(node).for_each(|peer| sheet.wait_for(peer));
    }
    let reference =
        scene.nodes.iter().find(|peer| peer.first && known(peer)).or_else(|| scene.nodes.iter().find(known));
    let other = reference.and_then(|peer| Some((peer, peer.time_sync.as_ref().ok()?.timezone.as_ref()?)));
    if let Some((peer, other)) = other.filter(|(_, other)| *other != zone) {
        let finding = Finding::new(FindingCode::ZoneDiffers).with("zone", zone).with("other", other);
        let finding = finding.with("peer", &peer.label);
        sheet.blame(Verdict::Warn, finding, Source::TimeSync, |line| line.starts_with("Timezone="));
    }
    sheet.cell()
}
