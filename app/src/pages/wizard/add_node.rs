//! Adding a machine by its address. The key that it shows is confirmed afterwards, in its row.

use super::context::Wizard;
use crate::api::{self, ApiError, NewNode};
use crate::components::{Button, ButtonKind, Field, Refusal};
use crate::i18n::*;
use crate::reactive::{derived, part};
use crate::words::use_words;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use model::can::Deed;
use model::name::{AddressError, SshAddress};
use model::problem::Problem;

/// The port where nothing else is typed.
pub const SSH_PORT: u16 = 22;

/// `proposed` stands in the field until a person types another address.
#[component]
pub fn AddNode(qnetd: bool, #[prop(optional, into)] proposed: String) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let host = RwSignal::new(proposed);
    let add = Action::new(move |typed: &Typed| {
        let new = typed.as_new(qnetd);
        async move {
            let answer = api::add_node(wizard.id, new).await;
            if answer.is_ok() {
                host.set(String::new());
            }
            // A machine that did not answer may be in the list now.
            wizard.refresh();
            answer.err().map(|ApiError(problem)| problem)
        }
    });
    let button =
        derived(
            move || {
                if qnetd { said!(i18n, wizard.add_qnetd).to_owned() } else { said!(i18n, wizard.add_node).to_owned() }
            },
        );
    view! {
        <AddressForm
            host
            button
            refusal=wizard.refusal(Deed::AddNode)
            busy=add.pending()
            on_submit=Callback::new(move |typed: Typed| drop(add.dispatch(typed)))
        />
        <Refusal problem=derived(move || add.value().get().flatten())/>
    }
}

/// Where a machine is, and through which other one it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    address: SshAddress,
    via: Option<SshAddress>,
}

impl Typed {
    #[must_use]
    pub fn as_new(&self, qnetd: bool) -> NewNode {
        let SshAddress { host, port, user } = self.address.clone();
        NewNode { host, port, user, qnetd, via: self.via.clone() }
    }
}

/// Address and account of a machine; `refusal` is why the person may not go on.
#[component]
pub fn AddressForm(
    host: RwSignal<String>,
    #[prop(into)] button: Signal<String>,
    #[prop(into)] refusal: Signal<Option<String>>,
    #[prop(into)] busy: Signal<bool>,
    #[prop(optional)] kind: ButtonKind,
    on_submit: Callback<Typed>,
) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let user = RwSignal::new("root".to_owned());
    let jump = Jump::new();
    let address = move || host.with(|host| user.with(|user| SshAddress::parse(host, SSH_PORT, user)));
    let wrong = move || address().err().map(|error| (error, words.problem(&Problem::from(error))));
    let host_error = derived(move || {
        if host.with(String::is_empty) {
            None
        } else {
            wrong().filter(|(error, _)| *error != AddressError::BadUser).map(|(_, text)| text)
        }
    });
    let user_error =
        derived(move || wrong().filter(|(error, _)| *error == AddressError::BadUser).map(|(_, text)| text));
    let reason = derived(move || {
        let wrong = || wrong().map(|(_, text)| text);
        refusal.get().or_else(wrong).or_else(|| jump.wrong().map(|error| words.problem(&Problem::from(error))))
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if reason.with_untracked(Option::is_some) || busy.get_untracked() {
            return;
        }
        if let (Ok(address), Ok(via)) = (untrack(address), untrack(|| jump.address())) {
            on_submit.run(Typed { address, via });
        }
    };
    view! {
        <form class="wizard-add" on:submit=submit aria-label=move || button.get()>
            <Field label=text!(i18n, wizard.address) value=host mono=true error=host_error placeholder="10.0.1.11" hint=derived(move || Some(said!(i18n, wizard.address_hint).to_owned()))/>
            <Field label=text!(i18n, wizard.user) value=user mono=true error=user_error/>
            <Button kind submit=true busy disabled_reason=reason>{part(move || button.get())}</Button>
            <JumpFields jump/>
        </form>
    }
}

/// The machine in between, as it is being typed; an empty address means none.
#[derive(Clone, Copy)]
struct Jump {
    host: RwSignal<String>,
    user: RwSignal<String>,
}

impl Jump {
    fn new() -> Self {
        Self { host: RwSignal::new(String::new()), user: RwSignal::new("root".to_owned()) }
    }

    fn address(self) -> Result<Option<SshAddress>, AddressError> {
        let host = self.host.get();
        if host.trim().is_empty() {
            return Ok(None);
        }
        self.user.with(|user| SshAddress::parse(&host, SSH_PORT, user)).map(Some)
    }

    fn wrong(self) -> Option<AddressError> {
        self.address().err()
    }
}

/// Few need it: it stays folded until it is asked for.
#[component]
fn JumpFields(jump: Jump) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let error = move |of_user: bool| {
        let wrong = jump.wrong().filter(|error| (*error == AddressError::BadUser) == of_user);
        wrong.map(|error| words.problem(&Problem::from(error)))
    };
    view! {
        <details class="wizard-jump">
            <summary>{word!(i18n, wizard.jump)}</summary>
            <p class="muted">{word!(i18n, wizard.jump_text)}</p>
            <div class="wizard-jump-fields">
                <Field label=text!(i18n, wizard.jump_address) value=jump.host mono=true error=derived(move || error(false)) placeholder="203.0.113.5"/>
                <Field label=text!(i18n, wizard.jump_user) value=jump.user mono=true error=derived(move || error(true))/>
            </div>
        </details>
    }
}
