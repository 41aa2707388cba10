//! What a person decides when an operation waits: go on, or give up.

use crate::api;
use crate::components::{Area, Button, ButtonKind, Card, Dialog, Refusal};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::state::session::use_session;
use crate::words::use_words;
use leptos::prelude::*;
use model::can::Deed;
use model::operation::{Operation, OperationState};

/// Shown until the operation is over.
#[component]
pub fn Decide(operation: Memo<Operation>) -> impl IntoView {
    let over = memo(move |_| operation.with(|one| one.state.is_over()));
    part(move || (!over.get()).then(|| view! { <Decisions operation/> }))
}

#[component]
fn Decisions(operation: Memo<Operation>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let session = use_session();
    let (id, cluster) = operation.with_untracked(|one| (one.id, one.cluster));
    let asking = RwSignal::new(false);
    let resume = Action::new(move |(): &()| async move { api::resume(id).await.err().map(|error| error.0) });
    let parked = memo(move |_| operation.with(|one| matches!(one.state, OperationState::Parked { .. })));
    let not_now = move |deed: Deed| {
        if !parked.get() {
            return Some(said!(i18n, pages.decide_running).to_owned());
        }
        session.and_then(|one| one.refusal(deed, Some(cluster))).map(|problem| words.problem(&problem))
    };
    view! {
        <Card title=text!(i18n, pages.decide)>
            <div class="stack">
                <p class="muted">{part(move || if parked.get() { said!(i18n, pages.decide_parked_text) } else { said!(i18n, pages.decide_running_text) })}</p>
                <Refusal problem=derived(move || resume.value().get().flatten())/>
                <div class="row">
                    <Button
                        kind=ButtonKind::Primary
                        disabled_reason=derived(move || not_now(Deed::ResumeOperation))
                        busy=resume.pending()
                        on_press=Callback::new(move |()| drop(resume.dispatch(())))
                    >
                        {word!(i18n, pages.resume)}
                    </Button>
                    <Button
                        kind=ButtonKind::Danger
                        disabled_reason=derived(move || not_now(Deed::AbandonOperation))
                        on_press=Callback::new(move |()| asking.set(true))
                    >
                        {word!(i18n, pages.abandon)}
                    </Button>
                </div>
            </div>
        </Card>
        <Abandon operation open=asking/>
    }
    .into_any()
}

#[component]
fn Abandon(operation: Memo<Operation>, open: RwSignal<bool>) -> impl IntoView {
    let i18n = use_i18n();
    let id = operation.with_untracked(|one| one.id);
    let reason = RwSignal::new(String::new());
    let abandon = Action::new(move |(): &()| async move {
        let answer = api::abandon(id, reason.get_untracked().trim().to_owned()).await;
        if answer.is_ok() {
            open.set(false);
        }
        answer.err().map(|error| error.0)
    });
    let missing = derived(move || {
        reason.with(|text| text.trim().is_empty()).then(|| said!(i18n, pages.reason_missing).to_owned())
    });
    view! {
        <Dialog open title=text!(i18n, pages.abandon_question)>
            <div class="stack">
                <p>{word!(i18n, pages.abandon_text)}</p>
                <Area label=text!(i18n, pages.reason) value=reason/>
                <Refusal problem=derived(move || abandon.value().get().flatten())/>
                <div class="dialog-end">
                    <Button on_press=Callback::new(move |()| open.set(false))>{word!(i18n, common.cancel)}</Button>
                    <Button
                        kind=ButtonKind::Danger
                        disabled_reason=missing
                        busy=abandon.pending()
                        on_press=Callback::new(move |()| drop(abandon.dispatch(())))
                    >
                        {word!(i18n, pages.abandon)}
                    </Button>
                </div>
            </div>
        </Dialog>
    }
    .into_any()
}
