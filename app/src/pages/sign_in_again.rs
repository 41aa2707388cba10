//! What the policy wants a fresh sign-in for: the password once more, and then on with it.

use crate::api::{self, ApiError};
use crate::components::{Button, ButtonKind, Dialog, Field, Refusal};
use crate::i18n::*;
use crate::reactive::derived;
use crate::state::session::use_session;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use model::problem::{Problem, ProblemCode};

/// Asks for the password, and goes on when it is right.
#[component]
pub fn SignInAgain(open: RwSignal<bool>, then: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let session = use_session();
    let password = RwSignal::new(String::new());
    let confirm = Action::new(move |typed: &String| {
        let typed = typed.clone();
        async move {
            match api::confirm_password(typed).await {
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
        if !confirm.pending().get_untracked() && password.with_untracked(|text| !text.is_empty()) {
            confirm.dispatch(password.get_untracked());
            password.set(String::new());
        }
    };
    view! {
        <Dialog open title=text!(i18n, wizard.sign_in_again)>
            <form on:submit=submit>
                <p>{word!(i18n, wizard.sign_in_again_text)}</p>
                <Field label=text!(i18n, wizard.your_password) value=password kind="password" autocomplete="current-password"/>
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

/// The server found the sign-in too old.
#[must_use]
pub fn needs_sign_in(problem: &Problem) -> bool {
    problem.code == ProblemCode::ConsentMissing
        && problem.params.get("missing").is_some_and(|missing| missing.replace('-', "_").contains("fresh_sign_in"))
}
