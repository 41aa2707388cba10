//! Addresses of a node as pmxcfs lists them: they need not be those of its links.

use model::facts::PmxMembers;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The most addresses of one node that are taken from lists; a node has one.
const LISTED_MAX: usize = 16;

/// After anybody who was asked: a member that has started since then has forgotten those that were away. What a member of this
/// side has by now is nobody else's; `side` are the lists of its nodes, `links` their addresses in corosync.conf.
pub fn addresses(
    name: &str,
    lists: &[&PmxMembers],
    side: &[&PmxMembers],
    links: &BTreeSet<IpAddr>,
) -> BTreeSet<IpAddr> {
    let taken = |address: &IpAddr| {
        let by = side.iter().flat_map(|list| &list.nodes).find(|one| one.online && one.ip == Some(*address));
        links.contains(address) || by.is_some_and(|one| one.name != name)
    };
    let own = lists.iter().flat_map(|list| &list.nodes).filter(|one| one.name == name).filter_map(|one| one.ip);
    own.filter(|address| is_elsewhere(address) && !taken(address)).take(LISTED_MAX).collect()
}

/// An address that leads to one machine, and not to the one that asks.
pub fn is_elsewhere(address: &IpAddr) -> bool {
    let address = address.to_canonical();
    !(address.is_loopback() || address.is_unspecified() || address.is_multicast())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::facts::{CorosyncNodeId, PmxMember};

    fn list(nodes: &[(&str, CorosyncNodeId, bool, Option<&str>)]) -> PmxMembers {
        let node = |&(name, id, online, ip): &(&str, CorosyncNodeId, bool, Option<&str>)| PmxMember {
            name: name.to_owned(),
            id,
            online,
            ip: ip.map(|text| text.parse().expect("an address")),
        };
        PmxMembers { node_name: "ash".to_owned(), cluster: None, nodes: nodes.iter().map(node).collect() }
    }

    /// The first is of a node of the side.
    fn of_beech(lists: &[PmxMembers], links: &[&str]) -> Vec<String> {
        let lists: Vec<&PmxMembers> = lists.iter().collect();
        let links = links.iter().map(|text| text.parse().expect("an address")).collect();
        addresses("beech", &lists, &lists[..1], &links).iter().map(IpAddr::to_string).collect()
    }

    #[test]
    fn what_anybody_remembers_counts() {
        let ash = ("ash", 1, true, Some("10.0.0.1"));
        let started_since = list(&[ash, ("beech", 2, false, None)]);
        let remembers = list(&[ash, ("beech", 2, false, Some("10.0.0.2"))]);
        assert!(of_beech(std::slice::from_ref(&started_since), &[]).is_empty());
        assert_eq!(of_beech(&[started_since, remembers], &[]), ["10.0.0.2"]);
    }

    #[test]
    fn what_a_member_of_the_side_has_by_now_says_nothing_of_it() {
        let moved = list(&[("ash", 1, true, Some("10.0.0.2")), ("beech", 2, false, Some("10.0.0.2"))]);
        assert!(of_beech(std::slice::from_ref(&moved), &[]).is_empty());
        let own = list(&[("ash", 1, true, Some("10.0.0.1")), ("beech", 2, false, Some("10.0.0.2"))]);
        assert!(of_beech(std::slice::from_ref(&own), &["10.0.0.2"]).is_empty(), "the address of a link");
        assert_eq!(of_beech(&[own, moved], &[]), ["10.0.0.2"], "the word of the other side takes nothing away");
        let away_too = list(&[("cedar", 3, false, Some("10.0.0.2")), ("beech", 2, false, Some("10.0.0.2"))]);
        assert_eq!(of_beech(&[away_too], &[]), ["10.0.0.2"]);
    }

    #[test]
    fn only_machines_are_knocked_at_and_not_too_many() {
        for nobody in ["127.0.1.1", "0.0.0.0", "::", "::ffff:127.0.0.1", "224.0.0.1", "ff02::1"] {
            assert!(of_beech(&[list(&[("beech", 2, false, Some(nobody))])], &[]).is_empty(), "{nobody}");
        }
        let many: Vec<String> = (1..=99).map(|last| format!("10.0.0.{last}")).collect();
        let many: Vec<_> = many.iter().map(|text| ("beech", 2, false, Some(text.as_str()))).collect();
        assert_eq!(of_beech(&[list(&many)], &[]).len(), LISTED_MAX);
    }
}
