//! What happened between two snapshots, for the history and for one polite sentence to screen readers.

use super::{
    Aged, Agreement, Contact, Happening, HappeningCode, LinkHealth, NodeState, PairLink, Partition, QdeviceState,
    Snapshot,
};
use crate::observation::{Fact, Freshness};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that changed, members first. A member's links go with it: eight lines would say what one says.
///
/// What is not known now has not changed: silence is not an event, except as a lost connection.
#[must_use]
pub fn changes(before: &Snapshot, after: &Snapshot) -> Vec<Happening> {
    let mut found = quorum_changes(before, after);
    found.extend(view_changes(before, after));
    found.extend(qdevice_change(before, after));
    found.extend(link_changes(before, after));
    found.extend(contact_changes(before, after));
    found
}

fn happening<T>(fact: &Fact<T>, code: HappeningCode, params: &[(&str, String)]) -> Happening {
    at(fact.at, format!("{}: {}", fact.node, fact.command), code, params)
}

fn at(at: Timestamp, source: String, code: HappeningCode, params: &[(&str, String)]) -> Happening {
    let params = params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Happening { at, code, params, source }
}

fn known<T>(aged: Option<&Aged<T>>) -> Option<&Fact<T>> {
    aged.filter(|aged| aged.freshness != Freshness::Unknown).map(|aged| &aged.fact)
}

/// Members and quorum, of the partition that counts. The last one heard of stands for before, however old it is.
fn quorum_changes(before: &Snapshot, after: &Snapshot) -> Vec<Happening> {
    let (Some(old), Some(new)) = (before.quorum.as_ref().map(|aged| &aged.fact), known(after.quorum.as_ref())) else {
        return Vec::new();
    };
    let names = |fact: &Fact<Partition>| fact.value.members.iter().cloned().collect::<BTreeSet<String>>();
    let (were, are) = (names(old), names(new));
    let event = |code, name: &String| happening(new, code, &[("node", name.clone())]);
    let mut found: Vec<Happening> = were.difference(&are).map(|name| event(HappeningCode::MemberLeft, name)).collect();
    found.extend(are.difference(&were).map(|name| event(HappeningCode::MemberJoined, name)));
    let code = match (old.value.quorate, new.value.quorate) {
        (true, false) => HappeningCode::QuorumLost,
        (false, true) => HappeningCode::QuorumGained,
        _ => return found,
    };
    let params = [("votes", new.value.total_votes.to_string()), ("quorum", new.value.quorum.to_string())];
    found.push(happening(new, code, &params));
    found
}

fn view_changes(before: &Snapshot, after: &Snapshot) -> Option<Happening> {
    let fact = known(after.quorum.as_ref())?;
    match (&before.agreement, &after.agreement) {
        (Agreement::Agreed { .. }, Agreement::Partitioned { partitions }) => {
            Some(happening(fact, HappeningCode::ViewsDiffer, &[("views", partitions.len().to_string())]))
        }
        (Agreement::Partitioned { .. }, Agreement::Agreed { .. }) => {
            Some(happening(fact, HappeningCode::ViewsAgree, &[]))
        }
        _ => None,
    }
}

fn qdevice_change(before: &Snapshot, after: &Snapshot) -> Option<Happening> {
    let (old, new) = (&before.qdevice.as_ref()?.fact, known(after.qdevice.as_ref())?);
    let params =
        |state: &QdeviceState| [("votes", state.votes.to_string()), ("configured", state.configured_votes.to_string())];
    match (old.value.works(), new.value.works()) {
        (true, false) => Some(happening(new, HappeningCode::QdeviceLost, &params(&new.value))),
        (false, true) => Some(happening(new, HappeningCode::QdeviceBack, &params(&new.value))),
        _ => None,
    }
}

fn link_changes(before: &Snapshot, after: &Snapshot) -> Vec<Happening> {
    let (were, are) = (members(before), members(after));
    let stays = |name: &str| were.contains(name) && are.contains(name);
    let old: BTreeMap<(&str, &str, u8), LinkHealth> =
        before.links.iter().map(|link| ((link.from.as_str(), link.to.as_str(), link.link), link.health)).collect();
    let event = |link: &PairLink| {
        let code = match (old.get(&(link.from.as_str(), link.to.as_str(), link.link))?, link.health) {
            (LinkHealth::Up, LinkHealth::Down | LinkHealth::OneWay) => HappeningCode::LinkDown,
            (LinkHealth::Down | LinkHealth::OneWay, LinkHealth::Up) => HappeningCode::LinkUp,
            _ => return None,
        };
        let fact = link.told_by.first()?;
        let params = [("link", link.link.to_string()), ("from", link.from.clone()), ("to", link.to.clone())];
        Some(happening(fact, code, &params))
    };
    after.links.iter().filter(|link| stays(&link.from) && stays(&link.to)).filter_map(event).collect()
}

/// The partition that counts, quorate or not: whoever is outside has left it, and his links with him.
fn members(snapshot: &Snapshot) -> BTreeSet<&str> {
    snapshot.quorum.iter().flat_map(|aged| &aged.fact.value.members).map(String::as_str).collect()
}

