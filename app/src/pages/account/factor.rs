//! The second factor: set it up, or take it away.

use super::set_up::SetUp;
use crate::api::{self, ApiError, FactorView};
use crate::components::{Badge, Button, ButtonKind, Card, FactRow, Field, Message, Refusal, Tone, When};
use crate::i18n::*;
use crate::pages::sign_in_again::{SignInAgain, asks_when_old};
use crate::reactive::{derived, part};
use crate::state::session::use_session;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

/// Below so many recovery codes somebody should set it up anew.
const FEW_CODES: u32 = 3;

#[component]
pub fn SecondFactor(factor: Option<FactorView>, again: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let body = match factor {
        None => view! { <SetUp again/> }.into_any(),
        Some(factor) => view! { <Enrolled factor again/> }.into_any(),
    };
    view! { <Card title=text!(i18n, team.factor)><div class="stack">{body}</div></Card> }.into_any()
}

#[component]
fn Enrolled(factor: FactorView, again: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let left = factor.recovery_left;
    let few = (left < FEW_CODES)
        .then(|| view! { <Message tone=Tone::Look><p>{word!(i18n, team.factor_codes_low)}</p></Message> });
    view! {
        <p><Badge tone=Tone::Good word=text!(i18n, team.factor_on)/></p>
        <dl class="facts">
            <FactRow name=text!(i18n, team.factor_since)><When at=factor.since/></FactRow>
            <FactRow name=text!(i18n, team.recovery_left)>{left}</FactRow>
        </dl>
        {few}
        <Remove again/>
    }
    .into_any()
}

/// Needs a code, so that an open tab is not enough.
#[component]
fn Remove(again: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let session = use_session();
    let code = RwSignal::new(String::new());
    let asking = RwSignal::new(false);
    let remove = Action::new(move |(): &()| async move {
        let answer = api::remove_second_factor(code.get_untracked()).await;
        if answer.is_ok() {
            if let Some(session) = session {
                session.0.update(|me| me.shown = me.shown.password.into());
            }
            again.run(());
        }
        answer.err().map(|ApiError(problem)| problem)
    });
    let problem = asks_when_old(derived(move || remove.value().get().flatten()), asking);
    let missing =
        derived(move || code.with(|text| text.trim().is_empty()).then(|| said!(i18n, team.code_missing).to_owned()));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if missing.with_untracked(Option::is_none) && !remove.pending().get_untracked() {
            remove.dispatch(());
        }
    };
    let hint = derived(move || Some(said!(i18n, pages.code_hint).to_owned()));
    view! {
        <details>
            <summary>{word!(i18n, team.factor_remove)}</summary>
            <form class="stack narrow" on:submit=submit>
                <p class="muted">{word!(i18n, team.factor_remove_text)}</p>
                <Field label=text!(i18n, pages.code) hint value=code name="code" autocomplete="one-time-code" mono=true/>
                <Refusal problem/>
                <div class="row">
                    <Button kind=ButtonKind::Danger submit=true busy=remove.pending() disabled_reason=missing>{part(move || said!(i18n, team.factor_remove))}</Button>
                </div>
            </form>
        </details>
        <SignInAgain open=asking second=false then=Callback::new(move |()| drop(remove.dispatch(())))/>
    }
    .into_any()
}
