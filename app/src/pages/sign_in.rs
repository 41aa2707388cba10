//! Name and password, and the code of the second factor of who has one.

use crate::api;
use crate::components::{Button, ButtonKind, Field, Refusal};
use crate::i18n::*;
use crate::pages::frame::{Logo, Switches};
use crate::reactive::{derived, part};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};
use model::problem::ProblemCode;

#[component]
pub fn SignInPage() -> impl IntoView {
    let i18n = use_i18n();
    let name = RwSignal::new(String::new());
    let password = RwSignal::new(String::new());
    let code = RwSignal::new(String::new());
    let needs_code = RwSignal::new(false);
    let query = use_query_map();
    let navigate = use_navigate();
    let sign_in = Action::new(move |(): &()| {
        let navigate = navigate.clone();
        let next = query.with_untracked(|map| map.get("next"));
        async move {
            let typed = needs_code.get_untracked().then(|| code.get_untracked());
            let answer = api::sign_in(name.get_untracked(), password.get_untracked(), typed).await;
            code.set(String::new());
            let refused = answer.err().map(|error| error.0);
            let wrong = |of| refused.as_ref().is_some_and(|problem| problem.code == of);
            let asks = wrong(ProblemCode::SecondFactorNeeded) || wrong(ProblemCode::SecondFactorWrong);
            // The password is kept as long as only the code is missing, and no longer.
            if !asks {
                password.set(String::new());
            }
            needs_code.set(asks);
            if refused.is_none() {
                navigate(own_path(next.as_deref()), NavigateOptions { replace: true, ..NavigateOptions::default() });
            }
            refused
        }
    });
    let problem = derived(move || {
        sign_in.value().get().flatten().filter(|problem| problem.code != ProblemCode::SecondFactorNeeded)
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if !sign_in.pending().get_untracked() {
            sign_in.dispatch(());
        }
    };
    view! {
        <Title text=move || said!(i18n, pages.sign_in)/>
        <main class="alone">
            <form class="card alone-card" method="post" on:submit=submit>
                <h1 class="alone-brand"><Logo/>"Quorate"</h1>
                <p class="muted">{word!(i18n, pages.sign_in_intro)}</p>
                <div class="stack" hidden=move || needs_code.get()>
                    <Field label=text!(i18n, pages.user_name) value=name name="name" autocomplete="username"/>
                    <Field
                        label=text!(i18n, pages.password)
                        value=password
                        kind="password"
                        name="password"
                        autocomplete="current-password"
                    />
                </div>
                <div role="status">{part(move || needs_code.get().then(|| view! { <SecondStep code/> }))}</div>
                <Refusal problem/>
                <Button kind=ButtonKind::Primary submit=true busy=sign_in.pending()>{word!(i18n, pages.sign_in)}</Button>
            </form>
            <Switches/>
        </main>
    }
    .into_any()
}

/// The password fits; now the code.
#[component]
fn SecondStep(code: RwSignal<String>) -> impl IntoView {
    let i18n = use_i18n();
    let hint = derived(move || Some(said!(i18n, pages.code_hint).to_owned()));
    view! {
        <p>{word!(i18n, pages.code_asked)}</p>
        <Field label=text!(i18n, pages.code) hint value=code name="code" autocomplete="one-time-code" mono=true/>
    }
    .into_any()
}

/// Only paths of this console: an address of another host after sign-in would be a gift to phishers.
fn own_path(next: Option<&str>) -> &str {
    match next {
        Some(path) if path.starts_with('/') && !path.starts_with("//") && !path.contains('\\') => path,
        _ => "/",
    }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn sign_in_leads_to_this_console_only() {
        assert_eq!(own_path(Some("/clusters/1?x=2")), "/clusters/1?x=2");
        for evil in ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
            assert_eq!(own_path(Some(evil)), "/", "{evil}");
        }
        assert_eq!(own_path(None), "/");
    }
}
