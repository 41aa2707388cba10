//! What the policy asks of a person before a plan runs.

use super::context::Wizard;
use crate::api::{self, ApiError, Preview};
use crate::components::{Area, Button, ButtonKind, Dialog, Field, Message, Notice, Refusal, Tone};
use crate::i18n::*;
use crate::reactive::derived;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use model::can::Deed;
use model::policy::{Agreement, Consent, Unmet};

/// Calls `on_run` with what the person typed once every demand of the ruling is met, a fresh sign-in included.
///
/// `asking` opens the question for the password; the caller sets it when the server found the sign-in too old after all.
#[component]
pub fn ConsentForm(
    preview: Preview,
    #[prop(into)] label: Signal<String>,
    #[prop(into)] busy: Signal<bool>,
    asking: RwSignal<bool>,
    on_run: Callback<Consent>,
) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let Preview { plan, ruling, obstacles, .. } = preview;
    let target = plan.target;
    let reason = RwSignal::new(String::new());
    let typed = RwSignal::new(String::new());
    let consent = move || Consent { reason: reason.get().trim().to_owned(), typed: typed.get().trim().to_owned() };
    let refusal = wizard.refusal(Deed::RunPlan);
    let hindered = !obstacles.is_empty();
    let missing = {
        let target = target.clone();
        derived(move || {
            // A sign-in that is not fresh does not stop the button: pressing it asks for the password.
            let first = ruling.unmet(&consent(), &target, true, false).into_iter().next();
            let demand = first.map(|unmet| match unmet {
                Unmet::Reason => said!(i18n, wizard.reason_missing).to_owned(),
                Unmet::TypedTarget => said!(i18n, wizard.typed_missing, target = target.clone()).to_string(),
                Unmet::FreshSignIn | Unmet::Agreement => said!(i18n, wizard.agreement_missing).to_owned(),
            });
            let hindrance = hindered.then(|| said!(i18n, wizard.obstacles_first).to_owned());
            refusal.get().or(hindrance).or(demand)
        })
    };
    let run = move || on_run.run(untrack(consent));
    let fresh = move || wizard.session.is_none_or(|session| session.0.with_untracked(|me| me.fresh));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() || missing.with_untracked(Option::is_some) {
            return;
        }
        if ruling.fresh_sign_in && !fresh() { asking.set(true) } else { run() }
    };
    let obstacles = obstacles.into_iter().map(|problem| view! { <Notice problem/> }).collect_view();
    let agreement = (ruling.agreement != Agreement::Nobody)
        .then(|| view! { <Message tone=Tone::Look><p>{word!(i18n, wizard.agreement_needed)}</p></Message> });
    let typed_field = ruling.typed_target.then(|| {
        let target = target.clone();
        let label = text!(i18n, wizard.typed_label, target = target.clone());
        view! { <Field label value=typed mono=true/> }
    });
    let fresh_note =
        ruling.fresh_sign_in.then(|| view! { <p class="muted small">{word!(i18n, wizard.fresh_note)}</p> });
    let no_demand = (!ruling.reason && !ruling.typed_target)
        .then(|| view! { <p class="muted">{word!(i18n, wizard.no_demand)}</p> });
    view! {
        <div class="stack">
            {obstacles}
            {agreement}
            <form class="stack wizard-consent" on:submit=submit aria-label=text!(i18n, wizard.consent)>
                <Show when=move || ruling.reason><Area label=text!(i18n, wizard.reason) value=reason hint=derived(move || Some(said!(i18n, wizard.reason_hint).to_owned()))/></Show>
                {typed_field}
                {fresh_note}
                {no_demand}
                <Button kind=ButtonKind::Primary submit=true busy disabled_reason=missing show_reason=true>{label}</Button>
            </form>
            <SignInAgain open=asking then=Callback::new(move |()| run())/>
        </div>
    }
}

/// Asks for the password, and goes on when it is right.
#[component]
fn SignInAgain(open: RwSignal<bool>, then: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let password = RwSignal::new(String::new());
    let confirm = Action::new(move |typed: &String| {
        let typed = typed.clone();
        async move {
            match api::confirm_password(typed).await {
                Ok(me) => {
                    if let Some(session) = wizard.session {
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
}
