//! Switches that break the simulated nodes. They exist in the demo only, and say so.

use crate::api;
use crate::api::{ApiResult, DemoSwitch};
use crate::components::{Badge, Card, Notice, Refusal, Spinner, Tone};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::state::live::LiveCluster;
use crate::state::session::use_session;
use crate::words::use_words;
use leptos::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// The faults that people try first; the others wait behind *More*, except where they are at work.
const FIRST: [&str; 5] = ["kill", "freeze", "cut-link", "stop-corosync", "stop-qnetd"];

#[component]
pub fn DemoPanel(live: LiveCluster) -> impl IntoView {
    let i18n = use_i18n();
    // Read in the browser only: the switches are no part of the page that the product paints.
    let read = Action::new(|(): &()| api::demo_switches());
    // Read again when something has happened: a node takes its time to start, and others press switches too.
    let newest = memo(move |_| live.snapshot.with(|one| one.happened.first().map(|event| event.at)));
    Effect::new(move |_| {
        // `track` alone would never compute it, and so never hear of a change.
        let _ = newest.get();
        read.dispatch(());
    });
    let speed = use_session().and_then(|session| session.demo_speed());
    let badge = view! { <Badge tone=Tone::Act word=text!(i18n, pages.demo_only)/> }.into_any();
    let content = part(move || match read.value().get() {
        None => view! { <Spinner word=text!(i18n, common.loading)/> }.into_any(),
        Some(Ok(all)) => view! { <Switchboard all=of_these_nodes(all, live)/> }.into_any(),
        Some(Err(error)) => view! { <Notice problem=error.0/> }.into_any(),
    });
    view! {
        <div class="demo">
            <Card title=text!(i18n, pages.demo_title) extra=badge>
                <p class="muted small">
                    {word!(i18n, pages.demo_text)}
                    {speed.map(|speed| view! { " "{word!(i18n, pages.demo_speed_text, speed = speed.clone())} })}
                </p>
                {content}
            </Card>
        </div>
    }
    .into_any()
}

/// The switches of the set of nodes that this cluster is made of; all while none of its nodes is known.
fn of_these_nodes(all: Vec<DemoSwitch>, live: LiveCluster) -> Vec<DemoSwitch> {
    let known =
        |one: &DemoSwitch| live.snapshot.with_untracked(|now| now.nodes.iter().any(|node| node.name == one.node));
    let sets: BTreeSet<String> = all.iter().filter(|one| known(one)).map(|one| one.set.clone()).collect();
    all.into_iter().filter(|one| sets.is_empty() || sets.contains(&one.set)).collect()
}

#[component]
fn Switchboard(all: Vec<DemoSwitch>) -> impl IntoView {
    let state = RwSignal::new(all);
    let turn = Action::new(move |(id, on): &(String, bool)| {
        let (id, on) = (id.clone(), *on);
        async move {
            let answer: ApiResult<Vec<DemoSwitch>> = api::demo_switch(id, on).await;
            match answer {
                Ok(new) => {
                    state.set(new);
                    None
                }
                Err(error) => Some(error.0),
            }
        }
    });
    // Outside of what is drawn anew with each answer: what a person unfolded stays so.
    let unfolded = RwSignal::new(BTreeSet::<String>::new());
    let groups = part(move || {
        let mut by_node: BTreeMap<String, Vec<DemoSwitch>> = BTreeMap::new();
        for one in state.get() {
            by_node.entry(one.node.clone()).or_default().push(one);
        }
        by_node.into_iter().map(|(node, switches)| view! { <NodeSwitches node switches turn unfolded/> }).collect_view()
    });
    view! {
        <Refusal problem=derived(move || turn.value().get().flatten())/>
        {groups}
    }
    .into_any()
}

type Turn = Action<(String, bool), Option<model::problem::Problem>>;

#[component]
fn NodeSwitches(
    node: String,
    switches: Vec<DemoSwitch>,
    turn: Turn,
    unfolded: RwSignal<BTreeSet<String>>,
) -> impl IntoView {
    let i18n = use_i18n();
    let (first, more): (Vec<_>, Vec<_>) =
        switches.into_iter().partition(|one| one.active || FIRST.contains(&one.kind.as_str()));
    let buttons = |list: Vec<DemoSwitch>| {
        list.into_iter().map(|switch| view! { <Toggle switch turn/> }).collect_view().into_any()
    };
    let (count, empty) = (more.len(), more.is_empty());
    let open = unfolded.with_untracked(|all| all.contains(&node));
    let name = node.clone();
    let words = use_words();
    // What is switched for all hosts of QDevices at once is no node's.
    let legend = derived(move || if node.is_empty() { words.plain("wizard", "qdevice") } else { node.clone() });
    let fold = move |_| {
        unfolded.update_untracked(|all| {
            if !all.remove(&name) {
                all.insert(name.clone());
            }
        });
    };
    view! {
        <fieldset class="demo-node">
            <legend>{part(move || legend.get())}</legend>
            {buttons(first)}
            <details class="demo-more" open=open hidden=empty>
                <summary on:click=fold>{word!(i18n, pages.demo_more, count = count)}</summary>
                {buttons(more)}
            </details>
        </fieldset>
    }
    .into_any()
}

#[component]
fn Toggle(switch: DemoSwitch, turn: Turn) -> impl IntoView {
    let words = use_words();
    let DemoSwitch { id, kind, active, .. } = switch;
    // `cut-link/NODE/1`: what follows the node tells two switches of one kind apart.
    let which = id.split('/').nth(2).map(|part| format!(" {part}")).unwrap_or_default();
    let press = move |_| {
        turn.dispatch((id.clone(), !active));
    };
    view! {
        <button type="button" class="toggle" aria-pressed=active.to_string() on:click=press>
            <span aria-hidden="true">{if active { "✕ " } else { "" }}</span>
            {part(move || words.plain("fault", &kind))}
            {which}
        </button>
    }
    .into_any()
}
