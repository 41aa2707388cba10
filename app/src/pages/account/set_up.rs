//! Setting a second factor up: the secret for the device, its first code, and the recovery codes.

use crate::api::{self, ApiError, NewSecondFactor};
use crate::components::{Button, ButtonKind, CopyButton, Field, Lines, Message, Refusal, Tone};
use crate::i18n::*;
use crate::pages::sign_in_again::{SignInAgain, asks_when_old};
use crate::reactive::{derived, part};
use crate::state::session::use_session;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use model::policy::SecondFactor;

/// Letters of the secret that stand together.
const GROUP: usize = 4;

#[derive(Clone)]
enum Stage {
    Off,
    /// The device gets the secret.
    Secret(NewSecondFactor),
    /// It is on; the recovery codes are seen this once.
    Codes(Vec<String>),
}

#[component]
pub fn SetUp(again: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let stage = RwSignal::new(Stage::Off);
    let asking = RwSignal::new(false);
    let begin = Action::new(move |(): &()| async move {
        match api::begin_second_factor().await {
            Ok(new) => {
                stage.set(Stage::Secret(new));
                None
            }
            Err(ApiError(problem)) => Some(problem),
        }
    });
    let problem = asks_when_old(derived(move || begin.value().get().flatten()), asking);
    let press = Callback::new(move |()| drop(begin.dispatch(())));
    let body = part(move || {
        match stage.get() {
        Stage::Off => view! {
            <p>{word!(i18n, team.factor_off)}</p>
            <Refusal problem/>
            <div class="row">
                <Button kind=ButtonKind::Primary busy=begin.pending() on_press=press>{word!(i18n, team.factor_set_up)}</Button>
            </div>
        }
        .into_any(),
        Stage::Secret(new) => view! { <Secret new stage/> }.into_any(),
        Stage::Codes(codes) => view! { <Codes codes again/> }.into_any(),
    }
    });
    view! {
        <div class="stack" aria-live="polite">{body}</div>
        <SignInAgain open=asking second=false then=press/>
    }
    .into_any()
}

#[component]
fn Secret(new: NewSecondFactor, stage: RwSignal<Stage>) -> impl IntoView {
    let i18n = use_i18n();
    let session = use_session();
    let code = RwSignal::new(String::new());
    let asking = RwSignal::new(false);
    let enrol = Action::new(move |(): &()| async move {
        match api::enrol_second_factor(code.get_untracked()).await {
            Ok(recovery) => {
                if let Some(session) = session {
                    session.0.update(|me| me.shown.second_factor = SecondFactor::Fresh);
                }
                stage.set(Stage::Codes(recovery.codes));
                None
            }
            Err(ApiError(problem)) => Some(problem),
        }
    });
    let problem = asks_when_old(derived(move || enrol.value().get().flatten()), asking);
    let missing =
        derived(move || code.with(|text| text.trim().is_empty()).then(|| said!(i18n, team.code_missing).to_owned()));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if missing.with_untracked(Option::is_none) && !enrol.pending().get_untracked() {
            enrol.dispatch(());
        }
    };
    let typed = grouped(&new.secret);
    view! {
        <p>{word!(i18n, team.factor_scan)}</p>
        <div class="factor-secret">
            <Picture side=new.side path=new.path/>
            <div class="stack">
                <p class="muted">{word!(i18n, team.factor_type)}</p>
                <Lines text=typed/>
                <form class="stack" on:submit=submit>
                    <Field label=text!(i18n, team.factor_first_code) value=code name="code" autocomplete="one-time-code" mono=true/>
                    <Refusal problem/>
                    <div class="row">
                        <Button kind=ButtonKind::Primary submit=true busy=enrol.pending() disabled_reason=missing>{word!(i18n, team.factor_turn_on)}</Button>
                        <Button on_press=Callback::new(move |()| stage.set(Stage::Off))>{word!(i18n, common.cancel)}</Button>
                    </div>
                </form>
            </div>
        </div>
        <SignInAgain open=asking second=false then=Callback::new(move |()| drop(enrol.dispatch(())))/>
    }
    .into_any()
}

/// The secret for a camera: dark on light in every theme, or cameras do not find it.
#[component]
fn Picture(side: u32, path: String) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <svg
            class="factor-picture"
            viewBox=format!("0 0 {side} {side}")
            role="img"
            aria-label=move || said!(i18n, team.factor_picture)
            shape-rendering="crispEdges"
        >
            <rect width=side height=side fill="#fff"></rect>
            <path d=path fill="#000"></path>
        </svg>
    }
    .into_any()
}

#[component]
fn Codes(codes: Vec<String>, again: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let text = codes.join("\n");
    view! {
        <Message tone=Tone::Good><p>{word!(i18n, team.factor_is_on)}</p></Message>
        <p>{word!(i18n, team.recovery_text)}</p>
        <div class="factor-codes" role="group" aria-label=text!(i18n, team.recovery_codes)><Lines text=text.clone()/></div>
        <div class="row">
            <CopyButton text/>
            <Button kind=ButtonKind::Primary on_press=again>{word!(i18n, team.recovery_kept)}</Button>
        </div>
    }
    .into_any()
}

/// Easier to type.
fn grouped(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    letters.chunks(GROUP).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn secrets_are_shown_in_groups() {
        assert_eq!(grouped("ABCDEFGHIJ"), "ABCD EFGH IJ");
        assert_eq!(grouped(""), "");
    }
}
