//! All nodes get their packages from the same sources.
//!
//! Needs: `apt-get indextargets` of every node: URI, release and component of every enabled source.
//! Rule: several Debian releases on one node warn, so does no source of Proxmox VE, or another one than a peer's.
//! Why: nodes with different sources have different versions after the next upgrade.
//! Source: `pve8to9`; Proxmox VE, Package Repositories.

use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::facts::host::Repository;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};
use std::collections::BTreeSet;

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::Repositories, node);
    let Some(own) = sheet.need(Source::Repositories, &node.host.repositories) else { return sheet.cell() };
    let releases: BTreeSet<&str> = own.iter().map(release).collect();
    if releases.len() > 1 {
        let suites = releases.iter().copied().collect::<Vec<_>>().join(", ");
        let finding = Finding::new(FindingCode::SuitesMixed).with("suites", suites);
        sheet.blame(Verdict::Warn, finding, Source::Repositories, |line| !line.trim().is_empty());
    }
    let component = pve(own);
    sheet.brief(if component.is_empty() { "-" } else { component.as_str() });
    if component.is_empty() {
        sheet.note(Verdict::Warn, Finding::new(FindingCode::NoPveRepository));
    }
    scene.other(&mut sheet, node, own, |peer| &peer.host.repositories);
    for peer in scene.peers(node) {
        let Some(other) = peer.host.repositories.as_ref().ok().map(|all| pve(all)) else { continue };
        if other != component && !other.is_empty() && !component.is_empty() {
            let finding = Finding::new(FindingCode::RepositoryDiffers).with("component", &component);
            let finding = finding.with("other", other).with("peer", &peer.label);
            sheet.blame(Verdict::Warn, finding, Source::Repositories, |line| line.contains(&component));
        }
    }
    sheet.cell()
}

/// `trixie` of `trixie`, `trixie-updates` and `trixie-security`.
fn release(one: &Repository) -> &str {
    one.suite.split(['-', '/']).next().unwrap_or_default()
}

/// The components of Proxmox VE, without those of Ceph.
fn pve(all: &[Repository]) -> String {
    let own = all.iter().map(|one| one.component.as_str()).filter(|name| name.starts_with("pve"));
    own.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
}
