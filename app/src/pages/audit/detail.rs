//! One entry, all of it: who, why, the exact command, what it printed, and its place in the chain.

use super::list::took;
use super::relied::Relied;
use crate::components::{Badge, Card, FactRow, Lines, Tone, When};
use crate::i18n::*;
use crate::reactive::{derived, part};
use crate::words::use_words;
use leptos::prelude::*;
use model::audit::{AuditEntry, ChainedEntry};
use model::ids::RequestId;

/// Detail of an entry that tells of a request for somebody's agreement.
const DETAIL_REQUEST: &str = "request";

#[component]
pub fn Entry(chosen: RwSignal<Option<ChainedEntry>>) -> impl IntoView {
    let i18n = use_i18n();
    part(move || match chosen.get() {
        Some(entry) => view! { <Whole entry/> }.into_any(),
        None => view! { <Card><p class="muted">{word!(i18n, pages.entry_choose)}</p></Card> }.into_any(),
    })
}

#[component]
fn Whole(entry: ChainedEntry) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let ChainedEntry { index, entry, previous, hash } = entry;
    let (code, outcome) = (entry.code, entry.outcome);
    let badge =
        view! { <Badge tone=Tone::from(outcome) word=derived(move || words.plain("outcome", outcome.word()))/> }
            .into_any();
    let part = |title: Signal<String>, text: Option<String>| {
        text.map(|text| view! { <h3>{part(move || title.get())}</h3><Lines text/> })
    };
    let (command, output) = (entry.command.clone(), entry.output.clone());
    let request = entry.details.get(DETAIL_REQUEST).and_then(|id| id.parse::<RequestId>().ok());
    let relied = request.zip(entry.cluster).map(|(request, cluster)| view! { <Relied request cluster/> });
    let chain = derived(move || {
        let place = said!(i18n, pages.entry, index = index);
        format!("{place}\n{} {previous}\n{} {hash}", said!(i18n, pages.entry_previous), said!(i18n, pages.entry_own))
    });
    view! {
        <Card title=derived(move || words.plain("audit", code.as_str())) extra=badge>
            <div class="stack" aria-live="polite">
                <Facts entry/>
                {part(text!(i18n, pages.entry_command), command)}
                {part(text!(i18n, pages.entry_output), output)}
                <h3>{word!(i18n, pages.entry_chain)}</h3>
                <Lines text=chain/>
            </div>
            // Too long to be read aloud by itself.
            {relied}
        </Card>
    }
    .into_any()
}

#[component]
fn Facts(entry: AuditEntry) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let line =
        |name: Signal<String>, value: Option<String>| value.map(|value| view! { <FactRow name>{value}</FactRow> });
    let operation = entry.operation.map(|id| {
        view! { <FactRow name=text!(i18n, pages.entry_operation)><a href=format!("/operations/{id}")>{id.short()}</a></FactRow> }
    });
    let risk = entry.risk.and_then(|risk| {
        let word = serde_json::to_value(risk).ok()?.as_str()?.to_owned();
        Some(view! {
            <FactRow name=text!(i18n, pages.column_risk)>
                <Badge tone=Tone::from(risk) word=derived(move || words.plain("risk", &word))/>
            </FactRow>
        })
    });
    let details = entry.details.into_iter().map(|(name, value)| {
        let shown = match value.parse::<RequestId>() {
            Ok(id) if name == DETAIL_REQUEST => {
                view! { <a href=format!("/approvals/{id}")>{id.short()}</a> }.into_any()
            }
            _ => view! { <span class="mono">{value}</span> }.into_any(),
        };
        view! { <FactRow name=derived(move || words.plain("detail", &name))>{shown}</FactRow> }
    });
    view! {
        <dl class="facts">
            <FactRow name=text!(i18n, pages.column_when)><When at=entry.at/>" "<span class="faint small">{entry.at.to_string()}</span></FactRow>
            {line(text!(i18n, pages.column_who), Some(entry.who))}
            {line(text!(i18n, pages.column_node), entry.node)}
            {line(text!(i18n, pages.column_cluster), entry.cluster_name)}
            {line(text!(i18n, pages.column_why), entry.reason)}
            {operation}
            {line(text!(i18n, pages.entry_step), entry.step.map(|step| (step + 1).to_string()))}
            {risk}
            {line(text!(i18n, pages.entry_exit), entry.exit.map(|code| code.to_string()))}
            {line(text!(i18n, pages.entry_took), entry.millis.map(took))}
            {details.collect_view()}
        </dl>
    }
    .into_any()
}
