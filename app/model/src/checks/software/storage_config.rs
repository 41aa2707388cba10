//! What a join does to a node's storages is known before.
//!
//! Needs: `/etc/pve/storage.cfg` of every node.
//! Rule: on a joiner, storages that only it has, that the first node defines otherwise, or that the first node has for
//! all nodes and this one lacks, warn.
//! Why: a join replaces the file by the cluster's.
//! Source: Proxmox VE, Cluster Manager, "Adding Nodes to the Cluster".

use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::facts::host::Storage;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::StorageConfig, node);
    let Some(own) = sheet.need(Source::Storage, &node.host.storages) else { return sheet.cell() };
    sheet.brief(own.len());
    if node.first {
        return sheet.cell();
    }
    let Some(first) = scene.nodes.iter().find(|peer| peer.first && peer.node != node.node) else { return sheet.cell() };
    let Ok(theirs) = &first.host.storages else {
        sheet.wait_for(first);
        return sheet.cell();
    };
    let named = |list: Vec<&str>| (!list.is_empty()).then(|| list.join(", "));
    let same = |one: &Storage| theirs.iter().find(|other| other.id == one.id);
    let ids = |keep: &dyn Fn(&Storage) -> bool| own.iter().filter(|one| keep(one)).map(|one| one.id.as_str()).collect();
    let guilty = |names: String| move |line: &str| names.split(", ").any(|name| line.ends_with(&format!(": {name}")));
    if let Some(names) = named(ids(&|one| same(one).is_none())) {
        let finding = Finding::new(FindingCode::StorageLost).with("storages", &names);
        sheet.blame(Verdict::Warn, finding, Source::Storage, guilty(names));
    }
    if let Some(names) = named(ids(&|one| same(one).is_some_and(|other| other != one))) {
        let finding = Finding::new(FindingCode::StorageDiffers).with("storages", &names).with("peer", &first.label);
        sheet.blame(Verdict::Warn, finding, Source::Storage, guilty(names));
    }
    let lacking = theirs.iter().filter(|other| !other.options.contains_key("nodes"));
    let lacking = lacking.filter(|other| own.iter().all(|one| one.id != other.id)).map(|other| other.id.as_str());
    if let Some(names) = named(lacking.collect()) {
        let finding = Finding::new(FindingCode::StorageAbsent).with("storages", names).with("peer", &first.label);
        sheet.note(Verdict::Warn, finding);
    }
    sheet.cell()
}
