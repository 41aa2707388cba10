//! No shared storage is used by two of the installations yet.
//!
//! Needs: `/etc/pve/storage.cfg` of every node.
//! Rule: the same server and the same export, target or pool at two nodes warns.
//! Why: two installations on one storage give disks the same names and lock nothing against each other.
//! Source: Proxmox VE, Cluster Manager, "Separate a Node Without Reinstalling" (shared storages).

use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::facts::host::Storage;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::ForeignStorage, node);
    let Some(own) = sheet.need(Source::Storage, &node.host.storages) else { return sheet.cell() };
    let shared: Vec<(&Storage, (String, String))> = own.iter().filter_map(|one| Some((one, place(one)?))).collect();
    sheet.brief(shared.len());
    for (storage, place_here) in &shared {
        let same = |peer: &&NodeEvidence| {
            let theirs = peer.host.storages.as_deref().unwrap_or_default();
            theirs.iter().any(|other| place(other).as_ref() == Some(place_here))
        };
        if let Some(peer) = scene.peers(node).find(same) {
            let finding = Finding::new(FindingCode::StorageShared).with("storage", &storage.id);
            let finding = finding.with("peer", &peer.label).with("server", &place_here.0);
            sheet.blame(Verdict::Warn, finding, Source::Storage, |line| line.contains(&place_here.0));
        }
    }
    sheet.cell()
}

/// Server, and what of it; `None` for what lies on the node itself.
fn place(storage: &Storage) -> Option<(String, String)> {
    let of = |key: &str| storage.options.get(key).cloned();
    let server = of("server").or_else(|| of("portal")).or_else(|| of("monhost"))?;
    let what = ["export", "share", "volume", "target", "datastore", "pool", "fs-name"].into_iter().find_map(of);
    Some((server, what.unwrap_or_default()))
}
