//! pmxcfs: one small database per node, the same in every partition, read-only without quorum.

use std::collections::BTreeMap;

use super::config::ClusterConfig;
use super::corosync::CONFIG_FILE;
use crate::world::{Millis, World};

pub(crate) const PMXCFS_PID: u32 = 166;
/// From quorum to the first write that succeeds, in milliseconds.
pub(crate) const WRITABLE_AFTER_MS: Millis = 1_000;
/// The database on the node's own disk.
pub(crate) const DATABASE_FILE: &str = "/var/lib/pve-cluster/config.db";
/// The cluster's configuration inside the database.
pub(crate) const DB_CONFIG: &str = "corosync.conf";

#[derive(Debug, Clone, Default)]
pub(crate) struct Pmxcfs {
    pub(crate) running: bool,
    /// Seconds since 1970 at which it was started.
    pub(crate) started: i64,
    /// Path relative to `/etc/pve` to content; a directory is a path that ends in `/`.
    pub(crate) db: BTreeMap<String, Vec<u8>>,
    /// What joins have kept of the own database: file to content.
    pub(crate) kept: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    /// Counts writes; the highest one leads when partitions meet.
    pub(crate) db_version: u64,
    /// When the first write will succeed; `None` without quorum.
    pub(crate) writable_from: Option<Millis>,
    /// Change counters of `.version`, by file.
    pub(crate) counters: BTreeMap<String, u64>,
    pub(crate) cluster_info: u64,
    pub(crate) vm_list: u64,
    /// Members when corosync went away: `.members` goes on showing them as online.
    pub(crate) last_members: std::collections::BTreeSet<u32>,
    /// Addresses that nodes told about themselves.
    pub(crate) addresses: BTreeMap<String, String>,
}

impl Pmxcfs {
    pub(crate) fn config(&self) -> Option<ClusterConfig> {
        ClusterConfig::parse(&String::from_utf8_lossy(self.db.get(DB_CONFIG)?))
    }

    fn count(&mut self, path: &str) {
        *self.counters.entry(path.to_owned()).or_insert(1) += 1;
        if path.contains("/qemu-server/") || path.contains("/lxc/") {
            self.vm_list += 1;
        }
    }
}

impl World {
    /// Starts pmxcfs: takes the local database, and corosync's local file when that is newer.
    ///
    /// `false` when the node's own name does not resolve to an address that others could use.
    pub(crate) fn start_pmxcfs(&mut self, name: &str) -> bool {
        let started = self.wall_us(name) / 1_000_000;
        if self.own_address(name).is_none() {
            let host = self.nodes.get(name).map(|node| node.hostname.clone()).unwrap_or_default();
            let line = format!(
                "[main] crit: Unable to resolve node name '{host}' to a non-loopback IP address - missing entry in '/etc/hosts' or DNS?"
            );
            self.log(name, "pve-cluster.service", "pmxcfs", PMXCFS_PID, &line);
            return false;
        }
        let Some(node) = self.nodes.get_mut(name) else { return false };
        if node.pmxcfs.running {
            return true;
        }
        if !node.files.exists(DATABASE_FILE) {
            node.files.put(DATABASE_FILE, b"SQLite format 3\0", 0o600);
        }
        node.pmxcfs.running = true;
        node.pmxcfs.started = started;
        node.pmxcfs.cluster_info = 0;
        node.pmxcfs.writable_from = None;
        node.pmxcfs.addresses.clear();
        let corosync = node.corosync.running;
        self.recount(name);
        if corosync {
            let group = self.partition_of(name);
            self.sync_pmxcfs(&group);
        }
        self.touch_members(name);
        true
    }

    pub(crate) fn stop_pmxcfs(&mut self, name: &str) {
        if let Some(node) = self.nodes.get_mut(name) {
            node.pmxcfs.running = false;
            node.pmxcfs.writable_from = None;
            node.pmxcfs.last_members.clear();
        }
        self.changed();
    }

