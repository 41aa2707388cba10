//! The drawing: nodes on an ellipse, every link of every pair as a line, the QDevice in a shape of its own.

use super::geometry::{Plan, parallel};
use super::{Selected, Selection, looks};
use crate::components::short;
use crate::i18n::*;
use crate::reactive::{memo, part};
use crate::state::clock::use_clock;
use crate::state::live::LiveCluster;
use crate::words::{Words, use_words};
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use model::observation::Freshness;
use model::topology::{Aged, LinkHealth, Membership, NodeState, PairLink, QdeviceState, Snapshot};
use std::collections::BTreeMap;

/// Half the width and height of the QDevice's shape.
const DEVICE_HALF: (f64, f64) = (62.0, 24.0);

#[component]
pub fn Drawing(live: LiveCluster, selection: Selection) -> impl IntoView {
    let i18n = use_i18n();
    let plan = memo(move |_| Plan::new(live.believed.with(|one| one.nodes.len())));
    let has_device = memo(move |_| live.believed.with(|one| one.qdevice.is_some()));
    let frame = move || {
        let plan = plan.get();
        let (top, height) = plan.bounds(has_device.get());
        format!("0 {top} {} {height}", plan.width)
    };
    let shapes = part(move || {
        let plan = plan.get();
        live.believed.with(|one| {
            let cards = one
                .nodes
                .iter()
                .enumerate()
                .map(|(index, node)| view! { <Card node=node.clone() plan index selection/> });
            cards.collect_view()
        })
    });
    let device = part(move || {
        let plan = plan.get();
        live.believed
            .with(|one| one.qdevice.as_ref().map(|aged| view! { <Device device=aged.clone() plan selection/> }))
    });
    view! {
        <div class="topology-box"><svg class="topology" viewBox=frame role="group" aria-label=move || said!(i18n, pages.drawing_label)>
            <g class="wires">{part(move || live.believed.with(|one| wires(i18n, one, plan.get())))}</g>
            {device}
            {shapes}
        </svg></div>
        <Legend/>
    }
    .into_any()
}

/// What a line looks like; the words are in its title and in the table.
fn wire_class(link: &PairLink, one_is_out: bool) -> &'static str {
    match link.health {
        LinkHealth::Unknown => "wire-unknown",
        LinkHealth::Down | LinkHealth::OneWay if one_is_out => "wire-gone",
        LinkHealth::OneWay => "wire-one-way",
        LinkHealth::Down => "wire-down",
        LinkHealth::Up if link.preferred => "wire-used",
        LinkHealth::Up => "wire-standby",
    }
}

fn wires(i18n: I18n, snapshot: &Snapshot, plan: Plan) -> impl IntoView + use<> {
    let words = use_words();
    let places: BTreeMap<&str, (usize, bool)> = snapshot
        .nodes
        .iter()
        .enumerate()
        .map(|(index, node)| (node.name.as_str(), (index, node.membership != Membership::Member)))
        .collect();
    let mut numbers: Vec<u8> = snapshot.links.iter().map(|link| link.link).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let line = |link: &PairLink| {
        let (from, from_out) = *places.get(link.from.as_str())?;
        let (to, to_out) = *places.get(link.to.as_str())?;
        let index = numbers.iter().position(|number| *number == link.link).unwrap_or(0);
        let (start, end) = parallel(plan.place(from), plan.place(to), index, numbers.len());
        let title = wire_title(i18n, words, link);
        let stale = if link.freshness == Freshness::Stale { " wire-stale" } else { "" };
        Some(view! {
            <line class=format!("wire {}{stale}", wire_class(link, from_out || to_out)) x1=start.x y1=start.y x2=end.x y2=end.y>
                <title>{title}</title>
            </line>
        })
    };
    snapshot.links.iter().filter_map(line).collect_view()
}

fn wire_title(i18n: I18n, words: Words, link: &PairLink) -> String {
    let number = said!(i18n, pages.address_of_link, link = link.link);
    let state = words.plain("link", link.health.word());
    match link.freshness {
        Freshness::Stale => {
            format!("{} – {}, {number}: {state}, {}", link.from, link.to, said!(i18n, common.stale))
        }
        _ => format!("{} – {}, {number}: {state}", link.from, link.to),
    }
}

/// What stands on the second line of a card.
fn state_of(node: &NodeState, words: Words) -> String {
    words.plain("membership", node.membership.word())
}

/// `, stale` for readers of what is not fresh any more; what is too old says *not known* itself.
fn stale_word(i18n: I18n, freshness: Freshness) -> String {
    if freshness == Freshness::Stale { format!(", {}", said!(i18n, common.stale)) } else { String::new() }
}

