//! Addresses of a node as pmxcfs lists them: they need not be those of its links.

use model::facts::{CorosyncNodeId, PmxMembers};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// After anybody who was asked: a member that has started since then has forgotten those that were away. What a member of this
/// side has by now is nobody else's.
pub fn addresses(name: &str, present: &[CorosyncNodeId], lists: &[&PmxMembers]) -> BTreeSet<IpAddr> {
    let entries = || lists.iter().flat_map(|list| &list.nodes);
    let taken: BTreeSet<IpAddr> =
        entries().filter(|one| one.online && present.contains(&one.id)).filter_map(|one| one.ip).collect();
    let own = entries().filter(|one| one.name == name).filter_map(|one| one.ip);
    own.filter(|address| !address.is_loopback() && !taken.contains(address)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::facts::PmxMember;

    fn list(nodes: &[(&str, CorosyncNodeId, bool, Option<&str>)]) -> PmxMembers {
        let node = |&(name, id, online, ip): &(&str, CorosyncNodeId, bool, Option<&str>)| PmxMember {
            name: name.to_owned(),
            id,
            online,
            ip: ip.map(|text| text.parse().expect("an address")),
        };
        PmxMembers { node_name: "ash".to_owned(), cluster: None, nodes: nodes.iter().map(node).collect() }
    }

    fn of_beech(lists: &[PmxMembers]) -> Vec<String> {
        let lists: Vec<&PmxMembers> = lists.iter().collect();
        addresses("beech", &[1], &lists).iter().map(IpAddr::to_string).collect()
    }

    #[test]
    fn what_anybody_remembers_counts() {
        let ash = ("ash", 1, true, Some("10.0.0.1"));
        let started_since = list(&[ash, ("beech", 2, false, None)]);
        let remembers = list(&[ash, ("beech", 2, false, Some("10.0.0.2"))]);
        assert!(of_beech(std::slice::from_ref(&started_since)).is_empty());
        assert_eq!(of_beech(&[started_since, remembers]), ["10.0.0.2"]);
    }

    #[test]
    fn what_somebody_else_has_by_now_says_nothing_of_it() {
        let moved = list(&[("ash", 1, true, Some("10.0.0.2")), ("beech", 2, false, Some("10.0.0.2"))]);
        assert!(of_beech(&[moved]).is_empty());
        let away_too = list(&[("cedar", 3, false, Some("10.0.0.2")), ("beech", 2, false, Some("10.0.0.2"))]);
        assert_eq!(of_beech(&[away_too]), ["10.0.0.2"]);
        let loopback = list(&[("ash", 1, true, None), ("beech", 2, false, Some("127.0.1.1"))]);
        assert!(of_beech(&[loopback]).is_empty());
    }
}
