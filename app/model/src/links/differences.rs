//! Two choices of links side by side, where two people chose at the same time.

use super::LinkPlan;
use crate::ids::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// Where two choices differ: an address of a node, or a link's priority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub link: u8,
    /// `None` where the priority differs.
    pub node: Option<NodeId>,
    /// `None` where this choice has no such link, address, or priority.
    pub mine: Option<String>,
    pub theirs: Option<String>,
}

type Values = BTreeMap<(u8, Option<NodeId>), String>;

fn values(links: &[LinkPlan]) -> Values {
    let mut found = Values::new();
    for link in links {
        found.extend(link.addresses.iter().map(|(node, address)| ((link.number, Some(*node)), address.to_string())));
        found.extend(link.priority.map(|priority| ((link.number, None), priority.to_string())));
    }
    found
}

/// Every difference, by link.
#[must_use]
pub fn differences(mine: &[LinkPlan], theirs: &[LinkPlan]) -> Vec<Difference> {
    let (mine, theirs) = (values(mine), values(theirs));
    let keys: BTreeSet<_> = mine.keys().chain(theirs.keys()).copied().collect();
    let differ = keys.into_iter().filter(|key| mine.get(key) != theirs.get(key));
    differ
        .map(|key| Difference {
            link: key.0,
            node: key.1,
            mine: mine.get(&key).cloned(),
            theirs: theirs.get(&key).cloned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn link(number: u8, priority: Option<u32>, addresses: &[(u128, &str)]) -> LinkPlan {
        let address = |(node, text): &(u128, &str)| {
            (NodeId::from_uuid(Uuid::from_u128(*node)), text.parse().expect("an address"))
        };
        LinkPlan { number, priority, network: None, addresses: addresses.iter().map(address).collect() }
    }

    #[test]
    fn what_differs_is_named_with_both_values_and_the_rest_is_not() {
        let mine = [link(0, Some(10), &[(1, "10.0.1.11"), (2, "10.0.1.12")])];
        let theirs = [link(0, Some(20), &[(1, "10.0.1.11"), (2, "10.0.1.22")]), link(1, None, &[(1, "10.0.2.11")])];
        assert_eq!(differences(&mine, &mine), Vec::new());
        let node = |id: u128| Some(NodeId::from_uuid(Uuid::from_u128(id)));
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            differences(&mine, &theirs),
            [
                Difference { link: 0, node: None, mine: text("10"), theirs: text("20") },
                Difference { link: 0, node: node(2), mine: text("10.0.1.12"), theirs: text("10.0.1.22") },
                Difference { link: 1, node: node(1), mine: None, theirs: text("10.0.2.11") },
            ]
        );
        let turned = differences(&theirs, &mine);
        assert!(turned.iter().any(|one| one.link == 1 && one.theirs.is_none()), "a link that is gone is a difference");
    }
}
