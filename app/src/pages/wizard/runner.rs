//! From a wish to a proven operation: read the plan, agree, run, watch. Shared by create, join and QDevice.

use super::consent::ConsentForm;
use super::context::Wizard;
use super::progress::Progress;
use crate::api::{self, ApiError, Ending, Preview, Wish};
use crate::components::{Area, Button, ButtonKind, Card, ExportPlan, PlanSheet, Refusal, encode};
use crate::i18n::*;
use crate::pages::sign_in_again::asks_when_old;
use crate::pages::taken::TakenBy;
use crate::reactive::{derived, memo, part};
use leptos::html;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use model::can::Deed;
use model::ids::OperationId;
use model::operation::OperationState;
use model::policy::{Agreement, Consent};
use model::problem::ProblemCode;
use model::wizard::WizardStep;

/// `wish` is `None` while the choices above are not complete; `why` says then what is missing.
///
/// `label` is the word on the button that runs the plan.
#[component]
pub fn PlanRunner(
    step: WizardStep,
    #[prop(into)] wish: Signal<Option<Wish>>,
    #[prop(into)] why: Signal<Option<String>>,
    #[prop(into)] label: Signal<String>,
    /// The choices that make the wish; they give way to the progress.
    children: ChildrenFn,
) -> impl IntoView {
    let wizard = Wizard::here();
    let put_aside = RwSignal::new(None::<OperationId>);
    let watched = RwSignal::new(None::<OperationId>);
    watch_to_the_end(wizard, step, watched);
    let shown = memo(move |_| {
        let operation = wizard.operation_of(step)?;
        let over = match operation.state {
            OperationState::Done => watched.get() != Some(operation.id),
            OperationState::Proposed | OperationState::Abandoned | OperationState::Overtaken { .. } => true,
            OperationState::Running | OperationState::Parked { .. } | OperationState::Failed { .. } => false,
            OperationState::Pausing { .. } | OperationState::Paused { .. } => false,
        };
        (!over && put_aside.get() != Some(operation.id)).then_some(operation.id)
    });
    part(move || match shown.get() {
        Some(id) => {
            let operation = wizard.live.operations.with_untracked(|all| all.iter().find(|one| one.id == id).cloned());
            let again = Callback::new(move |()| put_aside.set(Some(id)));
            operation.map(|operation| view! { <Progress operation again/> }).into_any()
        }
        None => {
            let choices = children();
            view! {
                {choices}
                <Planning wish why label on_started=Callback::new(|_: OperationId| ())/>
            }
            .into_any()
        }
    })
}

/// What was seen running stays on screen when it is done, until the server has judged the step anew.
fn watch_to_the_end(wizard: Wizard, step: WizardStep, watched: RwSignal<Option<OperationId>>) {
    Effect::new(move |_| {
        if let Some(operation) = wizard.operation_of(step).filter(|one| one.state.holds_cluster()) {
            watched.set(Some(operation.id));
        }
    });
    Effect::new(move |_| {
        let judged = wizard.view.with(|view| {
            view.view
                .operations
                .iter()
                .filter(|one| one.state == OperationState::Done)
                .map(|one| one.id)
                .collect::<Vec<_>>()
        });
        watched.update(|id| {
            id.take_if(|id| judged.contains(id));
        });
    });
}

/// Reads the plan of a wish, asks for what the policy demands, and starts it, or asks others to agree to it.
#[component]
pub fn Planning(
    wish: Signal<Option<Wish>>,
    why: Signal<Option<String>>,
    label: Signal<String>,
    on_started: Callback<OperationId>,
    /// Reads the plan at once, because pressing a button elsewhere has asked for it.
    #[prop(optional)]
    at_once: bool,
) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    // A plan is shown together with the wish that it was made for: when the wish changes, the plan goes.
    let read = RwSignal::new(None::<(Wish, Preview)>);
    let preview = Action::new(move |wish: &Wish| {
        let wish = wish.clone();
        async move {
            match api::preview(wizard.id, wish.clone()).await {
                Ok(preview) => {
                    read.set(Some((wish, preview)));
                    None
                }
                Err(ApiError(problem)) => Some(problem),
            }
        }
    });
    let refusal = wizard.refusal(Deed::ProposePlan);
    let reason = derived(move || refusal.get().or_else(|| why.get()));
    let look = Callback::new(move |()| {
        if let Some(wish) = wish.get_untracked() {
            preview.dispatch(wish);
        }
    });
    // Effects run in the browser only: the server reads no plan while it writes the page.
    Effect::new(move |_| {
        if at_once && reason.with_untracked(Option::is_none) {
            look.run(());
        }
    });
    let plan = memo(move |_| read.get().filter(|(of, _)| wish.with(|wish| wish.as_ref() == Some(of))));
    let sheet = part(move || plan.get().map(|(wish, preview)| view! { <Sheet wish preview label look on_started/> }));
    let known = memo(move |_| plan.with(Option::is_some));
    // Before the plan is read, reading it is what the page is about; afterwards the decision is.
    let button = part(move || {
        let (kind, word) = if known.get() {
            (ButtonKind::Plain, text!(i18n, wizard.preview_again))
        } else {
            (ButtonKind::Primary, text!(i18n, wizard.preview))
        };
        view! { <Button kind busy=preview.pending() disabled_reason=reason show_reason=true on_press=look>{word}</Button> }
    });
    view! {
        <div class="row">{button}</div>
        <Refusal problem=derived(move || preview.value().get().flatten())/>
        {sheet}
    }
}

