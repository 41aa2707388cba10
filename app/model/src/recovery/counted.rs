//! Which votes there are: corosync counts by the configuration that it runs with, and files are edited by hand.

#[cfg(test)]
mod tests;

use crate::facts::{CorosyncConf, CorosyncNodeId};
use std::collections::BTreeSet;

/// Whether corosync would count the same by both: nodes with their votes, and the QDevice's.
#[must_use]
pub fn count_alike(one: &CorosyncConf, other: &CorosyncConf) -> bool {
    let nodes = |conf: &CorosyncConf| -> BTreeSet<(CorosyncNodeId, String, u32)> {
        conf.nodes.iter().map(|node| (node.id, node.name.clone(), node.votes)).collect()
    };
    nodes(one) == nodes(other) && votes_of_device(one) == votes_of_device(other)
}

fn votes_of_device(conf: &CorosyncConf) -> Option<u32> {
    conf.qdevice.as_ref().map(|device| device.votes)
}

/// The first one with every node that any of the others has, with the QDevice that has most votes, and with options that are
/// not in it: whoever is in one list alone may live all the same.
#[must_use]
pub fn united<'a>(first: &CorosyncConf, others: impl IntoIterator<Item = &'a CorosyncConf>) -> CorosyncConf {
    let mut all = first.clone();
    for other in others {
        for node in &other.nodes {
            if !all.nodes.iter().any(|one| one.id == node.id && one.name == node.name) {
                all.nodes.push(node.clone());
            }
        }
        if votes_of_device(other) > votes_of_device(&all) {
            all.qdevice.clone_from(&other.qdevice);
        }
        for (key, value) in &other.quorum_options {
            all.quorum_options.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    all
}

/// The newest of the lists of this cluster, by their version; of equal ones the first.
#[must_use]
pub fn newest<'a>(cluster_name: &str, lists: &[&'a CorosyncConf]) -> Option<&'a CorosyncConf> {
    // `max_by_key` takes the last of equal ones.
    let same = lists.iter().rev().filter(|list| list.cluster_name == cluster_name);
    same.max_by_key(|list| list.config_version).copied()
}

/// The version of the newest list of its cluster, where that has this node no more: it was removed, and its corosync still runs
/// with an older one (`pvecm delnode` stops nothing on the node). `own` is the list that it runs with.
#[must_use]
pub fn removed_by(id: CorosyncNodeId, own: &CorosyncConf, lists: &[&CorosyncConf]) -> Option<u64> {
    let version = newest(&own.cluster_name, lists)?.config_version;
    let name = own.nodes.iter().find(|node| node.id == id).map(|node| node.name.as_str());
    // Its number may be another node's by now.
    let is_it = |other: &str| name.is_none_or(|name| name == other);
    let newest = lists.iter().filter(|list| list.cluster_name == own.cluster_name && list.config_version == version);
    let listed = newest.flat_map(|list| &list.nodes).any(|node| node.id == id && is_it(&node.name));
    (!listed).then_some(version)
}
