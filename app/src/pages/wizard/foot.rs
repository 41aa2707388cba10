//! The end of each step: what is missing before the next one, and the way there.

use super::context::Wizard;
use crate::components::{Button, ButtonKind};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::words::use_words;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use model::inventory::{LogIn, Purpose};
use model::preflight::Verdict;
use model::wizard::{NODES_MIN, StepState, WizardStep};

/// Says why *Next* is not possible yet, always, and goes on when it is.
#[component]
pub fn Foot(step: WizardStep) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let wizard = Wizard::here();
    let navigate = use_navigate();
    let next = WizardStep::ALL.into_iter().find(|one| *one > step);
    let why = memo(move |_| missing(wizard, step, i18n, words));
    let sentence = part(move || why.get().unwrap_or_else(|| said!(i18n, wizard.next_possible).to_owned()));
    let to = next.map_or_else(|| format!("/clusters/{}", wizard.id), |next| wizard.path(next));
    let label = part(move || match next {
        Some(next) => said!(i18n, wizard.next_step, step = name(words, next)).to_string(),
        None => said!(i18n, wizard.to_cluster).to_owned(),
    });
    view! {
        <footer class="wizard-foot">
            <p class="muted" role="status">{sentence}</p>
            <Button
                kind=ButtonKind::Primary
                disabled_reason=derived(move || why.get())
                on_press=Callback::new(move |()| navigate(&to, NavigateOptions::default()))
            >
                {label}
            </Button>
        </footer>
    }
}

/// The step's word inside a sentence.
fn name(words: crate::words::Words, step: WizardStep) -> String {
    let word = words.plain("wizard", step.word());
    if step == WizardStep::Qdevice { word } else { word.to_lowercase() }
}

fn missing(wizard: Wizard, step: WizardStep, i18n: I18n, words: crate::words::Words) -> Option<String> {
    match wizard.state(step) {
        StepState::Done | StepState::Skipped => None,
        StepState::Blocked { problem } => Some(words.problem(&problem)),
        StepState::Open => Some(match step {
            WizardStep::Prerequisites => prerequisites(wizard, i18n),
            WizardStep::Network => said!(i18n, wizard.missing_links).to_owned(),
            WizardStep::Create => said!(i18n, wizard.missing_create).to_owned(),
            WizardStep::Join => said!(i18n, wizard.missing_join).to_owned(),
            WizardStep::Verify => said!(i18n, wizard.missing_verify).to_owned(),
            WizardStep::Qdevice => said!(i18n, wizard.missing_qdevice).to_owned(),
        }),
    }
}

/// The first thing that keeps the first step from being done.
fn prerequisites(wizard: Wizard, i18n: I18n) -> String {
    let members = wizard.nodes(Purpose::Member);
    if members.len() < NODES_MIN {
        return said!(i18n, wizard.missing_nodes).to_owned();
    }
    if let Some(node) = members.iter().find(|node| !matches!(node.log_in, LogIn::Works { .. })) {
        return said!(i18n, wizard.missing_log_in, node = node.label().to_owned()).to_string();
    }
    let Some(matrix) = wizard.matrix() else { return said!(i18n, wizard.missing_checks).to_owned() };
    if matrix.finished_at.is_none() {
        return said!(i18n, wizard.missing_finish).to_owned();
    }
    let (failed, unknown) = (matrix.count(Verdict::Fail), matrix.count(Verdict::Error));
    if failed + unknown > 0 {
        return said!(i18n, wizard.missing_green, failed = failed, unknown = unknown).to_string();
    }
    let open = wizard.view.with(|view| matrix.unacknowledged(&view.draft.acknowledged).count());
    if open > 0 {
        return said!(i18n, wizard.missing_acknowledged, count = open).to_string();
    }
    let covered = matrix.nodes.len() == members.len()
        && members.iter().all(|node| matrix.nodes.iter().any(|column| column.node == node.id));
    if covered { said!(i18n, wizard.missing_fresh).to_owned() } else { said!(i18n, wizard.missing_covered).to_owned() }
}
