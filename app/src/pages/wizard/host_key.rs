//! A machine's host key: confirmed by a person who has compared it, or changed and stopping everything.

use super::context::Wizard;
use super::key_way::TryAgain;
use crate::api::{self, ApiError};
use crate::components::{Button, ButtonKind, CopyButton, Dialog, Lines, Message, Refusal, Tone};
use crate::i18n::*;
use crate::pages::import::SeenByMember;
use crate::pages::sign_in_again::{SignInAgain, asks_when_old};
use crate::reactive::{derived, memo, part};
use leptos::prelude::*;
use model::can::Deed;
use model::host_key::HostKey;
use model::ids::NodeId;
use model::problem::{Problem, ProblemCode};

/// The file that sshd shows for an algorithm.
fn key_file(algorithm: &str) -> &'static str {
    match algorithm {
        "ssh-rsa" | "rsa-sha2-256" | "rsa-sha2-512" => "/etc/ssh/ssh_host_rsa_key.pub",
        name if name.starts_with("ecdsa") => "/etc/ssh/ssh_host_ecdsa_key.pub",
        _ => "/etc/ssh/ssh_host_ed25519_key.pub",
    }
}

/// Pins the key; the server looks at once whether the console can log in, and the row says so.
fn pin_action(wizard: Wizard, id: NodeId, fingerprint: String) -> Action<(), Option<Problem>> {
    Action::new(move |(): &()| {
        let fingerprint = fingerprint.clone();
        async move {
            let pinned = api::pin_key(id, fingerprint).await;
            wizard.refresh();
            pinned.err().map(|ApiError(problem)| problem)
        }
    })
}

#[component]
pub fn ConfirmKey(id: NodeId, offered: HostKey) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let command = format!("ssh-keygen -lf {}", key_file(&offered.algorithm));
    let pin = pin_action(wizard, id, offered.fingerprint.clone());
    let refusal = wizard.refusal(Deed::PinUnknownKey);
    // A member that another one has told of has its name before anybody has logged in.
    let by_member = untrack(|| wizard.is_live() && wizard.node(id).is_some_and(|node| node.name.is_some()));
    view! {
        <div class="wizard-node-work">
            <p>{word!(i18n, wizard.key_shown)}</p>
            <p class="wizard-fingerprint"><code>{offered.fingerprint.clone()}</code><span class="muted">{offered.algorithm.clone()}</span></p>
            {by_member.then(|| view! { <SeenByMember id/> })}
            <p class="muted">{word!(i18n, wizard.key_compare)}</p>
            <div class="wizard-copy"><Lines text=command.clone()/><CopyButton text=command/></div>
            <Refusal problem=derived(move || pin.value().get().flatten())/>
            <Button kind=ButtonKind::Primary busy=pin.pending() disabled_reason=refusal on_press=Callback::new(move |()| drop(pin.dispatch(())))>
                {word!(i18n, wizard.key_pin)}<span class="visually-hidden">" ("{part(move || wizard.label(id))}")"</span>
            </Button>
        </div>
    }
}

/// Nothing else is possible with this machine; only an admin may replace the key, knowing why it changed.
#[component]
pub fn ChangedKey(id: NodeId, pinned: Option<HostKey>, offered: HostKey) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let open = RwSignal::new(false);
    let mut problem = Problem::new(ProblemCode::HostKeyChanged).with("offered", &offered.fingerprint);
    if let Some(pinned) = &pinned {
        problem = problem.with("pinned", &pinned.fingerprint);
    }
    let words = crate::words::use_words();
    let replace = pin_action(wizard, id, offered.fingerprint.clone());
    let asking = RwSignal::new(false);
    let refused = asks_when_old(derived(move || replace.value().get().flatten()), asking);
    let once_more = Callback::new(move |()| drop(replace.dispatch(())));
    let refusal = wizard.refusal(Deed::ReplaceChangedKey);
    let label = memo(move |_| wizard.label(id));
    view! {
        <div class="wizard-node-work">
            <Message tone=Tone::Bad>
                <p role="alert">{part(move || words.problem(&problem))}</p>
            </Message>
            // The old key may be back: then everything goes on.
            <TryAgain id/>
            <Button kind=ButtonKind::Danger disabled_reason=refusal show_reason=true on_press=Callback::new(move |()| open.set(true))>
                {word!(i18n, wizard.key_replace)}
            </Button>
            <Dialog open title=text!(i18n, wizard.key_replace_question, node = label.get())>
                <p>{word!(i18n, wizard.key_replace_text)}</p>
                <p class="wizard-fingerprint"><code>{offered.fingerprint.clone()}</code></p>
                <Refusal problem=refused/>
                <div class="dialog-end">
                    <Button on_press=Callback::new(move |()| open.set(false))>{word!(i18n, common.cancel)}</Button>
                    <Button kind=ButtonKind::Danger busy=replace.pending() on_press=once_more>
                        {word!(i18n, wizard.key_replace_yes)}
                    </Button>
                </div>
            </Dialog>
            <SignInAgain open=asking second=true then=once_more/>
        </div>
    }
}
