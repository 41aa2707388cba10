//! What the policy wants a fresh sign-in for: the password once more, the second factor where it is wanted, and then on
//! with it.

use crate::api::{self, ApiError, ApiResult};
use crate::components::{Button, ButtonKind, Dialog, Field, Refusal};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::state::session::use_session;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use model::problem::{Problem, ProblemCode};

/// Asks for the password, and goes on when it is right. `second`: for a code too, where the person has a second factor.
#[component]
pub fn SignInAgain(open: RwSignal<bool>, #[prop(into)] second: Signal<bool>, then: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let session = use_session();
    let password = RwSignal::new(String::new());
    let code = RwSignal::new(String::new());
    let with_code = memo(move |_| second.get() && session.is_some_and(|one| one.0.with(|me| me.shown.is_enrolled())));
    let confirm = Action::new(move |(typed, code): &(String, Option<String>)| {
        let (typed, code) = (typed.clone(), code.clone());
        async move {
            match api::confirm_password(typed, code).await {
                Ok(me) => {
                    if let Some(session) = session {
                        session.0.set(me);
                    }
                    open.set(false);
                    then.run(());
                    None
                }
                Err(ApiError(problem)) => Some(problem),
            }
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let missing = with_code.get_untracked() && code.with_untracked(|text| text.trim().is_empty());
        if !confirm.pending().get_untracked() && !missing && password.with_untracked(|text| !text.is_empty()) {
            confirm.dispatch((password.get_untracked(), with_code.get_untracked().then(|| code.get_untracked())));
            password.set(String::new());
            code.set(String::new());
        }
    };
    let code_field = part(move || {
        with_code.get().then(|| {
            view! { <Field label=text!(i18n, pages.code) hint=derived(move || Some(said!(i18n, pages.code_hint).to_owned())) value=code name="code" autocomplete="one-time-code" mono=true/> }
        })
    });
    view! {
        <Dialog open title=text!(i18n, wizard.sign_in_again)>
            <form on:submit=submit>
                <p>{word!(i18n, wizard.sign_in_again_text)}</p>
                <Field label=text!(i18n, wizard.your_password) value=password kind="password" autocomplete="current-password"/>
                {code_field}
                <Refusal problem=derived(move || confirm.value().get().flatten())/>
                <div class="dialog-end">
                    <Button on_press=Callback::new(move |()| open.set(false))>{word!(i18n, common.cancel)}</Button>
                    <Button kind=ButtonKind::Primary submit=true busy=confirm.pending()>{word!(i18n, wizard.confirm_and_run)}</Button>
                </div>
            </form>
        </Dialog>
    }
    .into_any()
}

/// The problem in an answer that failed.
pub fn refusal_in<T: Send + Sync + 'static>(answer: Signal<Option<ApiResult<T>>>) -> Signal<Option<Problem>> {
    derived(move || answer.with(|answer| answer.as_ref()?.as_ref().err().map(|ApiError(problem)| problem.clone())))
}

/// Opens the question when the server found the sign-in too old; the signal is every other refusal.
pub fn asks_when_old(refused: Signal<Option<Problem>>, asking: RwSignal<bool>) -> Signal<Option<Problem>> {
    let session = use_session();
    Effect::new(move |_| {
        if refused.with(|one| one.as_ref().is_some_and(needs_sign_in)) {
            if let Some(session) = session {
                session.0.update(|me| me.shown = me.shown.grown_old());
            }
            asking.set(true);
        }
    });
    derived(move || refused.get().filter(|one| !needs_sign_in(one)))
}

/// The server found the sign-in, or the second factor, too old.
#[must_use]
pub fn needs_sign_in(problem: &Problem) -> bool {
    problem.code == ProblemCode::ConsentMissing
        && problem.params.get("missing").is_some_and(|missing| missing == "fresh-sign-in" || missing == "second-factor")
}
