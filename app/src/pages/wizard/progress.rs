//! An operation that runs, waits or has ended, in the step that it belongs to.

use super::context::Wizard;
use crate::api;
use crate::components::{Badge, Button, ButtonKind, Card, LiveRegion, Notice, Tone};
use crate::i18n::*;
use crate::pages::operation::decide::Decide;
use crate::pages::operation::steps::Steps;
use crate::reactive::{derived, memo, part};
use crate::words::{Words, use_words};
use leptos::prelude::*;
use leptos::task::spawn_local;
use model::ids::OperationId;
use model::operation::{Operation, OperationState, OutputLine, StepStatus};
use model::wizard::WizardStep;

/// The newest operation of a step that is done, or nothing where the console has not done it.
#[component]
pub fn LastOperation(step: WizardStep) -> impl IntoView {
    let wizard = Wizard::here();
    let id = memo(move |_| wizard.operation_of(step).map(|one| one.id));
    part(move || {
        id.get().and_then(|_| untrack(|| wizard.operation_of(step))).map(|operation| view! { <Progress operation/> })
    })
}

/// `again` is offered where an operation has ended without success.
#[component]
pub fn Progress(operation: Operation, #[prop(optional)] again: Option<Callback<()>>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let wizard = Wizard::here();
    let id = operation.id;
    // The operation may drop out of the list of recent ones while its step is open; what was known of it stays.
    let now = memo(move |before: Option<&Operation>| {
        let told = wizard.live.operations.with(|all| all.iter().find(|one| one.id == id).cloned());
        told.or_else(|| before.cloned()).unwrap_or_else(|| operation.clone())
    });
    let state = memo(move |_| now.with(|one| one.state.clone()));
    let tone = derived(move || state.with(|state| Tone::from(state)));
    let word = derived(move || words.plain("operation", state.with(OperationState::word)));
    let title = derived(move || words.plain("intent", now.with(|one| one.plan.intent.word())));
    let parked = memo(move |_| state.with(|state| state.holds_cluster() && *state != OperationState::Running));
    view! {
        <Card title extra=view! { <Badge tone word/> }.into_any()>
            <div class="stack">
                <LiveRegion text=derived(move || spoken(i18n, words, &now.get()))/>
                <Trouble state again/>
                <p class="small"><a href=format!("/operations/{id}")>{word!(i18n, wizard.open_operation)}</a></p>
            </div>
        </Card>
        <Show when=move || parked.get()><Decide operation=now/></Show>
        <Steps operation=now lines=lines_of(wizard, id)/>
    }
}

/// What the operation printed, from before this page was opened too.
///
/// The stream carries the lines of the newest operation only; those of an earlier one are read once.
fn lines_of(wizard: Wizard, id: OperationId) -> Signal<Vec<OutputLine>> {
    let newest = memo(move |_| wizard.live.operations.with(|all| all.first().is_some_and(|one| one.id == id)));
    let own = RwSignal::new(Vec::new());
    Effect::new(move |_| {
        spawn_local(async move {
            let Ok(view) = api::operation(id).await else { return };
            // The component may be gone, or another operation may print by now.
            if newest.try_get_untracked() == Some(true) {
                wizard.live.add_output(&view.output);
            }
            own.try_set(view.output);
        });
    });
    derived(move || if newest.get() { wizard.live.output.get() } else { own.get() })
}

/// One sentence per change, for those who listen: lines of output would drown it.
fn spoken(i18n: I18n, words: Words, operation: &Operation) -> String {
    let of = operation.plan.steps.len();
    let at = operation.steps.iter().rposition(|status| !matches!(status, StepStatus::Waiting)).unwrap_or(0);
    let step = operation.plan.steps.get(at).zip(operation.steps.get(at)).map(|(step, status)| {
        let (number, name) = (at + 1, words.plain("action", step.action.word()));
        let status = words.plain("step", status.word());
        let node = step.node_name.clone();
        said!(i18n, wizard.step_spoken, number = number, of = of, name = name, node = node, status = status).to_string()
    });
    let state = words.plain("operation", operation.state.word());
    format!("{state}. {}", step.unwrap_or_default())
}

/// What went wrong, and the way on: a parked operation is decided on below, an ended one needs a new plan.
#[component]
fn Trouble(state: Memo<OperationState>, again: Option<Callback<()>>) -> impl IntoView {
    let i18n = use_i18n();
    let anew = move || {
        let button = again.map(
            |again| view! { <Button kind=ButtonKind::Primary on_press=again>{word!(i18n, wizard.plan_again)}</Button> },
        );
        view! { <p class="muted">{word!(i18n, wizard.ended_text)}</p>{button} }
    };
    part(move || match state.get() {
        OperationState::Parked { problem, .. } => Some(
            view! { <Notice problem tone=Tone::Look/><p class="muted">{word!(i18n, wizard.parked_text)}</p> }
                .into_any(),
        ),
        OperationState::Failed { problem, .. } => Some(view! { <Notice problem/>{anew()} }.into_any()),
        OperationState::Abandoned | OperationState::Overtaken { .. } => Some(anew().into_any()),
        OperationState::Pausing { .. } | OperationState::Paused { .. } => None,
        OperationState::Proposed | OperationState::Running | OperationState::Done => None,
    })
}
