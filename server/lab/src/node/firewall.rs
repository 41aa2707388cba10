//! Proxmox VE's own firewall, as far as datagrams between nodes go.

use std::net::IpAddr;

use super::Node;

/// Where the whole datacenter's options are, below `/etc/pve`.
pub(crate) const CLUSTER_RULES: &str = "firewall/cluster.fw";
const CLUSTER_CONFIG: &str = "corosync.conf";

impl Node {
    /// `enable: 1` in the datacenter's options.
    pub(crate) fn has_firewall(&self) -> bool {
        self.rules(CLUSTER_RULES).lines().any(|line| line.trim() == "enable: 1")
    }

    fn rules(&self, path: &str) -> String {
        let content = self.pmxcfs.db.get(path);
        content.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
    }

    /// Whether a datagram passes: without a firewall, in a cluster, or by a rule of the node's own.
    pub(crate) fn lets_in(&self, source: IpAddr, port: u16) -> bool {
        if !self.has_firewall() || self.pmxcfs.db.contains_key(CLUSTER_CONFIG) {
            return true;
        }
        self.rules(&format!("nodes/{}/host.fw", self.hostname)).lines().any(|line| accepts(line, source, port))
    }
}

/// `IN ACCEPT -source ADDRESS,ADDRESS -p udp -dport FROM:TO`
fn accepts(line: &str, source: IpAddr, port: u16) -> bool {
    let rule = line.split('#').next().unwrap_or_default();
    let words: Vec<&str> = rule.split_whitespace().collect();
    let option = |name: &str| {
        let at = words.iter().position(|word| *word == name)?;
        words.get(at + 1).copied()
    };
    let from = option("-source").is_some_and(|list| list.split(',').any(|one| one.parse() == Ok(source)));
    let ports = option("-dport").and_then(|range| range.split_once(':'));
    let fits = ports.is_some_and(|(low, high)| {
        low.parse().is_ok_and(|low: u16| low <= port) && high.parse().is_ok_and(|high: u16| port <= high)
    });
    words.starts_with(&["IN", "ACCEPT"]) && option("-p") == Some("udp") && from && fits
}
