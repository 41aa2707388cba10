//! One link as a table: from the node of the row to the node of the column, each cell opens its figures.

use super::context::Wizard;
use super::figures::{lost_percent, millis};
use super::measured::Seen;
use crate::components::Tone;
use crate::i18n::*;
use crate::reactive::part;
use crate::words::use_words;
use leptos::prelude::*;
use model::ids::NodeId;
use model::links::LinkPlan;
use model::measure::Way;
use model::preflight::Verdict;

/// Link, from, to of the cell whose figures are shown.
pub type Chosen = RwSignal<Option<(u8, NodeId, NodeId)>>;

/// With more nodes the cells say their latency only; the rest is behind them.
const DETAILED_MAX: usize = 8;

#[component]
pub fn PairGrid(link: LinkPlan, seen: Seen, chosen: Chosen) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let number = link.number;
    let nodes = StoredValue::new(wizard.view.with_untracked(|view| {
        let mut nodes: Vec<_> = view.view.nodes.iter().filter(|node| link.addresses.contains_key(&node.id)).collect();
        nodes.sort_by_key(|node| node.position);
        nodes.into_iter().map(|node| (node.id, node.label().to_owned())).collect::<Vec<_>>()
    }));
    let head = nodes.with_value(|nodes| {
        nodes.iter().map(|(_, label)| view! { <th scope="col">{label.clone()}</th> }).collect_view()
    });
    let body = part(move || {
        nodes.with_value(|nodes| nodes.iter().map(|from| row(number, from, nodes, seen, chosen)).collect_view())
    });
    view! {
        <div class="table-scroll grid-scroll" role="region" aria-label=text!(i18n, wizard.measure_table) tabindex="0">
            <table class="table grid pair-grid">
                <caption class="visually-hidden">{word!(i18n, wizard.measure_caption, number = number)}</caption>
                <thead><tr><th scope="col">{word!(i18n, wizard.measure_from_to)}</th>{head}</tr></thead>
                <tbody>{body}</tbody>
            </table>
        </div>
    }
}

fn row(
    number: u8,
    from: &(NodeId, String),
    nodes: &[(NodeId, String)],
    seen: Seen,
    chosen: Chosen,
) -> impl IntoView + use<> {
    let detailed = nodes.len() <= DETAILED_MAX;
    let cells = nodes
        .iter()
        .map(|to| {
            if to.0 == from.0 {
                return view! { <td class="pair-self">"—"</td> }.into_any();
            }
            let way = seen.measurement.with(|one| one.as_ref().and_then(|one| one.way(number, from.0, to.0).cloned()));
            cell((number, from.0, to.0), (&from.1, &to.1), way, detailed, seen, chosen).into_any()
        })
        .collect_view();
    view! { <tr><th scope="row">{from.1.clone()}</th>{cells}</tr> }
}

fn cell(
    key: (u8, NodeId, NodeId),
    (from, to): (&str, &str),
    way: Option<Way>,
    detailed: bool,
    seen: Seen,
    chosen: Chosen,
) -> impl IntoView + use<> {
    let i18n = use_i18n();
    let words = use_words();
    let tone = way.as_ref().map(|way| seen.tone(way.verdict));
    let verdict = match way.as_ref().map(|way| way.verdict) {
        Some(verdict) => words.plain("verdict", verdict.word()),
        None => said!(i18n, wizard.figure_unknown).to_owned(),
    };
    let (first, second) = figures(way.as_ref(), &verdict);
    let name = said!(i18n, wizard.measure_way, number = key.0, from = from.to_owned(), to = to.to_owned()).to_string();
    let spoken =
        format!("{name}: {verdict}, {first}{}", second.as_ref().map(|text| format!(", {text}")).unwrap_or_default());
    let pressed = move || chosen.with(|one| *one == Some(key)).to_string();
    let more = second.filter(|_| detailed).map(|text| view! { <span class="pair-more">{text}</span> });
    view! {
        <td>
            <button
                type="button"
                class=format!("badge grid-cell pair-cell badge-{}", tone.map_or("plain", Tone::word))
                aria-pressed=pressed
                aria-label=spoken
                on:click=move |_| chosen.set(Some(key))
            >
                <span class="badge-icon" aria-hidden="true">{tone.map_or("·", Tone::icon)}</span>
                <span aria-hidden="true">{first}{more}</span>
            </button>
        </td>
    }
}

/// The latency or the reason why there is none; jitter, loss and path MTU.
fn figures(way: Option<&Way>, verdict: &str) -> (String, Option<String>) {
    let Some((way, pings)) = way.and_then(|way| Some((way, way.pings?))) else { return (verdict.to_owned(), None) };
    let loss = format!("{} %", lost_percent(&pings));
    if pings.received == 0 {
        return (loss, None);
    }
    let mtu = way.path_mtu.map(|mtu| format!(" · {}", mtu.found)).unwrap_or_default();
    let first = format!("{} ms", millis(pings.avg_us));
    // What fails without being slow says so where only the latency is seen.
    let first = if way.verdict >= Verdict::Warn { format!("{first} · {loss}") } else { first };
    (first, Some(format!("± {} · {loss}{mtu}", millis(pings.jitter_us))))
}