fn contact_changes(before: &Snapshot, after: &Snapshot) -> Vec<Happening> {
    let old: BTreeMap<&str, &Contact> = before.nodes.iter().map(|node| (node.name.as_str(), &node.contact)).collect();
    let event = |node: &NodeState| {
        let named = ("node", node.name.clone());
        let source = format!("{}: ssh", node.name);
        match (old.get(node.name.as_str())?, &node.contact) {
            (Contact::Connected { .. }, Contact::Lost { since, problem }) => {
                let why = ("problem", problem.code.as_str().to_owned());
                Some(at(*since, source, HappeningCode::ContactLost, &[named, why]))
            }
            (Contact::Lost { .. }, Contact::Connected { since }) => {
                Some(at(*since, source, HappeningCode::ContactBack, &[named]))
            }
            _ => None,
        }
    };
    after.nodes.iter().filter_map(event).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::NodeView;
    use crate::topology::fixture::{cut_off, fact, folded, links, silent, view, with_qdevice};

    fn three(ring: &str, second: i64) -> Vec<NodeView> {
        (1..=3).map(|n| view(n, &[1, 2, 3], ring, 3, second)).collect()
    }

    /// Codes with the parameters' values, from one set of answers to another.
    fn told(before: &[NodeView], after: &[NodeView], second: i64) -> Vec<(HappeningCode, Vec<String>)> {
        let found = changes(&folded(before, second - 1), &folded(after, second));
        found.into_iter().map(|one| (one.code, one.params.into_values().collect())).collect()
    }

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn nothing_new_is_no_news() {
        assert_eq!(told(&three("1.d", 0), &three("1.d", 1), 2), []);
        assert_eq!(told(&[silent(1)], &three("1.d", 1), 2), [], "the first look is no event");
        assert_eq!(told(&three("1.d", 0), &three("1.d", 0), 200), [], "silence is no event");
    }

    #[test]
    fn a_node_that_dies_is_one_event_and_its_links_are_none() {
        let two = |second| vec![view(1, &[1, 2], "1.11", 3, second), view(2, &[1, 2], "1.11", 3, second)];
        let mut after = two(6);
        after.push(view(3, &[1, 2, 3], "1.d", 3, 0));
        assert_eq!(told(&three("1.d", 0), &after, 7), [(HappeningCode::MemberLeft, words(&["cedar"]))]);
        let mut gone = two(6);
        gone.push(cut_off(view(3, &[1, 2, 3], "1.d", 3, 0), 8));
        assert_eq!(told(&after, &gone, 9), [(HappeningCode::ContactLost, words(&["cedar", "connection_lost"]))]);
        let back = told(&gone, &three("1.15", 20), 21);
        assert_eq!(
            back.iter().map(|one| one.0).collect::<Vec<_>>(),
            [HappeningCode::MemberJoined, HappeningCode::ContactBack]
        );
        let event = changes(&folded(&three("1.d", 0), 6), &folded(&after, 7)).remove(0);
        assert_eq!(
            (event.at, event.source.ends_with("corosync-quorumtool -si")),
            (crate::topology::fixture::time(6), true)
        );
    }

    #[test]
    fn links_that_fall_before_their_member_are_told_once_each() {
        let mut cut = three("1.d", 3);
        for (own, peer) in [(1, 3), (3, 1)] {
            cut[own - 1].links =
                Some(fact(own as u32, "corosync-cfgtool -n", links(own as u32, &[1, 2, 3], &[(0, peer)]), 3));
        }
        assert_eq!(told(&three("1.d", 0), &cut, 4), [(HappeningCode::LinkDown, words(&["ash", "0", "cedar"]))]);
        assert_eq!(told(&cut, &three("1.d", 5), 6), [(HappeningCode::LinkUp, words(&["ash", "0", "cedar"]))]);
        let mut one_end = cut.clone();
        one_end[2].links = three("1.d", 3)[2].links.clone();
        assert_eq!(told(&one_end, &cut, 4), [], "one way and down are one event");
    }

    #[test]
    fn quorum_is_lost_and_gained_with_its_votes() {
        let alone = [view(1, &[1], "1.15", 3, 30), silent(2), silent(3)];
        let lost = told(&three("1.d", 0), &alone, 31);
        let left = |name| (HappeningCode::MemberLeft, words(&[name]));
        assert_eq!(lost, [left("beech"), left("cedar"), (HappeningCode::QuorumLost, words(&["2", "1"]))]);
        let gained = told(&alone, &three("1.19", 40), 41);
        assert!(gained.contains(&(HappeningCode::QuorumGained, words(&["2", "3"]))), "{gained:?}");
    }

    #[test]
    fn views_differ_and_agree_again() {
        let split = [view(1, &[1, 2], "1.11", 3, 5), view(2, &[1, 2], "1.11", 3, 5), view(3, &[3], "3.11", 3, 5)];
        let apart = told(&three("1.d", 0), &split, 6);
        assert_eq!(
            apart,
            [(HappeningCode::MemberLeft, words(&["cedar"])), (HappeningCode::ViewsDiffer, words(&["2"]))]
        );
        let whole = told(&split, &three("1.15", 9), 10);
        assert!(whole.contains(&(HappeningCode::ViewsAgree, Vec::new())), "{whole:?}");
    }

    #[test]
    fn a_qdevice_is_lost_and_comes_back() {
        let two = |voting, at| -> Vec<NodeView> {
            (1..=2).map(|n| with_qdevice(view(n, &[1, 2], "1.9", 2, at), voting)).collect()
        };
        assert_eq!(told(&two(true, 0), &two(false, 1), 2), [(HappeningCode::QdeviceLost, words(&["1", "0"]))]);
        assert_eq!(told(&two(false, 1), &two(true, 2), 3), [(HappeningCode::QdeviceBack, words(&["1", "1"]))]);
    }
}
