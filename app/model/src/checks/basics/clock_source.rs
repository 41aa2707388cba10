//! The nodes follow a time server that they have in common.
//!
//! Needs: `chronyc -c sources`, `systemctl is-active` of the time services.
//! Rule: no selected source fails; no source in common with a peer warns; without chrony there is nothing to compare.
//! Why: nodes that follow different servers agree only as long as those servers do.
//! Source: a rule of this console.

use crate::checks::basics::clock_service::runs;
use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::facts::host::TimeSource;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};
use std::collections::BTreeSet;

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::ClockSource, node);
    let Some(services) = sheet.need(Source::Services, &node.host.services) else { return sheet.cell() };
    if !runs(services, "chrony") {
        sheet.skip(FindingCode::NoChrony);
        return sheet.cell();
    }
    let Some(own) = sheet.need(Source::TimeSources, &node.host.time_sources) else { return sheet.cell() };
    match own.iter().find(|source| source.selected) {
        Some(source) => sheet.brief(&source.name),
        None => {
            let finding = Finding::new(FindingCode::NoTimeSource);
            sheet.blame(Verdict::Fail, finding, Source::TimeSources, |line| !line.trim().is_empty());
            return sheet.cell();
        }
    }
    scene.other(&mut sheet, node, own, |peer| &peer.host.time_sources);
    for peer in scene.peers(node) {
        let Ok(theirs) = &peer.host.time_sources else { continue };
        // A peer without a source has a cell of its own that says so.
        if theirs.iter().any(|source| source.selected) && names(own).is_disjoint(&names(theirs)) {
            let finding = Finding::new(FindingCode::TimeSourcesDiffer).with("peer", &peer.label);
            sheet.blame(Verdict::Warn, finding, Source::TimeSources, |line| !line.trim().is_empty());
        }
    }
    sheet.cell()
}

fn names(sources: &[TimeSource]) -> BTreeSet<&str> {
    sources.iter().map(|source| source.name.as_str()).collect()
}
