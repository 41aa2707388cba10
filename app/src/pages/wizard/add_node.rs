//! Adding a machine by its address. The key that it shows is confirmed afterwards, in its row.

use super::context::Wizard;
use crate::api::{self, ApiError, NewNode};
use crate::components::{Button, Field, Refusal};
use crate::i18n::*;
use crate::words::use_words;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use model::can::Deed;
use model::name::{AddressError, SshAddress};
use model::problem::Problem;

/// The port where nothing else is typed.
const SSH_PORT: u16 = 22;

#[component]
pub fn AddNode(qnetd: bool) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let wizard = Wizard::here();
    let host = RwSignal::new(String::new());
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
    let refusal = wizard.refusal(Deed::AddNode);
    let reason = Signal::derive(move || refusal.get().or_else(|| wrong().map(|(_, text)| text)));
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
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if reason.with_untracked(Option::is_some) || add.pending().get_untracked() {
            return;
        }
        if let Ok(address) = untrack(address) {
            add.dispatch(address);
        }
    };
    let button = move || if qnetd { t_string!(i18n, wizard.add_qnetd) } else { t_string!(i18n, wizard.add_node) };
    view! {
        <form class="wizard-add" on:submit=submit aria-label=button>
            <Field label=text!(i18n, wizard.address) value=host mono=true error=host_error placeholder="10.0.1.11" hint=Signal::derive(move || Some(t_string!(i18n, wizard.address_hint).to_owned()))/>
            <Field label=text!(i18n, wizard.user) value=user mono=true error=user_error/>
            <Button submit=true busy=add.pending() disabled_reason=reason>{button}</Button>
        </form>
        <Refusal problem=Signal::derive(move || add.value().get().flatten())/>
    }
}
