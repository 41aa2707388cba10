//! What the cluster is like, as the asked node tells it, and what does not fit together.

use crate::components::{Badge, Card, FactRow, Message, Tone, When};
use crate::i18n::*;
use crate::pages::wizard::add_node::AddNode;
use crate::pages::wizard::context::Wizard;
use crate::pages::wizard::node_row::NodeRow;
use crate::reactive::{memo, part};
use crate::words::use_words;
use leptos::prelude::*;
use model::facts::ConfQdevice;
use model::import::Discovery;
use model::inventory::Purpose;
use std::collections::BTreeSet;

#[component]
pub fn Facts(discovery: Discovery) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let links: BTreeSet<u8> = discovery.found.iter().flat_map(|one| one.links.keys().copied()).collect();
    let (quorum_tone, quorate) = match discovery.quorate {
        Some(true) => (Tone::Good, text!(i18n, pages.quorate)),
        Some(false) => (Tone::Bad, text!(i18n, pages.not_quorate)),
        None => (Tone::Unknown, text!(i18n, pages.quorate_unknown)),
    };
    let guests = discovery.guests;
    let guests = move || guests.map_or_else(|| said!(i18n, import.not_known).to_owned(), |count| count.to_string());
    let qdevice = discovery.qdevice.clone();
    let qdevice = move || qdevice.as_ref().map_or_else(|| said!(i18n, import.none).to_owned(), described);
    let differs = discovery.differs.into_iter().map(move |one| {
        let sentence = part(move || words.say("difference", one.code.as_str(), &one.params));
        view! { <Message tone=Tone::Look><p>{sentence}</p></Message> }
    });
    view! {
        <dl class="facts">
            <FactRow name=text!(i18n, import.name)><span class="strong">{discovery.cluster_name}</span></FactRow>
            <FactRow name=text!(i18n, import.quorum)><Badge tone=quorum_tone word=quorate/></FactRow>
            <FactRow name=text!(i18n, import.members)>{discovery.found.len()}</FactRow>
            <FactRow name=text!(i18n, import.links)>{links.len()}</FactRow>
            <FactRow name=text!(i18n, import.qdevice)>{qdevice}</FactRow>
            <FactRow name=text!(i18n, import.guests)>{guests}</FactRow>
            <FactRow name=text!(i18n, import.version)>{discovery.config_version}</FactRow>
            <FactRow name=text!(i18n, import.told_by)>{discovery.told_by}" "<When at=discovery.at/></FactRow>
        </dl>
        {differs.collect_view()}
    }
    .into_any()
}

/// `10.0.1.50, ffsplit`
fn described(device: &ConfQdevice) -> String {
    let parts = [device.host.clone(), device.algorithm.clone()];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { device.model.clone() } else { parts.join(", ") }
}

/// The QDevice's host, offered like a machine; the cluster is watched without it too.
#[component]
pub fn QnetdHost(host: String) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let ids = memo(move |_| wizard.nodes(Purpose::Qnetd).iter().map(|node| node.id).collect::<Vec<_>>());
    let none = memo(move |_| ids.with(Vec::is_empty));
    view! {
        <Card title=text!(i18n, import.qnetd)>
            <div class="stack">
                <p class="muted">{word!(i18n, import.qnetd_text)}</p>
                <ul class="wizard-nodes">
                    <For each=move || ids.get() key=|id| *id children=move |id| view! { <NodeRow id/> }/>
                </ul>
                <Show when=move || none.get()><AddNode qnetd=true proposed=host.clone()/></Show>
            </div>
        </Card>
    }
    .into_any()
}