    /// Whether a write into `/etc/pve` of this node would succeed now.
    pub(crate) fn pve_writable(&self, name: &str) -> bool {
        let Some(node) = self.nodes.get(name) else { return false };
        // Without a cluster pmxcfs works for itself alone.
        let alone = node.pmxcfs.config().is_none() && !node.files.exists(CONFIG_FILE);
        node.pmxcfs.running && (alone || node.pmxcfs.writable_from.is_some_and(|from| from <= self.now))
    }

    /// Writes (or, with `None`, removes) one path in the database of the whole partition.
    pub(crate) fn pve_write(&mut self, name: &str, path: &str, content: Option<Vec<u8>>) {
        let version = self.nodes.get(name).map(|node| node.pmxcfs.db_version).unwrap_or_default() + 1;
        for peer in self.partition_of(name) {
            let Some(node) = self.nodes.get_mut(&peer) else { continue };
            if !node.pmxcfs.running {
                continue;
            }
            match &content {
                Some(content) => node.pmxcfs.db.insert(path.to_owned(), content.clone()),
                None => node.pmxcfs.db.remove(path),
            };
            node.pmxcfs.db_version = version;
            node.pmxcfs.count(path);
        }
        if path == DB_CONFIG {
            for peer in self.partition_of(name) {
                self.publish_config(&peer);
            }
        }
        self.changed();
    }

    /// pmxcfs writes corosync's local file when the database has a newer one, and lets it reload.
    fn publish_config(&mut self, name: &str) {
        let Some(node) = self.nodes.get_mut(name) else { return };
        let Some(config) = node.pmxcfs.config().filter(|_| node.pmxcfs.running) else { return };
        let local = node
            .files
            .read(CONFIG_FILE)
            .ok()
            .and_then(|content| ClusterConfig::parse(&String::from_utf8_lossy(&content)));
        if local.is_some_and(|local| local.version > config.version) {
            return;
        }
        node.files.put(CONFIG_FILE, config.render(), 0o644);
        if node.corosync.config != config {
            self.reload_corosync(name, &config);
        }
        self.touch_members(name);
    }

    /// After a new membership: everybody takes the state of the one with most writes.
    pub(crate) fn sync_pmxcfs(&mut self, group: &[String]) {
        let leader = group
            .iter()
            .filter_map(|name| self.nodes.get(name))
            .filter(|node| node.pmxcfs.running)
            .max_by_key(|node| (node.pmxcfs.db_version, std::cmp::Reverse(node.corosync.id)))
            .map(|node| (node.pmxcfs.db.clone(), node.pmxcfs.db_version));
        let Some((db, version)) = leader else { return };
        let addresses: BTreeMap<String, String> = group
            .iter()
            .filter(|name| self.nodes.get(*name).is_some_and(|node| node.pmxcfs.running))
            .filter_map(|name| Some((self.nodes.get(name)?.hostname.clone(), self.own_address(name)?)))
            .collect();
        for name in group {
            let Some(node) = self.nodes.get_mut(name) else { continue };
            if !node.pmxcfs.running {
                continue;
            }
            if node.pmxcfs.db != db {
                node.pmxcfs.vm_list += 1;
                node.pmxcfs.db.clone_from(&db);
            }
            node.pmxcfs.db_version = version;
            node.pmxcfs.addresses.extend(addresses.clone());
            self.publish_config(name);
        }
    }

    /// The first address that is not a loopback one of the node's own name: what pmxcfs publishes.
    pub(crate) fn own_address(&self, name: &str) -> Option<String> {
        let node = self.nodes.get(name)?;
        let hosts = node.files.read("/etc/hosts").unwrap_or_default();
        crate::node::net::lookup(&hosts, &node.hostname)
            .into_iter()
            .find(|(address, _)| !address.is_loopback())
            .map(|(address, _)| address.to_string())
    }

    /// Counts a change of what `.members` shows.
    pub(crate) fn touch_members(&mut self, name: &str) {
        if let Some(node) = self.nodes.get_mut(name) {
            node.pmxcfs.cluster_info += 1;
        }
        self.changed();
    }
}
