//! `corosync.conf`: its values, the text that pvecm writes, and reading it back.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// corosync's token time for up to two nodes, in milliseconds.
const TOKEN_BASE_MS: u64 = 3000;
/// What corosync adds per node from the third on when nothing is configured, in milliseconds.
const TOKEN_COEFFICIENT_MS: u64 = 650;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeEntry {
    pub(crate) name: String,
    pub(crate) id: u32,
    pub(crate) votes: u32,
    /// Link number to address.
    pub(crate) rings: BTreeMap<u8, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceEntry {
    pub(crate) host: String,
    pub(crate) algorithm: String,
    pub(crate) votes: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ClusterConfig {
    pub(crate) name: String,
    pub(crate) version: u64,
    /// In the order of the file, which is the order of names.
    pub(crate) nodes: Vec<NodeEntry>,
    /// Link number to priority, for every link of the cluster.
    pub(crate) interfaces: BTreeMap<u8, Option<u32>>,
    pub(crate) token_coefficient: Option<u64>,
    pub(crate) device: Option<DeviceEntry>,
}

impl ClusterConfig {
    pub(crate) fn node(&self, name: &str) -> Option<&NodeEntry> {
        self.nodes.iter().find(|node| node.name == name)
    }

    pub(crate) fn by_id(&self, id: u32) -> Option<&NodeEntry> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// Votes of the QDevice: those configured, or one less than the nodes' for `lms`.
    pub(crate) fn device_votes(&self) -> u32 {
        match &self.device {
            Some(device) => device.votes.unwrap_or_else(|| self.node_votes().saturating_sub(1)),
            None => 0,
        }
    }

    pub(crate) fn node_votes(&self) -> u32 {
        self.nodes.iter().map(|node| node.votes).sum()
    }

    /// Votes that votequorum expects on the configuration's word alone: the nodelist's, and a QDevice's only where it has to
    /// reckon them itself (`votequorum_readconfig` in `exec/votequorum.c`).
    pub(crate) fn expected(&self) -> u32 {
        let is_written = self.device.as_ref().is_some_and(|device| device.votes.is_some());
        self.node_votes() + if is_written { 0 } else { self.device_votes() }
    }

    /// Totem token time in milliseconds: corosync.conf(5), `token_coefficient`.
    pub(crate) fn token_ms(&self) -> u64 {
        let extra = u64::try_from(self.nodes.len()).unwrap_or(0).saturating_sub(2);
        TOKEN_BASE_MS + extra * self.token_coefficient.unwrap_or(TOKEN_COEFFICIENT_MS)
    }

    /// Two nodes with one id: corosync refuses such a file.
    pub(crate) fn has_duplicate_ids(&self) -> bool {
        self.nodes.iter().enumerate().any(|(at, node)| self.nodes.iter().skip(at + 1).any(|other| other.id == node.id))
    }

    /// Adds or replaces a node, keeping the order of names.
    pub(crate) fn set_node(&mut self, entry: NodeEntry) {
        self.nodes.retain(|node| node.name != entry.name);
        self.nodes.push(entry);
        self.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// The file as pvecm writes it: sorted keys, two spaces of indent.
    pub(crate) fn render(&self) -> String {
        let mut out = String::from("logging {\n  debug: off\n  to_syslog: yes\n}\n\nnodelist {\n");
        for node in &self.nodes {
            let _ = writeln!(out, "  node {{\n    name: {}\n    nodeid: {}", node.name, node.id);
            let _ = writeln!(out, "    quorum_votes: {}", node.votes);
            for (link, address) in &node.rings {
                let _ = writeln!(out, "    ring{link}_addr: {address}");
            }
            out.push_str("  }\n");
        }
        out.push_str("}\n\nquorum {\n");
        if let Some(device) = &self.device {
            let _ = writeln!(out, "  device {{\n    model: net\n    net {{\n      algorithm: {}", device.algorithm);
            let _ = writeln!(out, "      host: {}\n      tls: on\n    }}", device.host);
            if let Some(votes) = device.votes {
                let _ = writeln!(out, "    votes: {votes}");
            }
            out.push_str("  }\n");
        }
        let _ = writeln!(out, "  provider: corosync_votequorum\n}}\n\ntotem {{\n  cluster_name: {}", self.name);
        let _ = writeln!(out, "  config_version: {}", self.version);
        for (link, priority) in &self.interfaces {
            out.push_str("  interface {\n");
            if let Some(priority) = priority {
                let _ = writeln!(out, "    knet_link_priority: {priority}");
            }
            let _ = writeln!(out, "    linknumber: {link}\n  }}");
        }
        out.push_str("  ip_version: ipv4-6\n  link_mode: passive\n  secauth: on\n");
        if let Some(coefficient) = self.token_coefficient {
            let _ = writeln!(out, "  token_coefficient: {coefficient}");
        }
        out.push_str("  version: 2\n}\n\n");
        out
    }

    /// Reads such a file; `None` when it is not one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut config = Self::default();
        let mut stack: Vec<String> = Vec::new();
        let mut node: Option<NodeEntry> = None;
        let mut device: Option<DeviceEntry> = None;
        let mut interface: (Option<u8>, Option<u32>) = (None, None);
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(section) = line.strip_suffix('{') {
                stack.push(section.trim().to_owned());
                match stack.join("/").as_str() {
                    "nodelist/node" => {
                        node = Some(NodeEntry { name: String::new(), id: 0, votes: 1, rings: BTreeMap::new() });
                    }
                    "quorum/device" => {
                        device = Some(DeviceEntry { host: String::new(), algorithm: String::new(), votes: None });
                    }
                    "totem/interface" => interface = (None, None),
                    _ => {}
                }
                continue;
            }
            if line == "}" {
                match stack.join("/").as_str() {
                    "nodelist/node" => config.nodes.extend(node.take()),
                    "quorum/device" => config.device = device.take(),
                    "totem/interface" => {
                        config.interfaces.insert(interface.0?, interface.1);
                    }
                    _ => {}
                }
                stack.pop()?;
                continue;
            }
            let (key, value) = line.split_once(':')?;
            let (key, value) = (key.trim(), value.trim());
            match stack.join("/").as_str() {
                "nodelist/node" => set_node_key(node.as_mut()?, key, value)?,
                "quorum/device" if key == "votes" => device.as_mut()?.votes = Some(value.parse().ok()?),
                "quorum/device/net" if key == "host" => device.as_mut()?.host = value.to_owned(),
                "quorum/device/net" if key == "algorithm" => device.as_mut()?.algorithm = value.to_owned(),
                "totem/interface" if key == "linknumber" => interface.0 = Some(value.parse().ok()?),
                "totem/interface" if key == "knet_link_priority" => interface.1 = Some(value.parse().ok()?),
                "totem" if key == "cluster_name" => config.name = value.to_owned(),
                "totem" if key == "config_version" => config.version = value.parse().ok()?,
                "totem" if key == "token_coefficient" => config.token_coefficient = Some(value.parse().ok()?),
                _ => {}
            }
        }
        (stack.is_empty() && !config.name.is_empty()).then_some(config)
    }
}

fn set_node_key(node: &mut NodeEntry, key: &str, value: &str) -> Option<()> {
    match key {
        "name" => node.name = value.to_owned(),
        "nodeid" => node.id = value.parse().ok()?,
        "quorum_votes" => node.votes = value.parse().ok()?,
        _ => {
            if let Some(link) = key.strip_prefix("ring").and_then(|rest| rest.strip_suffix("_addr")) {
                node.rings.insert(link.parse().ok()?, value.to_owned());
            }
        }
    }
    Some(())
}
