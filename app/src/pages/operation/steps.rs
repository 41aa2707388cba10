//! The steps of an operation, each with its commands, its proof and what it printed.

use super::output::Output;
use crate::components::{Badge, Card, Lines, Notice, Tone, When, file_change};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::words::use_words;
use jiff::Timestamp;
use leptos::prelude::*;
use model::operation::{Operation, OutputLine, StepStatus};
use model::plan::Step;
use model::problem::Problem;

#[component]
pub fn Steps(operation: Memo<Operation>, lines: Signal<Vec<OutputLine>>) -> impl IntoView {
    let i18n = use_i18n();
    // The plan is frozen: steps never change, only where they stand.
    let steps = operation.with_untracked(|one| one.plan.steps.clone());
    let items = steps.into_iter().zip(0u16..).map(move |(step, number)| {
        let status = memo(move |_| {
            operation.with(|one| one.steps.get(usize::from(number)).cloned().unwrap_or(StepStatus::Waiting))
        });
        let own =
            memo(move |_| lines.with(|all| all.iter().filter(|line| line.step == number).cloned().collect::<Vec<_>>()));
        view! { <Item step number status lines=own/> }
    });
    view! { <Card title=text!(i18n, pages.steps)><ol class="steps">{items.collect_view()}</ol></Card> }.into_any()
}

#[component]
fn Item(step: Step, number: u16, status: Memo<StepStatus>, lines: Memo<Vec<OutputLine>>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let (action, undo) = (step.action.word(), step.action.undo().word());
    let tone = derived(move || status.with(|one| Tone::from(one)));
    let word = derived(move || status.with(|one| words.plain("step", one.word())));
    let busy = memo(move |_| status.with(|one| matches!(one, StepStatus::Started { .. } | StepStatus::Acted { .. })));
    let problem = memo(move |_| status.with(problem_of));
    let commands = step.commands.join("\n");
    let change = file_change(&step.action);
    view! {
        <li class="step" aria-current=move || busy.get().then_some("step")>
            <div class="step-head">
                <span class="step-number">{number + 1}</span>
                <span class="step-name">
                    <span class="strong">{step.node_name}</span>" "
                    {part(move || words.plain("action", action))}
                </span>
                <span class="step-end">
                    {part(move || status.with(at_of).map(|at| view! { <When at/> }))}
                    " "<Badge tone word/>
                </span>
            </div>
            {part(move || problem.get().map(|problem| view! { <Notice problem/> }))}
            <details class="step-more" open=move || busy.get()>
                <summary>{word!(i18n, pages.commands_and_output)}</summary>
                {change}
                <Lines text=commands/>
                <p class="muted small">{part(move || words.plain("undo", undo))}</p>
                <Output lines/>
            </details>
        </li>
    }
    .into_any()
}

fn problem_of(status: &StepStatus) -> Option<Problem> {
    match status {
        StepStatus::Failed { problem, .. } | StepStatus::Parked { problem, .. } => Some(problem.clone()),
        _ => None,
    }
}

const fn at_of(status: &StepStatus) -> Option<Timestamp> {
    match status {
        StepStatus::Waiting => None,
        StepStatus::Started { at }
        | StepStatus::Acted { at }
        | StepStatus::Proven { at, .. }
        | StepStatus::Failed { at, .. }
        | StepStatus::Parked { at, .. } => Some(*at),
    }
}
