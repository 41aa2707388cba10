//! The host of corosync-qnetd: added like a node, and where the nodes reach it.

use super::add_node::AddNode;
use super::context::Wizard;
use super::node_row::NodeRow;
use super::runner::PlanRunner;
use crate::api::Wish;
use crate::components::{Card, Field};
use crate::i18n::*;
use crate::reactive::{derived, memo};
use crate::words::use_words;
use leptos::prelude::*;
use model::inventory::{LogIn, Purpose};
use model::problem::{Problem, ProblemCode};
use model::wizard::WizardStep;
use std::net::IpAddr;

/// `against_advice`: for an odd number of nodes.
#[component]
pub fn Host(#[prop(optional)] against_advice: bool) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let wizard = Wizard::here();
    let hosts = memo(move |_| wizard.nodes(Purpose::Qnetd));
    let ids = memo(move |_| hosts.with(|hosts| hosts.iter().map(|host| host.id).collect::<Vec<_>>()));
    // The one that was added last counts: an earlier one that does not work may stay in the list.
    let host = memo(move |_| {
        hosts.with(|hosts| hosts.iter().rev().find(|host| matches!(host.log_in, LogIn::Works { .. })).cloned())
    });
    let address = RwSignal::new(String::new());
    let typed = move || address.with(|text| text.trim().to_owned());
    // Nothing typed: the address at which the console reaches it, if that is an address.
    let parsed = move || -> Result<Option<IpAddr>, Problem> {
        let text = typed();
        if text.is_empty() {
            let known = host.with(|host| host.as_ref().and_then(|host| host.address.host.parse().ok()));
            return Ok(known);
        }
        text.parse().map(Some).map_err(|_| Problem::new(ProblemCode::AddressInvalid).with("address", &text))
    };
    let wrong = derived(move || parsed().err().map(|problem| words.problem(&problem)));
    let why = derived(move || {
        if host.with(Option::is_none) {
            return Some(said!(i18n, wizard.qnetd_missing).to_owned());
        }
        wrong
            .get()
            .or_else(|| parsed().ok().flatten().is_none().then(|| said!(i18n, wizard.qnetd_address_missing).to_owned()))
    });
    let wish = derived(move || {
        let address = parsed().ok().flatten()?;
        let host = host.with(|host| host.as_ref().map(|host| host.id))?;
        Some(Wish::Qdevice { host, address: Some(address), against_advice })
    });
    let default = derived(move || {
        let name = host.with(|host| host.as_ref().map(|host| host.address.host.clone()).unwrap_or_default());
        Some(said!(i18n, wizard.qnetd_address_hint, address = name).to_string())
    });
    view! {
        <PlanRunner step=WizardStep::Qdevice wish why label=text!(i18n, wizard.qdevice_run)>
            <Card title=text!(i18n, wizard.qnetd_title)>
                <div class="stack">
                    <p class="muted">{word!(i18n, wizard.qnetd_text)}</p>
                    <ul class="wizard-nodes">
                        <For each=move || ids.get() key=|id| *id children=move |id| view! { <NodeRow id/> }/>
                    </ul>
                    <Show when=move || host.with(Option::is_none)><AddNode qnetd=true/></Show>
                    <Show when=move || host.with(Option::is_some)>
                        <Field label=text!(i18n, wizard.qnetd_address) value=address mono=true error=wrong hint=default/>
                    </Show>
                </div>
            </Card>
        </PlanRunner>
    }
}
