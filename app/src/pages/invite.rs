//! A new account, from a link that works once.

use crate::api;
use crate::api::{ApiError, Invite};
use crate::components::{Button, ButtonKind, Field, Refusal};
use crate::i18n::*;
use crate::pages::frame::{Logo, Switches};
use crate::pages::loaded::Loaded;
use crate::reactive::{derived, memo, part};
use crate::words::use_words;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_params_map};
use model::problem::Problem;

/// The server refuses shorter ones too.
pub(crate) const PASSWORD_MIN_CHARS: usize = 12;

#[component]
pub fn InvitePage() -> impl IntoView {
    let i18n = use_i18n();
    let params = use_params_map();
    let token = memo(move |_| params.with(|map| map.get("token")).unwrap_or_default());
    let invite = api::reading(move || token.get(), api::look_at_invite);
    view! {
        <Title text=move || said!(i18n, pages.invite_title)/>
        <main class="alone">
            <section class="card alone-card">
                <h1 class="alone-brand"><Logo/>{word!(i18n, pages.invite_title)}</h1>
                <Loaded resource=invite view=move |invite| view! { <Account invite token=token.get_untracked()/> }/>
            </section>
            <Switches/>
        </main>
    }
    .into_any()
}

#[component]
fn Account(invite: Invite, token: String) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let role = invite.role;
    let name = RwSignal::new(invite.name.unwrap_or_default());
    let password = RwSignal::new(String::new());
    let repeated = RwSignal::new(String::new());
    let create = accepting(token, name, password);
    let too_short = move || password.with(|text| text.chars().count() < PASSWORD_MIN_CHARS);
    let differs = move || repeated.with(|again| password.with(|text| again != text));
    let short_text = derived(move || {
        (too_short() && !password.with(String::is_empty)).then(|| said!(i18n, pages.invite_short).to_owned())
    });
    let differs_text = derived(move || {
        (differs() && !repeated.with(String::is_empty)).then(|| said!(i18n, pages.invite_differs).to_owned())
    });
    let reason = derived(move || {
        if too_short() {
            Some(said!(i18n, pages.invite_short).to_owned())
        } else {
            differs().then(|| said!(i18n, pages.invite_differs).to_owned())
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if reason.with_untracked(Option::is_none) && !create.pending().get_untracked() {
            create.dispatch(());
        }
    };
    view! {
        <form method="post" on:submit=submit>
            <p class="muted">{part(move || said!(i18n, pages.invite_intro, role = words.plain("role", role.as_str())))}</p>
            <Field
                label=text!(i18n, pages.user_name)
                hint=derived(move || Some(said!(i18n, pages.invite_name_hint).to_owned()))
                value=name
                name="name"
                autocomplete="username"
            />
            <Field
                label=text!(i18n, pages.password)
                hint=derived(move || Some(said!(i18n, pages.invite_password_hint).to_owned()))
                error=short_text
                value=password
                kind="password"
                name="password"
                autocomplete="new-password"
            />
            <Field
                label=text!(i18n, pages.invite_repeat)
                error=differs_text
                value=repeated
                kind="password"
                name="password-again"
                autocomplete="new-password"
            />
            <Refusal problem=derived(move || create.value().get().flatten())/>
            <Button kind=ButtonKind::Primary submit=true disabled_reason=reason busy=create.pending()>{word!(i18n, pages.invite_create)}</Button>
        </form>
    }
    .into_any()
}

/// Makes the account and goes to the first page; the value is what was refused.
fn accepting(token: String, name: RwSignal<String>, password: RwSignal<String>) -> Action<(), Option<Problem>> {
    let navigate = use_navigate();
    Action::new(move |(): &()| {
        let (navigate, token) = (navigate.clone(), token.clone());
        async move {
            let answer = api::accept_invite(token, name.get_untracked(), password.get_untracked()).await;
            if answer.is_ok() {
                navigate("/", NavigateOptions { replace: true, ..NavigateOptions::default() });
            }
            answer.err().map(|ApiError(problem)| problem)
        }
    })
}
