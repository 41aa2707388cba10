//! The lines of the drawing: up to a thousand and more of them, so that each is drawn anew only when it looks different.

use super::geometry::{Plan, parallel};
use crate::i18n::*;
use crate::reactive::{memo, part};
use crate::state::live::LiveCluster;
use crate::words::{Words, use_words};
use leptos::prelude::*;
use model::observation::Freshness;
use model::topology::{LinkHealth, Membership, PairLink, Snapshot};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What one line is drawn from. The times of the answers behind it are not among it: they change every second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Wire {
    link: u8,
    /// Places of its nodes in the list of nodes.
    ends: (usize, usize),
    /// Which of the parallel lines of its pair it is, and how many there are.
    lane: (usize, usize),
    class: &'static str,
    health: &'static str,
    stale: bool,
}

#[component]
pub fn Wires(live: LiveCluster, plan: Memo<Plan>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let names = memo(move |_| {
        live.believed.with(|one| one.nodes.iter().map(|node| node.name.clone()).collect::<Arc<[String]>>())
    });
    let wires = memo(move |_| live.believed.with(wires_of));
    let lines = part(move || {
        let (plan, names) = (plan.get(), names.get());
        let line = move |wire: Wire| line(i18n, words, wire, plan, Arc::clone(&names));
        view! { <For each=move || wires.get() key=|wire| *wire children=line/> }
    });
    view! { <g class="wires">{lines}</g> }.into_any()
}

fn wires_of(snapshot: &Snapshot) -> Vec<Wire> {
    let places: BTreeMap<&str, (usize, bool)> = snapshot
        .nodes
        .iter()
        .enumerate()
        .map(|(index, node)| (node.name.as_str(), (index, node.membership != Membership::Member)))
        .collect();
    let mut numbers: Vec<u8> = snapshot.links.iter().map(|link| link.link).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let wire = |link: &PairLink| {
        let (from, from_out) = *places.get(link.from.as_str())?;
        let (to, to_out) = *places.get(link.to.as_str())?;
        let index = numbers.iter().position(|number| *number == link.link).unwrap_or(0);
        Some(Wire {
            link: link.link,
            ends: (from, to),
            lane: (index, numbers.len()),
            class: class_of(link, from_out || to_out),
            health: link.health.word(),
            stale: link.freshness == Freshness::Stale,
        })
    };
    snapshot.links.iter().filter_map(wire).collect()
}

/// What a line looks like; the words are in its title and in the table.
fn class_of(link: &PairLink, one_is_out: bool) -> &'static str {
    match link.health {
        LinkHealth::Unknown => "wire-unknown",
        LinkHealth::Down | LinkHealth::OneWay if one_is_out => "wire-gone",
        LinkHealth::OneWay => "wire-one-way",
        LinkHealth::Down => "wire-down",
        LinkHealth::Up if link.preferred => "wire-used",
        LinkHealth::Up => "wire-standby",
    }
}

fn line(i18n: I18n, words: Words, wire: Wire, plan: Plan, names: Arc<[String]>) -> AnyView {
    let (from, to) = wire.ends;
    let (start, end) = parallel(plan.place(from), plan.place(to), wire.lane.0, wire.lane.1);
    let stale = if wire.stale { " wire-stale" } else { "" };
    let title = part(move || title_of(i18n, words, wire, &names));
    view! {
        <line class=format!("wire {}{stale}", wire.class) x1=start.x y1=start.y x2=end.x y2=end.y>
            <title>{title}</title>
        </line>
    }
    .into_any()
}

fn title_of(i18n: I18n, words: Words, wire: Wire, names: &[String]) -> String {
    let name = |place: usize| names.get(place).map_or("?", String::as_str);
    let (from, to) = (name(wire.ends.0), name(wire.ends.1));
    let number = said!(i18n, pages.address_of_link, link = wire.link);
    let state = words.plain("link", wire.health);
    let stale = if wire.stale { format!(", {}", said!(i18n, common.stale)) } else { String::new() };
    format!("{from} – {to}, {number}: {state}{stale}")
}