/// The plan and what it needs from the person.
#[component]
fn Sheet(
    wish: Wish,
    preview: Preview,
    label: Signal<String>,
    look: Callback<()>,
    on_started: Callback<OperationId>,
) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let asking = RwSignal::new(false);
    let (plan, digest, taken) = (preview.plan.clone(), preview.digest.clone(), preview.place.clone());
    let ending = RwSignal::new(String::new());
    let ends = taken.as_ref().filter(|place| place.may_overtake.is_none()).map(|place| place.operation);
    let also = derived(move || {
        let missing = ends.is_some() && ending.with(|text| text.trim().is_empty());
        missing.then(|| said!(i18n, pages.reason_missing).to_owned())
    });
    let needs_others = preview.ruling.agreement != Agreement::Nobody;
    let navigate = use_navigate();
    let shown_digest = digest.clone();
    let file = export(wizard, &wish, &digest);
    let run = Action::new(move |consent: &Consent| {
        let (wish, digest, consent) = (wish.clone(), digest.clone(), consent.clone());
        let ends = ends.map(|operation| Ending { operation, reason: ending.get_untracked() });
        let navigate = navigate.clone();
        async move {
            if needs_others {
                let asked = api::request_approval(wizard.id, wish, digest, consent).await;
                if let Ok(id) = &asked {
                    navigate(&format!("/approvals/{id}"), NavigateOptions::default());
                }
                return asked.err().map(|ApiError(problem)| problem);
            }
            let answer = api::run(wizard.id, wish, digest, consent, ends).await;
            wizard.refresh();
            if let Ok(id) = answer {
                // The operation may have been heard of first, and then this sheet has given way to its progress.
                let _ = on_started.try_run(id);
            }
            answer.err().map(|ApiError(problem)| problem)
        }
    });
    let problem = derived(move || run.value().get().flatten());
    // The sign-in grew old while the plan was being read.
    let shown = asks_when_old(problem, asking);
    let changed = move || problem.with(|one| one.as_ref().is_some_and(|one| one.code == ProblemCode::PlanChanged));
    // The plan is what was asked for: the reading goes on there.
    let place = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if let Some(place) = place.get() {
            // Without focus the page works all the same.
            let _ = place.focus();
        }
    });
    view! {
        {taken.map(|place| view! { <TakenBy place><Area label=text!(i18n, team.place_reason) value=ending/></TakenBy> })}
        <div class="split" node_ref=place tabindex="-1">
            <Card title=text!(i18n, wizard.plan_title)>
                <PlanSheet plan digest=shown_digest/>
                <div class="row no-print"><ExportPlan address=file/></div>
            </Card>
            <Card title=text!(i18n, wizard.consent)>
                <ConsentForm preview label busy=run.pending() also asking on_run=Callback::new(move |consent| drop(run.dispatch(consent)))/>
                <Refusal problem=shown/>
                <Show when=changed><Button on_press=look>{word!(i18n, wizard.preview_again)}</Button></Show>
            </Card>
        </div>
    }
}

/// Where this very plan is to be had as a script.
fn export(wizard: Wizard, wish: &Wish, digest: &str) -> String {
    let wish = serde_json::to_string(wish).unwrap_or_default();
    format!("/export/clusters/{}/plan?wish={}&digest={}", wizard.id, encode(&wish), encode(digest))
}
