//! corosync and the packages around it are the same everywhere.
//!
//! Needs: the versions of corosync, libknet, libqb, pve-cluster and pve-ha-manager from `dpkg-query`.
//! Rule: corosync before 3 fails; any of them that differs from a peer's warns.
//! Why: a changed configuration is reloaded on all nodes at once, which corosync does not support across versions.
//! Source: corosync-cfgtool(8), `-R`; Proxmox VE, Cluster Manager, Requirements.

use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

/// The oldest major version with knet.
const COROSYNC_MAJOR_MIN: u32 = 3;
/// What is compared; libraries carry their ABI in their name, so their names may differ between releases.
const COMPARED: [&str; 4] = ["corosync", "libcorosync-common4", "pve-cluster", "pve-ha-manager"];

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::CorosyncVersion, node);
    let Some(own) = sheet.need(Source::Packages, &node.host.packages) else { return sheet.cell() };
    let Some(corosync) = own.get("corosync") else {
        sheet.absent();
        return sheet.cell();
    };
    sheet.brief(corosync);
    let major: Option<u32> = corosync.split('.').next().and_then(|word| word.parse().ok());
    match major {
        None => sheet.absent(),
        Some(major) if major < COROSYNC_MAJOR_MIN => {
            let finding = Finding::new(FindingCode::CorosyncOld).with("version", corosync);
            sheet.blame(Verdict::Fail, finding, Source::Packages, |line| line.starts_with("corosync "));
        }
        Some(_) => {}
    }
    scene.other(&mut sheet, node, own, |peer| &peer.host.packages);
    for package in COMPARED.into_iter().chain(libraries(own)) {
        let Some(version) = own.get(package) else { continue };
        let differs = |peer: &&NodeEvidence| {
            peer.host.packages.as_ref().is_ok_and(|all| all.get(package).is_some_and(|other| other != version))
        };
        let Some(peer) = scene.peers(node).find(differs) else { continue };
        let other = peer.host.packages.as_ref().ok().and_then(|all| all.get(package)).cloned().unwrap_or_default();
        let finding = Finding::new(FindingCode::PackageDiffers).with("package", package).with("version", version);
        let start = format!("{package} ");
        let finding = finding.with("other", other).with("peer", &peer.label);
        sheet.blame(Verdict::Warn, finding, Source::Packages, |line| line.starts_with(&start));
    }
    sheet.cell()
}

fn libraries(own: &std::collections::BTreeMap<String, String>) -> impl Iterator<Item = &str> {
    own.keys().map(String::as_str).filter(|name| name.starts_with("libknet1") || name.starts_with("libqb"))
}
