//! The nodes speak the same version of the join's interface.
//!
//! Needs: `pvecm apiver` of every node.
//! Rule: versions more than one apart fail.
//! Why: a join between them is refused, after the joiner has already been asked for everything.
//! Source: `assert_we_can_join_cluster_version` of pve-cluster (both age constants are 1).

use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

/// So far apart two versions may be.
const APART_MAX: u32 = 1;

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::JoinApi, node);
    let Some(own) = sheet.need(Source::ApiVersion, &node.host.api_version) else { return sheet.cell() };
    sheet.brief(own);
    scene.other(&mut sheet, node, own, |peer| &peer.host.api_version);
    for peer in scene.peers(node) {
        let Ok(other) = &peer.host.api_version else { continue };
        if own.abs_diff(*other) > APART_MAX {
            let finding = Finding::new(FindingCode::ApiDiffers).with("version", own).with("other", other);
            let text = own.to_string();
            sheet.blame(Verdict::Fail, finding.with("peer", &peer.label), Source::ApiVersion, |line| {
                line.trim() == text
            });
        }
    }
    sheet.cell()
}
