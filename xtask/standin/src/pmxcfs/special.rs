//! The files that are served from memory: `.members`, `.version`, `.vmlist` and the links.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Shared;
use crate::conf::Block;

/// `.version` as it was recorded on Proxmox VE 9.2: the files that it always names, in its order.
const RECORDED: &str = include_str!("../../tests/fixtures/version.json");

/// Names of the files in the root that no one writes.
pub const FILES: [&str; 5] = [".members", ".version", ".vmlist", ".clusterlog", ".rrd"];

impl Shared {
    /// The content of such a file now.
    pub fn special(&self, name: &str) -> Option<String> {
        match name {
            ".members" => Some(self.members()),
            ".version" => Some(self.versions()),
            ".vmlist" => Some(self.guests()),
            ".clusterlog" => Some("{\n\"data\": [\n]\n}\n".to_owned()),
            ".rrd" => Some(String::new()),
            _ => None,
        }
    }

    /// Where a link in the root points to.
    pub fn link(&self, name: &str) -> Option<String> {
        match name {
            "local" => Some(format!("nodes/{}", self.node)),
            "qemu-server" | "lxc" | "openvz" => Some(format!("nodes/{}/{name}", self.node)),
            _ => None,
        }
    }

    fn members(&self) -> String {
        let view = self.view().clone();
        let mut text = format!("{{\n\"nodename\": \"{}\",\n\"version\": {}", self.node, view.changes);
        let conf = self.clustered.then(|| self.conf()).flatten();
        if let Some(conf) = conf {
            let nodes = conf.members();
            let _ = write!(
                text,
                ",\n\"cluster\": {{ \"name\": \"{}\", \"version\": {}, \"nodes\": {}, \"quorate\": {} }},\n\"nodelist\": {{\n",
                conf.totem("cluster_name"),
                conf.version(),
                nodes.len(),
                u8::from(view.quorate)
            );
            let rows = nodes.iter().map(|node| {
                let online = u8::from(view.members.contains(&node.id));
                let address = if node.id == view.local {
                    Some(self.address.clone())
                } else {
                    node.addresses.values().next().cloned()
                };
                let ip = address.map(|address| format!(", \"ip\": \"{address}\"")).unwrap_or_default();
                format!("  \"{}\": {{ \"id\": {}, \"online\": {online}{ip}}}", node.name, node.id)
            });
            text.push_str(&rows.collect::<Vec<_>>().join(",\n"));
            text.push_str("\n  }");
        }
        text.push_str("\n}\n");
        text
    }

    fn versions(&self) -> String {
        let changes = self.view().changes;
        let conf = self.conf();
        let store = self.store();
        let guests: u64 =
            store.counters.iter().filter(|(path, _)| guest(path).is_some()).map(|(_, count)| *count).sum();
        let count = |name: &str| store.counters.get(name).copied().unwrap_or(1);
        let mut nodes: Vec<String> = conf.iter().flat_map(Block::members).map(|member| member.name).collect();
        if nodes.is_empty() {
            nodes.push(self.node.clone());
        }
        version_file(self.started, changes, guests + 1, count, &nodes)
    }

    fn guests(&self) -> String {
        let store = self.store();
        let mut version = 1;
        let mut found = BTreeMap::new();
        for path in store.paths() {
            if let Some((node, kind, id)) = guest(path) {
                let count = store.counters.get(path).copied().unwrap_or(1);
                version += count;
                found.insert(
                    id,
                    format!("\"{id}\": {{ \"node\": \"{node}\", \"type\": \"{kind}\", \"version\": {count} }}"),
                );
            }
        }
        let rows: Vec<String> = found.into_values().collect();
        if rows.is_empty() {
            return format!("{{\n\"version\": {version}\n\n}}\n");
        }
        format!("{{\n\"version\": {version},\n\"ids\": {{\n{}}}\n\n}}\n", rows.join(",\n"))
    }
}

/// The text of `.version`.
pub fn version_file(started: u64, changes: u64, guests: u64, count: impl Fn(&str) -> u64, nodes: &[String]) -> String {
    let mut text = format!("{{\n\"starttime\": {started},\n\"clinfo\": {changes},\n\"vmlist\": {guests}");
    for name in watched() {
        let _ = write!(text, ",\n\"{name}\": {}", count(name));
    }
    let tasks: Vec<String> = nodes.iter().map(|node| format!("\"{node}\": {{\n\"tasklist\": 0}}\n")).collect();
    let _ = write!(text, ",\n\"kvstore\": {{\n{}}}\n}}\n", tasks.join(",\n"));
    text
}

/// The names between the counters of the whole and those of the nodes.
fn watched() -> impl Iterator<Item = &'static str> {
    let names = RECORDED.lines().filter_map(|line| line.strip_prefix('"')?.split_once("\": ")).map(|(name, _)| name);
    names.skip_while(|name| *name != "corosync.conf").take_while(|name| *name != "kvstore")
}

/// `nodes/NODE/qemu-server/ID.conf` as (node, type, id).
fn guest(path: &str) -> Option<(&str, &'static str, u32)> {
    let mut parts = path.strip_prefix("nodes/")?.split('/');
    let (node, folder, file) = (parts.next()?, parts.next()?, parts.next()?);
    let kind = match folder {
        "qemu-server" => "qemu",
        "lxc" => "lxc",
        _ => return None,
    };
    Some((node, kind, file.strip_suffix(".conf")?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{RECORDED, guest, version_file, watched};

    #[test]
    fn the_versions_have_the_form_that_was_recorded() {
        assert_eq!(watched().count(), 43);
        let counts: serde_json::Value = serde_json::from_str(RECORDED).unwrap();
        let count = |name: &str| counts[name].as_u64().unwrap();
        let nodes = ["pve1", "pve2", "pve3"].map(str::to_owned);
        assert_eq!(version_file(1_795_335_456, 9, 11, count, &nodes), RECORDED);
    }

    #[test]
    fn guests_are_found_by_their_configuration() {
        assert_eq!(guest("nodes/pve1/qemu-server/100.conf"), Some(("pve1", "qemu", 100)));
        assert_eq!(guest("nodes/pve1/lxc/7.conf"), Some(("pve1", "lxc", 7)));
        assert_eq!(guest("nodes/pve1/lrm_status"), None);
        assert_eq!(guest("nodes/pve1/qemu-server/x.conf"), None);
    }
}
