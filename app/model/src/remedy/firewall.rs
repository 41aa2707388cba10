//! Rules of Proxmox VE's own firewall that let the nodes' corosync and SSH through before there is a cluster.
//!
//! Once a node is in a cluster the firewall opens corosync's ports to the other members by itself (Proxmox VE, Firewall,
//! "Ports used by Proxmox VE"); until then it drops what it does not know. Accepting rules are only added, and before all
//! others, so that nobody is ever locked out by them.

use std::net::IpAddr;

/// A larger file of rules is not one that people keep by hand, in bytes.
pub const RULES_MAX_BYTES: usize = 256 * 1024;
/// corosync's ports as the file of rules writes a range: link 0 to link 7.
const COROSYNC: &str = "-p udp -dport 5405:5412 -log nolog # corosync, added by Quorate";
const SSH: &str = "-p tcp -dport 22 -log nolog # SSH between nodes, added by Quorate";
const SECTION: &str = "[RULES]";

/// The file `host.fw` with rules for the peers of each network; those that are there stay where they are.
#[must_use]
pub fn with_rules(content: Option<&str>, networks: &[Vec<IpAddr>]) -> String {
    let mut lines: Vec<String> = content.unwrap_or_default().lines().map(str::to_owned).collect();
    let wanted = networks.iter().filter(|peers| !peers.is_empty()).flat_map(|peers| {
        let list = peers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        [COROSYNC, SSH].map(|rest| format!("IN ACCEPT -source {list} {rest}"))
    });
    let missing: Vec<String> = wanted.filter(|rule| !lines.iter().any(|line| line.trim() == rule)).collect();
    let section = lines.iter().position(|line| line.trim().eq_ignore_ascii_case(SECTION));
    let at = section.map_or_else(
        || {
            lines.extend((!lines.is_empty()).then(String::new));
            lines.push(SECTION.to_owned());
            lines.len()
        },
        |at| at + 1,
    );
    lines.splice(at..at, missing);
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn rules_come_first_and_only_once() {
        let old = "[OPTIONS]\nenable: 1\n\n[RULES]\n\nIN DROP -p udp\n";
        let networks = [peers(&["10.0.1.11", "10.0.1.13"]), Vec::new()];
        let new = with_rules(Some(old), &networks);
        let rules: Vec<&str> = new.lines().skip(4).take(2).collect();
        assert_eq!(
            rules,
            [
                "IN ACCEPT -source 10.0.1.11,10.0.1.13 -p udp -dport 5405:5412 -log nolog # corosync, added by Quorate",
                "IN ACCEPT -source 10.0.1.11,10.0.1.13 -p tcp -dport 22 -log nolog # SSH between nodes, added by Quorate",
            ]
        );
        assert!(new.ends_with("\n\nIN DROP -p udp\n"), "what was there stays: {new}");
        assert_eq!(with_rules(Some(&new), &networks), new);
    }

    #[test]
    fn a_file_without_rules_or_no_file_gets_the_section() {
        assert!(with_rules(None, &[peers(&["10.0.1.11"])]).starts_with("[RULES]\nIN ACCEPT -source 10.0.1.11 "));
        let new = with_rules(Some("[OPTIONS]\nlog_level_in: info\n"), &[peers(&["fd00::11"])]);
        assert!(new.starts_with("[OPTIONS]\nlog_level_in: info\n\n[RULES]\nIN ACCEPT -source fd00::11 "), "{new}");
    }
}
