//! Adding a machine by its address. The key that it shows is confirmed afterwards, in its row.

use super::context::Wizard;
use crate::api::{self, ApiError, NewNode};
use crate::components::{Button, ButtonKind, Field, Refusal};
use crate::i18n::*;
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
    let add = Action::new(move |address: &SshAddress| {
        let SshAddress { host: name, port, user } = address.clone();
        async move {
            let answer = api::add_node(wizard.id, NewNode { host: name, port, user, qnetd }).await;
            if answer.is_ok() {
                host.set(String::new());
            }
            // A machine that did not answer may be in the list now.
            wizard.refresh();
            answer.err().map(|ApiError(problem)| problem)
        }
    });
    let button = Signal::derive(move || {
        if qnetd { t_string!(i18n, wizard.add_qnetd).to_owned() } else { t_string!(i18n, wizard.add_node).to_owned() }
    });
    view! {
        <AddressForm
            host
            button
            refusal=wizard.refusal(Deed::AddNode)
            busy=add.pending()
            on_submit=Callback::new(move |address: SshAddress| drop(add.dispatch(address)))
        />
        <Refusal problem=Signal::derive(move || add.value().get().flatten())/>
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
    on_submit: Callback<SshAddress>,
) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let user = RwSignal::new("root".to_owned());
    let address = move || host.with(|host| user.with(|user| SshAddress::parse(host, SSH_PORT, user)));
    let wrong = move || address().err().map(|error| (error, words.problem(&Problem::from(error))));
    let host_error = Signal::derive(move || {
        if host.with(String::is_empty) {
            None
        } else {
            wrong().filter(|(error, _)| *error != AddressError::BadUser).map(|(_, text)| text)
        }
    });
    let user_error =
        Signal::derive(move || wrong().filter(|(error, _)| *error == AddressError::BadUser).map(|(_, text)| text));
    let reason = Signal::derive(move || refusal.get().or_else(|| wrong().map(|(_, text)| text)));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if reason.with_untracked(Option::is_some) || busy.get_untracked() {
            return;
        }
        if let Ok(address) = untrack(address) {
            on_submit.run(address);
        }
    };
    view! {
        <form class="wizard-add" on:submit=submit aria-label=move || button.get()>
            <Field label=text!(i18n, wizard.address) value=host mono=true error=host_error placeholder="10.0.1.11" hint=Signal::derive(move || Some(t_string!(i18n, wizard.address_hint).to_owned()))/>
            <Field label=text!(i18n, wizard.user) value=user mono=true error=user_error/>
            <Button kind submit=true busy disabled_reason=reason>{move || button.get()}</Button>
        </form>
    }
}
