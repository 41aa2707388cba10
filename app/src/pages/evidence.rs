//! The raw answer behind a fact: what a node printed, and what the console made of it. Its address can be sent around.

use crate::api::{self, ApiError, ApiResult, ClusterView};
use crate::components::{Card, CodeBlock, FactRow, PageTitle, When, source_in};
use crate::i18n::*;
use crate::pages::frame::Around;
use crate::pages::loaded::{Loaded, cluster_in_address, id_in_address};
use crate::reactive::part;
use crate::state::live::follow;
use crate::words::use_words;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use model::ids::ClusterId;
use model::problem::ProblemCode;
use model::reading::{Behind, Reading};

/// `/clusters/:id/evidence`
#[component]
pub fn EvidencePage() -> impl IntoView {
    let i18n = use_i18n();
    Around::is_called(move || said!(i18n, pages.evidence_title).to_owned());
    let cluster = cluster_in_address();
    let id = id_in_address::<ClusterId>();
    let query = use_query_map();
    let behind: api::Reading<ApiResult<Behind>> = api::reading(
        move || (id.get(), query.with(source_in)),
        |(id, source)| async move {
            let source = source.ok_or(ApiError(ProblemCode::EvidenceUnknown.into()))?;
            api::evidence_behind(id.map_err(ApiError)?, source).await
        },
    );
    view! {
        <PageTitle text=text!(i18n, pages.evidence_title)/>
        <div class="stack">
            <Loaded resource=cluster view=|view| view! { <Of view/> }/>
            <Loaded resource=behind view=|behind| view! { <Answer behind/> }/>
        </div>
    }
    .into_any()
}

/// The way back to the cluster.
#[component]
fn Of(view: ClusterView) -> impl IntoView {
    let i18n = use_i18n();
    let live = follow(&view);
    Around::is_about(view.cluster.name.as_str(), live);
    let to = format!("/clusters/{}", live.id);
    view! { <p><a href=to>{word!(i18n, pages.evidence_back)}</a></p> }.into_any()
}

#[component]
fn Answer(behind: Behind) -> impl IntoView {
    let i18n = use_i18n();
    let Behind { evidence, last_at, times, operation, request, readings } = behind;
    let (at, millis, exit) = (evidence.at, evidence.millis, evidence.exit);
    let (node, command) = (evidence.node.clone(), evidence.command.clone());
    let took = millis > 0;
    let ended = part(move || match exit {
        Some(code) => code.to_string(),
        None => said!(i18n, pages.evidence_no_exit).to_owned(),
    });
    let relied = operation.map(|id| {
        view! { <FactRow name=text!(i18n, pages.evidence_operation)><a href=format!("/operations/{id}")>{id.short()}</a></FactRow> }
    });
    let asked = request.map(|id| {
        view! { <FactRow name=text!(i18n, pages.evidence_request)><a href=format!("/approvals/{id}")>{id.short()}</a></FactRow> }
    });
    view! {
        <Card title=text!(i18n, pages.evidence_made)>
            <ul class="readings">{readings.into_iter().map(|reading| view! { <Said reading/> }).collect_view()}</ul>
        </Card>
        <Card title=text!(i18n, pages.evidence_printed)>
            <div class="stack">
                <dl class="facts">
                    <FactRow name=text!(i18n, pages.column_node)>{node}</FactRow>
                    <FactRow name=text!(i18n, pages.evidence_command)><code>{command}</code></FactRow>
                    <FactRow name=text!(i18n, pages.evidence_at)><When at/>" "<span class="faint small">{at.to_string()}</span></FactRow>
                    {took.then(|| view! { <FactRow name=text!(i18n, pages.entry_took)>{millis}" ms"</FactRow> })}
                    <FactRow name=text!(i18n, pages.entry_exit)>{ended}</FactRow>
                    {(times > 1).then(|| view! {
                        <FactRow name=text!(i18n, pages.evidence_again)>
                            {word!(i18n, pages.evidence_times, times = times)}" "<When at=last_at/>
                        </FactRow>
                    })}
                    {relied}
                    {asked}
                </dl>
                <CodeBlock evidence/>
                <p class="muted">{word!(i18n, pages.evidence_cleaned)}</p>
            </div>
        </Card>
    }
    .into_any()
}

#[component]
fn Said(reading: Reading) -> impl IntoView {
    let words = use_words();
    view! { <li>{part(move || words.say("reading", reading.code.as_str(), &reading.params))}</li> }
}
