//! What a person decides about an operation that is not over: let it pause, go on, or give up.

use super::left::LeftBehind;
use crate::api;
use crate::components::{Area, Button, ButtonKind, Card, Dialog, Refusal};
use crate::i18n::*;
use crate::pages::sign_in_again::{SignInAgain, asks_when_old};
use crate::reactive::{derived, memo, part};
use crate::state::session::{Session, use_session};
use crate::words::use_words;
use leptos::prelude::*;
use model::can::Deed;
use model::operation::{Operation, OperationState};
use model::problem::Problem;

/// Shown until the operation is over.
#[component]
pub fn Decide(operation: Memo<Operation>) -> impl IntoView {
    let over = memo(move |_| operation.with(|one| one.state.is_over()));
    part(move || (!over.get()).then(|| view! { <Decisions operation/> }))
}

/// What can be done in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Pause,
    Resume,
    Abandon,
}

impl Doing {
    const fn fits(self, state: &OperationState) -> bool {
        match self {
            Self::Pause => matches!(state, OperationState::Running),
            Self::Resume => matches!(
                state,
                OperationState::Parked { .. } | OperationState::Paused { .. } | OperationState::Pausing { .. }
            ),
            Self::Abandon => matches!(state, OperationState::Parked { .. } | OperationState::Paused { .. }),
        }
    }

    const fn deed(self) -> Deed {
        match self {
            Self::Pause | Self::Resume => Deed::ResumeOperation,
            Self::Abandon => Deed::AbandonOperation,
        }
    }
}

#[component]
fn Decisions(operation: Memo<Operation>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let session = use_session();
    let (id, can_pause) = operation.with_untracked(|one| (one.id, one.plan.intent.can_pause()));
    let asking = RwSignal::new(false);
    let act = Action::new(move |doing: &Doing| {
        let doing = *doing;
        async move {
            let answer = if doing == Doing::Pause { api::pause(id).await } else { api::resume(id).await };
            answer.err().map(|error| error.0)
        }
    });
    let again = RwSignal::new(false);
    let refused = asks_when_old(derived(move || act.value().get().flatten()), again);
    let once_more = Callback::new(move |()| drop(act.dispatch(Doing::Resume)));
    let state = memo(move |_| operation.with(|one| one.state.clone()));
    let not_now = move |doing: Doing| {
        if !state.with(|state| doing.fits(state)) {
            let pausing = doing == Doing::Pause;
            return Some(
                if pausing { said!(i18n, pages.pause_not) } else { said!(i18n, pages.decide_running) }.to_owned(),
            );
        }
        if doing == Doing::Pause && !can_pause {
            return Some(words.problem(&Problem::new(model::problem::ProblemCode::PauseNotThis)));
        }
        session.and_then(|one| refusal(one, doing, operation)).map(|problem| words.problem(&problem))
    };
    let press = move |doing: Doing| Callback::new(move |()| drop(act.dispatch(doing)));
    view! {
        <Card title=text!(i18n, pages.decide)>
            <div class="stack">
                <p class="muted">{part(move || state.with(|state| stands(i18n, state)))}</p>
                <Refusal problem=refused/>
                <div class="row">
                    <Button
                        kind=ButtonKind::Primary
                        disabled_reason=derived(move || not_now(Doing::Resume))
                        busy=act.pending()
                        on_press=press(Doing::Resume)
                    >
                        {word!(i18n, pages.resume)}
                    </Button>
                    <Button
                        disabled_reason=derived(move || not_now(Doing::Pause))
                        busy=act.pending()
                        on_press=press(Doing::Pause)
                    >
                        {word!(i18n, pages.pause)}
                    </Button>
                    <Button
                        kind=ButtonKind::Danger
                        disabled_reason=derived(move || not_now(Doing::Abandon))
                        on_press=Callback::new(move |()| asking.set(true))
                    >
                        {word!(i18n, pages.abandon)}
                    </Button>
                </div>
            </div>
        </Card>
        <Abandon operation open=asking/>
        <SignInAgain open=again second=true then=once_more/>
    }
    .into_any()
}

/// Why this person may not.
fn refusal(session: Session, doing: Doing, operation: Memo<Operation>) -> Option<Problem> {
    operation.with(|one| {
        let (name, role) = session.0.with(|me| (me.name.clone(), me.access.on(one.cluster)));
        let stops = || one.may_be_stopped(&name, role).err().filter(|_| doing != Doing::Resume);
        session.refusal(doing.deed(), Some(one.cluster)).or_else(stops)
    })
}

/// Where it stands, in a sentence, with what can be done about it.
fn stands(i18n: I18n, state: &OperationState) -> String {
    match state {
        OperationState::Parked { .. } => said!(i18n, pages.decide_parked_text).to_owned(),
        OperationState::Pausing { by, .. } => said!(i18n, pages.pausing_text, by = by.clone()).to_string(),
        OperationState::Paused { by, step, .. } => {
            said!(i18n, pages.paused_text, by = by.clone(), step = u32::from(*step) + 1).to_string()
        }
        _ => said!(i18n, pages.decide_running_text).to_owned(),
    }
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
                <LeftBehind operation/>
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
