//! What a node can do, by the packages that are installed there and what its tools offer; never by the major version alone.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Package -> version, as dpkg has them.
pub type Packages = BTreeMap<String, String>;

/// The releases of Proxmox VE of which the product has recordings.
const RECORDED: &[[u32; 2]] = &[[9, 2]];

/// What differs between the versions in use. `None`: the package that decides it was not told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    /// The parsers have been held against recordings of this release.
    pub verified: bool,
    pub corosync: Option<String>,
    pub knet: Option<String>,
    /// HA rules instead of groups.
    pub ha_rules: Option<bool>,
    /// `ha-manager crm-command node-maintenance`
    pub node_maintenance: Option<bool>,
    /// The line `fencing ...` of `ha-manager status`, and disarming.
    pub ha_disarm: Option<bool>,
    /// `pvecm create` writes `token_coefficient: 125`; otherwise corosync's 650 counts.
    pub token_coefficient_written: Option<bool>,
    /// SSH host keys of members are pinned per node, not in one shared file.
    pub host_keys_pinned: Option<bool>,
    /// `corosync-quorumtool -W`
    pub quorumtool_wait: Option<bool>,
}

/// Reads what was probed. `options` are the letters that `corosync-quorumtool -h` names.
#[must_use]
pub fn judge(packages: &Packages, options: Option<&BTreeSet<char>>) -> Capability {
    let at_least =
        |package: &str, wanted: &[u32]| release(packages.get(package)?).map(|found| found.as_slice() >= wanted);
    let manager = packages.get("pve-manager").and_then(|version| release(version));
    let found = |names: &[&str]| names.iter().find_map(|name| packages.get(*name).cloned());
    Capability {
        verified: manager.is_some_and(|found| RECORDED.iter().any(|known| found.starts_with(known))),
        corosync: found(&["corosync"]),
        knet: found(&["libknet1t64", "libknet1"]),
        ha_rules: at_least("pve-ha-manager", &[5]),
        node_maintenance: at_least("pve-ha-manager", &[3, 6]),
        ha_disarm: at_least("pve-ha-manager", &[5, 1, 3]),
        token_coefficient_written: at_least("pve-cluster", &[9, 1]),
        host_keys_pinned: at_least("pve-cluster", &[8, 0, 6]),
        quorumtool_wait: options.map(|letters| letters.contains(&'W')),
    }
}

/// The numbers that a Debian version begins with, behind its epoch.
fn release(version: &str) -> Option<Vec<u32>> {
    let upstream = version.split_once(':').map_or(version, |(_, rest)| rest);
    let end = upstream.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(upstream.len());
    let numbers = upstream.get(..end)?.split('.').map(|part| part.parse().ok());
    numbers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages(list: &[(&str, &str)]) -> Packages {
        list.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).collect()
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert_eq!(release("3.1.9-2+deb13u1"), Some(vec![3, 1, 9]));
        assert_eq!(release("1:9.10.0~rc1"), Some(vec![9, 10, 0]));
        assert_eq!(release("not correctly installed"), None);
        assert!(release("9.10.0") > release("9.9.1"));
    }

    #[test]
    fn the_matrix_of_the_versions_in_use() {
        let of = |manager: &str, cluster: &str, ha: &str| {
            judge(&packages(&[("pve-manager", manager), ("pve-cluster", cluster), ("pve-ha-manager", ha)]), None)
        };
        let row = |one: &Capability| {
            [one.ha_rules, one.node_maintenance, one.ha_disarm, one.token_coefficient_written, one.host_keys_pinned]
                .map(|known| known == Some(true))
        };
        assert_eq!(row(&of("7.4-20", "7.3-3", "3.6.1")), [false, true, false, false, false]);
        assert_eq!(row(&of("7.3-6", "7.3-1", "3.5.1")), [false, false, false, false, false]);
        assert_eq!(row(&of("8.4.14", "8.1.2", "4.0.7")), [false, true, false, false, true]);
        assert_eq!(row(&of("9.0.3", "9.0.6", "5.0.4")), [true, true, false, false, true]);
        // The same major version, and yet the one can what the other cannot.
        assert_eq!(row(&of("9.1.4", "9.1.0", "5.1.3")), [true, true, true, true, true]);
        assert_eq!(row(&of("9.2.11", "9.1.6", "5.2.0")), [true, true, true, true, true]);
        for (manager, verified) in
            [("9.2.11", true), ("9.2.0", true), ("9.1.4", false), ("8.4.14", false), ("9.20.1", false)]
        {
            assert_eq!(of(manager, "9.1.6", "5.2.0").verified, verified, "{manager}");
        }
    }

    #[test]
    fn what_was_not_told_is_not_known() {
        assert_eq!(judge(&Packages::new(), None), Capability::default());
        let letters = BTreeSet::from(['s', 'm']);
        assert_eq!(judge(&Packages::new(), Some(&letters)).quorumtool_wait, Some(false));
    }
}
