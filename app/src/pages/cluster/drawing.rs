//! The drawing: nodes on an ellipse, every link of every pair as a line, the QDevice in a shape of its own.

use super::geometry::Plan;
use super::wires::Wires;
use super::{Selected, Selection, looks};
use crate::components::{Tone, short};
use crate::i18n::*;
use crate::reactive::{memo, part};
use crate::state::clock::use_clock;
use crate::state::live::LiveCluster;
use crate::words::{Words, use_words};
use jiff::Timestamp;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use model::observation::Freshness;
use model::topology::{Aged, Membership, NodeState, QdeviceState};

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
    let looks = memo(move |_| live.believed.with(|one| one.nodes.iter().map(Look::of).collect::<Vec<_>>()));
    let shapes = part(move || {
        let plan = plan.get();
        let cards =
            looks.get().into_iter().enumerate().map(|(index, look)| view! { <Card look plan index selection/> });
        cards.collect_view()
    });
    let device = part(move || {
        let plan = plan.get();
        live.believed
            .with(|one| one.qdevice.as_ref().map(|aged| view! { <Device device=aged.clone() plan selection/> }))
    });
    view! {
        <div class="topology-box"><svg class="topology" viewBox=frame role="group" aria-label=move || said!(i18n, pages.drawing_label)>
            <Wires live plan/>
            {device}
            {shapes}
        </svg></div>
        <Legend/>
    }
    .into_any()
}

/// What stands on the second line of a card.
fn state_of(membership: Membership, words: Words) -> String {
    words.plain("membership", membership.word())
}

/// `, stale` for readers of what is not fresh any more; what is too old says *not known* itself.
fn stale_word(i18n: I18n, freshness: Freshness) -> String {
    if freshness == Freshness::Stale { format!(", {}", said!(i18n, common.stale)) } else { String::new() }
}

/// What a card shows of its node: a card is drawn anew only when this changes, not with every answer of the node.
#[derive(Debug, Clone, PartialEq)]
struct Look {
    name: String,
    tone: Tone,
    membership: Membership,
    votes: Option<u32>,
    freshness: Freshness,
    /// Where it is stale: since when nothing newer is known.
    told_at: Option<Timestamp>,
}

impl Look {
    fn of(node: &NodeState) -> Self {
        let source = node.membership_source.as_ref().filter(|_| node.freshness == Freshness::Stale);
        Self {
            name: node.name.clone(),
            tone: looks::of_node(node),
            membership: node.membership,
            votes: node.votes,
            freshness: node.freshness,
            told_at: source.map(|fact| fact.at),
        }
    }
}

#[component]
fn Card(look: Look, plan: Plan, index: usize, selection: Selection) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let place = plan.place(index);
    let (x, y) = (place.x - plan.card_width / 2.0, place.y - plan.card_height / 2.0);
    let tone = look.tone;
    let own = Selected::Node(look.name.clone());
    let on = {
        let own = own.clone();
        move || selection.now.with(|now| now.as_ref() == Some(&own))
    };
    let votes = look.votes;
    let votes_text =
        move || votes.map(|count| said!(i18n, pages.node_votes, count = count).to_string()).unwrap_or_default();
    let state = move || state_of(look.membership, words);
    let name = look.name.clone();
    let label = move || format!("{name}, {}{}", state(), stale_word(i18n, look.freshness));
    let told_at = look.told_at;
    let clock = use_clock();
    let age = part(move || told_at.map(|at| format!(" · {}", short(clock.age_s(at)))));
    let baseline = y + if plan.roomy { 22.0 } else { 20.0 };
    let second = plan.roomy.then(|| {
        view! {
            <text class="node-state" aria-hidden="true" x=x + 12.0 y=y + 43.0>{tone.icon()}" "{part(state)}{age}</text>
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
            <text class="node-name" aria-hidden="true" x=x + 28.0 y=baseline>{cut(&look.name, if plan.roomy { 13 } else { 10 })}</text>
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
