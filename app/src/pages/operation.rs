//! One operation: its steps with their proofs, what it prints, and what a person can do when it waits.

pub mod decide;
mod left;
mod output;
pub mod steps;

use crate::api;
use crate::api::{AgreedBy, ApiError, ApiResult, OperationView, Reading};
use crate::components::{AgreedAnewRow, Badge, Card, ExportPlan, FactRow, LiveRegion, Notice, PageTitle, Tone, When};
use crate::i18n::*;
use crate::pages::frame::Around;
use crate::pages::loaded::{Loaded, id_in_address};
use crate::reactive::{derived, memo, part};
use crate::state::live::{LiveCluster, follow_operation};
use crate::words::use_words;
use leptos::prelude::*;
use leptos::task::spawn_local;
use model::approval::Agreed;
use model::ids::OperationId;
use model::lowering::AgreedAnew;
use model::operation::{Operation, OperationState};
use model::problem::Problem;

#[component]
pub fn OperationPage() -> impl IntoView {
    let id = id_in_address::<OperationId>();
    let operation: Reading<ApiResult<OperationView>> =
        api::reading(move || id.get(), |id| async move { api::operation(id.map_err(ApiError)?).await });
    view! { <Loaded resource=operation view=|view| view! { <Followed view/> }/> }.into_any()
}

#[component]
fn Followed(view: OperationView) -> impl IntoView {
    let words = use_words();
    let live = follow_operation(&view.operation);
    Around::is_about(&view.cluster_name, live);
    let OperationView { operation: read, output, agreed, agreed_anew, .. } = view;
    let id = read.id;
    let intent = read.plan.intent.word();
    Around::is_called(move || words.plain("intent", intent));
    let operation = current(live, read);
    let over = operation.with_untracked(|one| one.state.is_over());
    if !over {
        live.add_output(&output);
    }
    // What is over prints nothing more; the stream may carry the lines of another operation by now.
    let lines = derived(move || if over { output.clone() } else { live.output.get() });
    let title =
        derived(move || operation.with(|one| format!("{} · {}", words.plain("intent", intent), one.plan.target)));
    let state = memo(move |_| operation.with(|one| one.state.clone()));
    let anew = agreements(id, agreed_anew, state);
    let state_word = derived(move || state.with(|state| words.plain("operation", state.word())));
    let badge =
        view! { <Badge tone=derived(move || state.with(|state| Tone::from(state))) word=state_word/> }.into_any();
    view! {
        <PageTitle text=title badges=badge/>
        <LiveRegion text=state_word/>
        <div class="split">
            <div class="stack">
                <Trouble state/>
                <left::Overtaken operation/>
                <decide::Decide operation/>
                <steps::Steps operation lines/>
            </div>
            <About operation agreed anew/>
        </div>
    }
    .into_any()
}

/// The operation as the stream tells it, as it was read until then.
fn current(live: LiveCluster, read: Operation) -> Memo<Operation> {
    memo(move |_| {
        live.operations.with(|all| all.iter().find(|one| one.id == read.id).cloned()).unwrap_or_else(|| read.clone())
    })
}

/// Who agreed anew: as it was read with the page, and read again when somebody has gone on with it, which is how they agree.
fn agreements(id: OperationId, first: Vec<AgreedAnew>, state: Memo<OperationState>) -> RwSignal<Vec<AgreedAnew>> {
    let all = RwSignal::new(first);
    let runs = memo(move |_| state.with(OperationState::is_carried_out));
    Effect::new(move |before: Option<bool>| {
        let now = runs.get();
        if now && before == Some(false) {
            spawn_local(async move {
                let Ok(new) = api::operation(id).await else { return };
                // The page may be gone by now.
                if all.try_with_untracked(|old| *old != new.agreed_anew) == Some(true) {
                    all.set(new.agreed_anew);
                }
            });
        }
        now
    });
    all
}

#[component]
fn Trouble(state: Memo<OperationState>) -> impl IntoView {
    part(move || {
        let (problem, tone): (Problem, Tone) = match state.get() {
            OperationState::Parked { problem, .. } => (problem, Tone::Look),
            OperationState::Failed { problem, .. } => (problem, Tone::Bad),
            _ => return None,
        };
        Some(view! { <Notice problem tone/> })
    })
}

#[component]
fn About(operation: Memo<Operation>, agreed: Option<AgreedBy>, anew: RwSignal<Vec<AgreedAnew>>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let one = operation.get_untracked();
    let risk = one.plan.risk;
    let risk_word =
        serde_json::to_value(risk).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    let finished = part(move || {
        operation
            .with(|one| one.finished_at)
            .map(|at| view! { <FactRow name=text!(i18n, pages.operation_finished)><When at/></FactRow> })
    });
    let reason = (!one.reason.is_empty())
        .then(|| view! { <FactRow name=text!(i18n, pages.column_why)>{one.reason.clone()}</FactRow> });
    let consequences = one.plan.consequences.clone().into_iter().map(move |consequence| {
        view! { <li>{part(move || words.say("consequence", consequence.code.as_str(), &consequence.params))}</li> }
    });
    view! {
        <Card title=text!(i18n, pages.about_operation)>
            <div class="stack">
                <dl class="facts">
                    <FactRow name=text!(i18n, pages.column_who)>{one.proposed_by.clone()}</FactRow>
                    <FactRow name=text!(i18n, pages.column_when)><When at=one.proposed_at/></FactRow>
                    {finished}
                    {reason}
                    <AgreedRow agreed/>
                    {part(move || view! { <AgreedAnewRow anew=anew.get()/> })}
                    <FactRow name=text!(i18n, pages.column_risk)>
                        <Badge tone=Tone::from(risk) word=derived(move || words.plain("risk", &risk_word))/>
                    </FactRow>
                    <FactRow name=text!(i18n, pages.plan_digest)><span class="mono small">{one.digest.to_string()}</span></FactRow>
                </dl>
                <ul class="bullets muted">{consequences.collect_view()}</ul>
                <div class="row no-print"><ExportPlan address=format!("/export/operations/{}", one.id)/></div>
            </div>
        </Card>
    }
    .into_any()
}

/// Who agreed, where somebody had to.
#[component]
fn AgreedRow(agreed: Option<AgreedBy>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let Some(AgreedBy { request, agreed }) = agreed else { return ().into_any() };
    let by = derived(move || match &agreed {
        Agreed::By { by, .. } => by.clone(),
        Agreed::Alone { .. } => words.plain("agreed", "alone"),
    });
    let to = format!("/approvals/{request}");
    view! {
        <FactRow name=text!(i18n, pages.agreed_by)>{part(move || by.get())}" · "<a href=to>{word!(i18n, pages.to_request)}</a></FactRow>
    }
    .into_any()
}
