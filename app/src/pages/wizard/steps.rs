//! The six steps, always visible; one that is not possible yet says why.

use super::context::Wizard;
use crate::components::{Message, Tone, fresh_id};
use crate::i18n::*;
use crate::reactive::{memo, part};
use crate::words::use_words;
use leptos::prelude::*;
use model::operation::OperationState;
use model::problem::Problem;
use model::wizard::{StepState, WizardStep};

#[component]
pub fn StepBar(step: Memo<WizardStep>) -> impl IntoView {
    let i18n = use_i18n();
    let links = (1..).zip(WizardStep::ALL).map(|(number, one)| view! { <StepLink number one step/> }).collect_view();
    view! {
        <nav class="card wizard-steps" aria-label=text!(i18n, wizard.steps)>
            <ol>{links}</ol>
        </nav>
    }
}

#[component]
fn StepLink(number: u8, one: WizardStep, step: Memo<WizardStep>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let wizard = Wizard::here();
    let id = fresh_id();
    let described_by = id.clone();
    let state = memo(move |_| wizard.state(one));
    let running = memo(move |_| wizard.operation_of(one).map(|operation| operation.state));
    let face = move || match (running.get(), state.get()) {
        (Some(OperationState::Running), _) => ("running", "↻".to_owned()),
        (Some(OperationState::Parked { .. }), _) => ("parked", "▲".to_owned()),
        (_, StepState::Done) => ("done", "✓".to_owned()),
        (_, StepState::Skipped) => ("skipped", "–".to_owned()),
        (_, StepState::Open) => ("open", number.to_string()),
        (_, StepState::Blocked { .. }) => ("blocked", number.to_string()),
    };
    let spoken = part(move || match face().0 {
        "running" => said!(i18n, wizard.step_running),
        "parked" => said!(i18n, wizard.step_parked),
        "done" => said!(i18n, wizard.step_done),
        "skipped" => said!(i18n, wizard.step_skipped),
        "open" => said!(i18n, wizard.step_open),
        _ => said!(i18n, wizard.step_blocked),
    });
    let why = move || match state.get() {
        StepState::Blocked { problem } => Some(words.problem(&problem)),
        _ => None,
    };
    view! {
        <li class=move || format!("wizard-step wizard-step-{}", face().0)>
            <a
                href=wizard.path(one)
                aria-current=move || (step.get() == one).then_some("step")
                aria-describedby=move || why().is_some().then(|| described_by.clone())
            >
                <span class="wizard-step-mark" aria-hidden="true">{part(move || face().1)}</span>
                <span class="wizard-step-name">{part(move || words.plain("wizard", one.word()))}</span>
                <span class="visually-hidden">", "{spoken}</span>
            </a>
            <span class="wizard-step-why" id=id role="tooltip" hidden=move || why().is_none()>{why}</span>
        </li>
    }
}

/// A step that cannot be worked on yet: why, and where to go instead.
#[component]
pub fn NotYet(problem: Problem) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let wizard = Wizard::here();
    let current = memo(move |_| wizard.view.with(|view| view.current));
    view! {
        <Message tone=Tone::Look>
            <p>{part(move || words.problem(&problem))}</p>
            <p>
                <a href=move || wizard.path(current.get())>
                    {part(move || said!(i18n, wizard.go_to_step, step = words.plain("wizard", current.get().word())).to_string())}
                </a>
            </p>
        </Message>
    }
}

/// The problem of a step that is blocked.
#[must_use]
pub fn blocked(wizard: Wizard, step: WizardStep) -> Option<Problem> {
    match wizard.state(step) {
        StepState::Blocked { problem } => Some(problem),
        _ => None,
    }
}
