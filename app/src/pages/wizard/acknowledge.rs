//! Warnings that somebody answers for before the next step opens.

use super::context::Wizard;
use crate::api::{self, ApiError};
use crate::components::{Area, Button, ButtonKind, Message, Refusal, Tone};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::words::use_words;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use model::can::Deed;
use model::ids::NodeId;
use model::preflight::acknowledge::REASON_MIN_CHARS;
use model::preflight::{Acknowledgement, CheckId, Matrix};

/// Check, node and the node's label.
type Open = Vec<(CheckId, NodeId, String)>;

#[component]
pub fn Acknowledge(matrix: Memo<Option<Matrix>>) -> impl IntoView {
    let wizard = Wizard::here();
    let known = memo(move |_| wizard.view.with(|view| view.draft.acknowledged.clone()));
    let open: Memo<Open> = memo(move |_| {
        matrix.with(|one| one.as_ref().map(|one| known.with(|known| warnings(one, known))).unwrap_or_default())
    });
    let any = memo(move |_| !open.with(Vec::is_empty));
    view! {
        <Show when=move || any.get()><Form open/></Show>
        <Answered matrix known/>
    }
}

fn warnings(matrix: &Matrix, known: &[Acknowledgement]) -> Open {
    if matrix.finished_at.is_none() {
        return Vec::new();
    }
    let label = |node| matrix.nodes.iter().find(|column| column.node == node).map(|column| column.label.clone());
    let named = matrix.unacknowledged(known).map(|cell| (cell.check, cell.node, label(cell.node).unwrap_or_default()));
    named.collect()
}

#[component]
fn Form(open: Memo<Open>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let wizard = Wizard::here();
    let reason = RwSignal::new(String::new());
    let save = Action::new(move |(): &()| {
        let cells = open.with_untracked(|all| all.iter().map(|(check, node, _)| (*check, *node)).collect());
        let (text, revision) = (reason.get_untracked(), wizard.view.with_untracked(|view| view.draft.revision));
        async move {
            let answer = api::acknowledge_checks(wizard.id, cells, text, revision).await;
            wizard.refresh();
            answer.err().map(|ApiError(problem)| problem)
        }
    });
    let refusal = wizard.refusal(Deed::EditDraft);
    let missing = derived(move || {
        let short = reason.with(|text| text.trim().chars().count() < REASON_MIN_CHARS);
        refusal.get().or_else(|| short.then(|| said!(i18n, wizard.reason_missing).to_owned()))
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if !save.pending().get_untracked() && missing.with_untracked(Option::is_none) {
            save.dispatch(());
        }
    };
    let named = part(move || {
        let item = |(check, _, label): (CheckId, NodeId, String)| {
            view! { <li>{part(move || words.plain("check", check.as_str()))}" · "{label}</li> }
        };
        open.get().into_iter().map(item).collect_view()
    });
    view! {
        <form class="stack wizard-consent" on:submit=submit aria-label=text!(i18n, wizard.acknowledge)>
            <Message tone=Tone::Look><p>{word!(i18n, wizard.acknowledge_text)}</p></Message>
            <ul class="wizard-findings small">{named}</ul>
            <Area label=text!(i18n, wizard.reason) value=reason/>
            <Refusal problem=derived(move || save.value().get().flatten())/>
            <Button kind=ButtonKind::Primary submit=true busy=save.pending() disabled_reason=missing show_reason=true>
                {word!(i18n, wizard.acknowledge)}
            </Button>
        </form>
    }
}

/// Who answers for what is still a warning now.
#[component]
fn Answered(matrix: Memo<Option<Matrix>>, known: Memo<Vec<Acknowledgement>>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let rows = part(move || {
        let cells = matrix.with(|one| one.as_ref().map(|one| one.cells.clone()).unwrap_or_default());
        let mut all = known.get();
        all.retain(|one| cells.iter().any(|cell| cell.verdict == model::preflight::Verdict::Warn && one.covers(cell)));
        let row = |one: Acknowledgement| {
            let Acknowledgement { check, reason, by, .. } = one;
            let by = text!(i18n, wizard.acknowledged_by, who = by.clone());
            view! { <li>{part(move || words.plain("check", check.as_str()))}". "{part(move || by.get())}" "{reason}</li> }
        };
        all.into_iter().map(row).collect_view()
    });
    view! { <ul class="wizard-findings small muted">{rows}</ul> }
}
