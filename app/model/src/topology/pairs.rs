//! Every link of every pair, from both ends.

use super::told::{SETTLE_S, Told, cut_off_since};
use super::{LinkHealth, NodeView, PairLink, judge};
use crate::facts::{ConfNode, LinkStatus};
use crate::observation::{Fact, Freshness, carry};

pub fn pair_links(told: &Told<'_>) -> Vec<PairLink> {
    let Some(conf) = told.conf else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (index, one) in conf.value.nodes.iter().enumerate() {
        for other in conf.value.nodes.iter().skip(index + 1) {
            let (from, to) = if one.name <= other.name { (one, other) } else { (other, one) };
            let numbers = from.addresses.keys().filter(|number| to.addresses.contains_key(number));
            found.extend(numbers.map(|number| pair_link(*number, from, to, told)));
        }
    }
    judge::mark_preferred(&mut found, &conf.value.link_priorities);
    found.sort_by(|a, b| (&a.from, &a.to, a.link).cmp(&(&b.from, &b.to, b.link)));
    found
}

/// What one end says of the link: connected or not, and the MTU in bytes.
type End = (Fact<bool>, Option<u32>);

fn pair_link(link: u8, from: &ConfNode, to: &ConfNode, told: &Told<'_>) -> PairLink {
    let ends = both_ends(link, from, to, told);
    let ups = ends.iter().filter(|(fact, _)| fact.value).count();
    let health = match (ends.len(), ups) {
        (0, _) => LinkHealth::Unknown,
        (all, ups) if all == ups => LinkHealth::Up,
        (_, 0) => LinkHealth::Down,
        _ => LinkHealth::OneWay,
    };
    PairLink {
        link,
        from: from.name.clone(),
        to: to.name.clone(),
        health,
        preferred: false,
        freshness: ends.first().map_or(Freshness::Unknown, |(fact, _)| told.freshness(fact.at)),
        mtu: ends.iter().find_map(|(_, mtu)| *mtu),
        told_by: ends.into_iter().map(|(fact, _)| fact).collect(),
    }
}

/// The believed ends, newest first.
fn both_ends(link: u8, from: &ConfNode, to: &ConfNode, told: &Told<'_>) -> Vec<End> {
    let looks: Vec<(&NodeView, &Fact<LinkStatus>, u32)> = [(from, to), (to, from)]
        .into_iter()
        .filter_map(|(end, peer)| {
            let view = told.view(&end.name)?;
            let fact = view.links.as_ref().filter(|fact| told.freshness(fact.at) != Freshness::Unknown)?;
            Some((view, fact, peer.id))
        })
        .collect();
    // An end that was cut off, or has long been silent, does not contradict what the other end says now.
    let overtaken = |view: &NodeView, fact: &Fact<LinkStatus>| {
        looks.iter().any(|(_, other, _)| {
            other.at > fact.at
                && (cut_off_since(view, fact.at) || other.at.duration_since(fact.at).as_secs() >= SETTLE_S)
        })
    };
    let mut ends: Vec<End> = looks
        .iter()
        .filter(|(view, fact, _)| !overtaken(view, fact))
        .map(|(_, fact, peer)| {
            // A peer that is not listed at all is not reachable: `-n` prints reachable nodes only.
            let row = fact.value.links.iter().find(|row| row.peer == *peer && row.link == link);
            (carry(fact, row.is_some_and(|row| row.connected)), row.and_then(|row| row.mtu))
        })
        .collect();
    ends.sort_by_key(|(fact, _)| std::cmp::Reverse(fact.at));
    ends
}
