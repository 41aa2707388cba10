//! Two ways to let the console in: one line to paste on the machine, or its root password, used once.

use super::context::Wizard;
use crate::api::{self, ApiError};
use crate::components::{Button, ButtonKind, CopyButton, Field, Lines, Message, Refusal, Tone};
use crate::i18n::*;
use crate::pages::sign_in_again::{SignInAgain, asks_when_old, needs_sign_in};
use crate::reactive::{derived, memo, part};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use model::can::Deed;
use model::ids::NodeId;
use model::inventory::Purpose;
use model::policy::{Consent, Ruling, Unmet};

#[component]
pub fn KeyWays(id: NodeId) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let user = memo(move |_| wizard.node(id).map(|node| node.address.user).unwrap_or_default());
    // Through a jump host the console only passes.
    let sudo =
        memo(move |_| wizard.node(id).is_some_and(|node| node.address.needs_sudo() && node.purpose != Purpose::Jump));
    let line = wizard.view.with_untracked(|view| paste_line(&view.console_key));
    view! {
        <div class="wizard-node-work">
            <p>{word!(i18n, wizard.key_needed)}</p>
            <Show when=move || sudo.get()><Sudoers user/></Show>
            <div class="wizard-ways">
                <section class="wizard-way">
                    <h3>{part(move || said!(i18n, wizard.way_paste, user = user.get()).to_string())}</h3>
                    <div class="wizard-copy"><Lines text=line.clone()/><CopyButton text=line/></div>
                    <TryAgain id/>
                </section>
                <section class="wizard-way">
                    <h3>{part(move || way_password(i18n, &user.get()))}</h3>
                    <PasswordOnce id/>
                </section>
            </div>
        </div>
    }
}

fn way_password(i18n: I18n, user: &str) -> String {
    if user == "root" {
        said!(i18n, wizard.way_password).to_owned()
    } else {
        said!(i18n, wizard.way_password_of, user = user.to_owned()).to_string()
    }
}

/// The whole line, for a person to read before pasting it. A public key has no character that a shell would read.
fn paste_line(key: &str) -> String {
    format!("install -d -m 700 ~/.ssh && echo '{}' >> ~/.ssh/authorized_keys2", key.trim())
}

/// Used once to install the key, never kept: neither here after sending nor on the server.
#[component]
fn PasswordOnce(id: NodeId) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let password = RwSignal::new(String::new());
    let demands = Demands::of(wizard, id);
    let install = Action::new(move |(typed, consent): &(String, Consent)| {
        let (typed, consent) = (typed.clone(), consent.clone());
        async move {
            let answer = api::install_key(id, typed.clone(), consent).await;
            wizard.refresh();
            let problem = answer.err().map(|ApiError(problem)| problem);
            if problem.as_ref().is_some_and(needs_sign_in) {
                // It was not used; it goes with the same press once the person has signed in again.
                password.set(typed);
            }
            problem
        }
    });
    let asking = RwSignal::new(false);
    let problem = asks_when_old(derived(move || install.value().get().flatten()), asking);
    let refusal = wizard.refusal(Deed::AddNode);
    let label = derived(move || {
        let user = wizard.node(id).map(|node| node.address.user).unwrap_or_default();
        if user == "root" {
            said!(i18n, wizard.root_password, node = wizard.label(id)).to_string()
        } else {
            said!(i18n, wizard.user_password, user = user, node = wizard.label(id)).to_string()
        }
    });
    let reason = derived(move || {
        refusal
            .get()
            .or_else(|| password.with(String::is_empty).then(|| said!(i18n, wizard.password_missing).to_owned()))
            .or_else(|| demands.missing(i18n))
    });
    let send = Callback::new(move |()| {
        if reason.with_untracked(Option::is_none) && !install.pending().get_untracked() {
            install.dispatch((password.get_untracked(), untrack(|| demands.consent())));
            password.set(String::new());
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        send.run(());
    };
    view! {
        <form class="stack" on:submit=submit>
            <Field
                label
                value=password
                kind="password"
                autocomplete="off"
                hint=derived(move || Some(said!(i18n, wizard.password_once).to_owned()))
            />
            {demands.fields(i18n)}
            <Refusal problem/>
            <Button submit=true busy=install.pending() disabled_reason=reason>{word!(i18n, wizard.install_key)}</Button>
        </form>
        <SignInAgain open=asking second=true then=send/>
    }
}

/// What the policy wants to be typed beside the password.
#[derive(Clone, Copy)]
struct Demands {
    ruling: Ruling,
    /// What the plan calls the machine.
    target: StoredValue<String>,
    reason: RwSignal<String>,
    typed: RwSignal<String>,
}

impl Demands {
    fn of(wizard: Wizard, id: NodeId) -> Self {
        let target = untrack(|| wizard.node(id)).map(|node| node.label().to_owned()).unwrap_or_default();
        Self {
            ruling: wizard.view.with_untracked(|view| view.key_ruling),
            target: StoredValue::new(target),
            reason: RwSignal::new(String::new()),
            typed: RwSignal::new(String::new()),
        }
    }

    fn consent(self) -> Consent {
        Consent { reason: self.reason.get().trim().to_owned(), typed: self.typed.get().trim().to_owned() }
    }

    /// A sign-in that is not fresh stops nothing: pressing asks for it.
    fn missing(self, i18n: I18n) -> Option<String> {
        let target = self.target.get_value();
        match self.ruling.unmet(&self.consent(), &target, true.into(), true).first()? {
            Unmet::Reason => Some(said!(i18n, wizard.reason_missing).to_owned()),
            Unmet::TypedTarget => Some(said!(i18n, wizard.typed_missing, target = target).to_string()),
            Unmet::FreshSignIn | Unmet::SecondFactor | Unmet::Agreement => None,
        }
    }

    fn fields(self, i18n: I18n) -> impl IntoView {
        let reason = self.ruling.reason.then(|| view! { <Field label=text!(i18n, wizard.reason) value=self.reason/> });
        let typed = self.ruling.typed_target.then(|| {
            let target = self.target.get_value();
            view! { <Field label=text!(i18n, wizard.typed_label, target = target.clone()) value=self.typed mono=true/> }
        });
        view! { {reason}{typed} }
    }
}

#[component]
pub fn TryAgain(id: NodeId) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let attempt = Action::new(move |(): &()| async move {
        let answer = api::try_log_in(id).await;
        wizard.refresh();
        answer.err().map(|ApiError(problem)| problem)
    });
    let refusal = wizard.refusal(Deed::AddNode);
    view! {
        <Refusal problem=derived(move || attempt.value().get().flatten())/>
        <Button kind=ButtonKind::Plain busy=attempt.pending() disabled_reason=refusal on_press=Callback::new(move |()| drop(attempt.dispatch(())))>
            {word!(i18n, wizard.try_again)}<span class="visually-hidden">" ("{part(move || wizard.label(id))}")"</span>
        </Button>
    }
}

/// What a user other than root needs, and what that means.
#[component]
pub fn Sudoers(#[prop(into)] user: Signal<String>) -> impl IntoView {
    let i18n = use_i18n();
    let line = derived(move || format!("{} ALL=(ALL) NOPASSWD: ALL", user.get()));
    view! {
        <Message tone=Tone::Look>
            <p>{part(move || said!(i18n, wizard.sudoers, user = user.get()).to_string())}</p>
            <Lines text=line/>
        </Message>
    }
}
