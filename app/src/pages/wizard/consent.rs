//! What the policy asks of a person before a plan runs.

use super::context::Wizard;
use crate::api::Preview;
use crate::components::{Area, Button, ButtonKind, Field, Message, Notice, Tone};
use crate::i18n::*;
use crate::pages::sign_in_again::SignInAgain;
use crate::reactive::{derived, part};
use crate::words::use_words;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use model::can::Deed;
use model::policy::{Agreement, Consent, Ruling, Unmet};

/// Calls `on_run` with what the person typed once every demand of the ruling is met, a fresh sign-in included, and the
/// agreement of others left out: where that is needed the button asks for it.
///
/// `also` is what else has to be there first, in words. `asking` opens the question for the password; the caller sets it when the server found the sign-in too old after all.
#[component]
pub fn ConsentForm(
    preview: Preview,
    #[prop(into)] label: Signal<String>,
    #[prop(into)] busy: Signal<bool>,
    #[prop(into)] also: Signal<Option<String>>,
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
            // A sign-in that is not fresh does not stop the button: pressing it asks for the password. An agreement that
            // is missing does not stop it either: pressing it asks for that.
            let first = ruling.unmet(&consent(), &target, true.into(), true).into_iter().next();
            let demand = first.map(|unmet| match unmet {
                Unmet::Reason => said!(i18n, wizard.reason_missing).to_owned(),
                Unmet::TypedTarget => said!(i18n, wizard.typed_missing, target = target.clone()).to_string(),
                Unmet::FreshSignIn | Unmet::SecondFactor | Unmet::Agreement => {
                    said!(i18n, wizard.agreement_missing).to_owned()
                }
            });
            let hindrance = hindered.then(|| said!(i18n, wizard.obstacles_first).to_owned());
            refusal.get().or(hindrance).or(demand).or_else(|| also.get())
        })
    };
    let run = move || on_run.run(untrack(consent));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() || missing.with_untracked(Option::is_some) {
            return;
        }
        if too_old(wizard, &ruling) { asking.set(true) } else { run() }
    };
    let obstacles = obstacles.into_iter().map(|problem| view! { <Notice problem/> }).collect_view();
    let needs_others = ruling.agreement != Agreement::Nobody;
    let agreement = needs_others.then(|| view! { <Others agreement=ruling.agreement/> });
    let label = derived(move || if needs_others { said!(i18n, wizard.ask).to_owned() } else { label.get() });
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
                <Button kind=ButtonKind::Primary submit=true busy disabled_reason=missing show_reason=true>{part(move || label.get())}</Button>
            </form>
            <SignInAgain open=asking second=ruling.second_factor then=Callback::new(move |()| run())/>
        </div>
    }
}

/// Whether the person has to show first who they are.
fn too_old(wizard: Wizard, ruling: &Ruling) -> bool {
    let shown = wizard.session.map(|session| session.0.with_untracked(|me| me.shown));
    shown.is_some_and(|shown| ruling.sign_in().unmet(shown).is_some())
}

/// Whose agreement is needed, and how that goes on.
#[component]
fn Others(agreement: Agreement) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let who = derived(move || words.plain("agreement", agreement.word()));
    view! {
        <Message tone=Tone::Look>
            <p>{part(move || said!(i18n, wizard.agreement_needed, who = who.get()).to_string())}</p>
            <p class="muted small">{word!(i18n, wizard.agreement_how)}</p>
        </Message>
    }
    .into_any()
}