#[component]
fn Card(node: NodeState, plan: Plan, index: usize, selection: Selection) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let place = plan.place(index);
    let (x, y) = (place.x - plan.card_width / 2.0, place.y - plan.card_height / 2.0);
    let tone = looks::of_node(&node);
    let own = Selected::Node(node.name.clone());
    let on = {
        let own = own.clone();
        move || selection.now.with(|now| now.as_ref() == Some(&own))
    };
    let votes = node.votes;
    let votes_text =
        move || votes.map(|count| said!(i18n, pages.node_votes, count = count).to_string()).unwrap_or_default();
    let label = format!("{}, {}{}", node.name, state_of(&node, words), stale_word(i18n, node.freshness));
    let told_at = node.membership_source.as_ref().filter(|_| node.freshness == Freshness::Stale).map(|fact| fact.at);
    let clock = use_clock();
    let age = part(move || told_at.map(|at| format!(" · {}", short(clock.age_s(at)))));
    let baseline = y + if plan.roomy { 22.0 } else { 20.0 };
    let second = plan.roomy.then(|| {
        view! {
            <text class="node-state" aria-hidden="true" x=x + 12.0 y=y + 43.0>{tone.icon()}" "{state_of(&node, words)}{age}</text>
            <text class="node-votes" aria-hidden="true" x=x + plan.card_width - 12.0 y=baseline text-anchor="end">{votes_text}</text>
        }
    });
    let press = {
        let own = own.clone();
        move || selection.choose(own.clone())
    };
    let click = {
        let press = press.clone();
        move |_| press()
    };
    view! {
        <g class=format!("node node-{}", tone.word()) tabindex="0" role="button" aria-label=label aria-pressed=move || on().to_string()
            on:click=click on:keydown=move |event| on_key(&event, &press)>
            <rect x=x y=y width=plan.card_width height=plan.card_height rx="8"></rect>
            <text class="node-icon" aria-hidden="true" x=x + 12.0 y=baseline>{tone.icon()}</text>
            <text class="node-name" aria-hidden="true" x=x + 28.0 y=baseline>{cut(&node.name, if plan.roomy { 13 } else { 10 })}</text>
            {second}
        </g>
    }
    .into_any()
}

#[component]
fn Device(device: Aged<QdeviceState>, plan: Plan, selection: Selection) -> impl IntoView {
    let i18n = use_i18n();
    let place = plan.qdevice();
    let tone = looks::of_device(&device);
    let Aged { fact, freshness } = device;
    let (votes, configured) = (fact.value.votes, fact.value.configured_votes);
    let (half_width, half_height) = DEVICE_HALF;
    let corners = [(-1.0, 0.0), (-0.8, -1.0), (0.8, -1.0), (1.0, 0.0), (0.8, 1.0), (-0.8, 1.0)];
    let points =
        corners.map(|(dx, dy)| format!("{},{}", place.x + dx * half_width, place.y + dy * half_height)).join(" ");
    let on = move || selection.now.with(|now| now.as_ref() == Some(&Selected::Qdevice));
    let press = move || selection.choose(Selected::Qdevice);
    let text = move || match freshness {
        Freshness::Unknown => said!(i18n, common.not_known).to_owned(),
        _ => said!(i18n, pages.qdevice_votes, votes = votes, configured = configured).to_string(),
    };
    let label = move || format!("QDevice, {}{}", text(), stale_word(i18n, freshness));
    view! {
        <g class=format!("node device node-{}", tone.word()) tabindex="0" role="button" aria-label=label
            aria-pressed=move || on().to_string() on:click=move |_| press() on:keydown=move |event| on_key(&event, &press)>
            <polygon points=points></polygon>
            <text class="node-name" aria-hidden="true" x=place.x y=place.y - 3.0 text-anchor="middle">{tone.icon()}" QDevice"</text>
            <text class="node-votes" aria-hidden="true" x=place.x y=place.y + 14.0 text-anchor="middle">{text}</text>
        </g>
    }
    .into_any()
}

/// Enter and the space bar press what looks like a button.
fn on_key(event: &KeyboardEvent, press: &impl Fn()) {
    if matches!(event.key().as_str(), "Enter" | " ") {
        event.prevent_default();
        press();
    }
}

/// Long names end in `…`; the whole one stands in the details.
fn cut(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return name.to_owned();
    }
    let mut short: String = name.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[component]
fn Legend() -> impl IntoView {
    let i18n = use_i18n();
    let item = |class: &'static str, word: AnyView| {
        view! {
            <li>
                <svg class="legend-line" viewBox="0 0 28 6" aria-hidden="true"><line class=format!("wire {class}") x1="0" y1="3" x2="28" y2="3"></line></svg>
                {word}
            </li>
        }
    };
    view! {
        <ul class="legend">
            {item("wire-used", word!(i18n, pages.legend_used).into_any())}
            {item("wire-standby", word!(i18n, pages.legend_standby).into_any())}
            {item("wire-one-way", word!(i18n, pages.legend_one_way).into_any())}
            {item("wire-down", word!(i18n, pages.legend_down).into_any())}
            {item("wire-gone", word!(i18n, pages.legend_gone).into_any())}
            {item("wire-unknown", word!(i18n, pages.legend_unknown).into_any())}
        </ul>
    }
    .into_any()
}
