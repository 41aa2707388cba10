//! What is behind one cell of the measured links: all figures, and the lines of both ends.

use super::context::Wizard;
use super::figures::{lost_percent, millis};
use super::measured::Seen;
use super::pair_grid::Chosen;
use crate::api;
use crate::components::{Badge, Card, CodeBlock, FactRow};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::words::use_words;
use leptos::prelude::*;
use leptos::task::spawn_local;
use model::ids::NodeId;
use model::measure::{Way, port};
use model::observation::Evidence;

/// Link, from, to.
type Key = (u8, NodeId, NodeId);

#[component]
pub fn WayPanel(seen: Seen, chosen: Chosen) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let wizard = Wizard::here();
    let found = memo(move |_| {
        let (link, from, to) = chosen.get()?;
        seen.measurement.with(|one| one.as_ref()?.way(link, from, to).cloned())
    });
    let proof = fetched(found);
    let lines = part(move || {
        let (link, from, to) = chosen.get()?;
        let shown = proof.get().filter(|(key, _)| *key == (link, from, to)).map(|(_, evidence)| evidence);
        Some(shown?.into_iter().map(|evidence| view! { <CodeBlock evidence/> }).collect_view())
    });
    let content = part(move || {
        match found.get() {
        None => view! {
            <Card title=text!(i18n, wizard.measure_panel)><p class="muted">{word!(i18n, wizard.measure_panel_none)}</p></Card>
        }
        .into_any(),
        Some(way) => {
            let (from, to) = untrack(|| (wizard.label(way.from), wizard.label(way.to)));
            let title = text!(i18n, wizard.measure_way, number = way.link, from = from.clone(), to = to.clone());
            let (tone, verdict) = (seen.tone(way.verdict), way.verdict.word());
            let word = derived(move || words.plain("verdict", verdict));
            view! {
                <Card title extra=view! { <Badge tone word/> }.into_any()><div class="stack"><Figures way/></div></Card>
            }
            .into_any()
        }
    }
    });
    view! { <div class="stack" aria-live="polite">{content}{lines}</div> }
}

/// The raw lines of the chosen way, asked for when somebody opens it, and again when it was measured again.
fn fetched(found: Memo<Option<Way>>) -> RwSignal<Option<(Key, Vec<Evidence>)>> {
    let wizard = Wizard::here();
    let proof = RwSignal::new(None);
    let finished = memo(move |_| wizard.live.measurement.with(|one| one.as_ref().and_then(|one| one.finished_at)));
    Effect::new(move |_| {
        finished.track();
        let Some((link, from, to)) = found.with(|way| way.as_ref().map(|way| (way.link, way.from, way.to))) else {
            return;
        };
        spawn_local(async move {
            if let Ok(evidence) = api::measure_proof(wizard.id, link, from, to).await {
                proof.set(Some(((link, from, to), evidence)));
            }
        });
    });
    proof
}

#[component]
fn Figures(way: Way) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let Way { link, pings, path_mtu, udp, findings, problem, .. } = way;
    let sentences = findings
        .into_iter()
        .map(|finding| view! { <li>{part(move || words.say("finding", finding.code.as_str(), &finding.params))}</li> })
        .collect_view();
    let why = problem.map(|problem| view! { <li>{part(move || words.problem(&problem))}</li> });
    let unknown = move || said!(i18n, wizard.figure_unknown).to_owned();
    let heard = pings.filter(|pings| pings.received > 0);
    let latency = part(move || match heard {
        None => unknown(),
        Some(one) => {
            let (min, average, max) = (millis(one.min_us), millis(one.avg_us), millis(one.max_us));
            said!(i18n, wizard.figure_latency_value, min = min, average = average, max = max).to_string()
        }
    });
    let jitter = part(move || heard.map_or_else(unknown, |one| format!("{} ms", millis(one.jitter_us))));
    let loss = part(move || match pings {
        None => unknown(),
        Some(one) => {
            let lost = one.sent.saturating_sub(one.received);
            said!(i18n, wizard.figure_loss_value, lost = lost, sent = one.sent, percent = lost_percent(&one))
                .to_string()
        }
    });
    let mtu = part(move || match path_mtu {
        None => unknown(),
        Some(one) => said!(i18n, wizard.figure_mtu_value, found = one.found, own = one.own).to_string(),
    });
    let datagrams = part(move || match udp {
        None => unknown(),
        Some(one) => said!(i18n, wizard.figure_udp_value, echoed = one.echoed, sent = one.sent).to_string(),
    });
    view! {
        <ul class="wizard-findings">{sentences}{why}</ul>
        <dl class="facts">
            <FactRow name=text!(i18n, wizard.figure_latency)>{latency}</FactRow>
            <FactRow name=text!(i18n, wizard.figure_jitter)>{jitter}</FactRow>
            <FactRow name=text!(i18n, wizard.figure_loss)>{loss}</FactRow>
            <FactRow name=text!(i18n, wizard.figure_mtu)>{mtu}</FactRow>
            <FactRow name=text!(i18n, wizard.figure_udp, port = port(link))>{datagrams}</FactRow>
        </dl>
    }
}
