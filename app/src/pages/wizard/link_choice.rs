//! The table of addresses: a row per node, a column per link.

use super::context::Wizard;
use super::link_draft;
use crate::components::{Button, ButtonKind};
use crate::i18n::*;
use crate::reactive::{memo, part};
use crate::words::use_words;
use leptos::prelude::*;
use model::can::Deed;
use model::facts::InterfaceAddress;
use model::ids::NodeId;
use model::links::{Candidate, LinkFault, LinkPlan, NodeAddresses, faults, joining_faults};
use model::problem::{Problem, ProblemCode};
use std::net::IpAddr;

/// What is being chosen, and what it is chosen from.
#[derive(Clone, Copy)]
pub struct LinkForm {
    pub links: RwSignal<Vec<LinkPlan>>,
    /// The revision of the draft that the choice started from.
    pub base: RwSignal<u64>,
    pub nodes: StoredValue<Vec<NodeAddresses>>,
    pub candidates: StoredValue<Vec<Candidate>>,
    /// The links of a living cluster, which nobody can change here; empty for a draft.
    pub fixed: StoredValue<Vec<LinkPlan>>,
}

impl LinkForm {
    /// What is wrong with the choice, judged as the server judges it.
    pub fn faults(self) -> Vec<LinkFault> {
        self.nodes.with_value(|nodes| {
            self.links.with(|links| {
                self.fixed.with_value(|fixed| {
                    if fixed.is_empty() { faults(links, nodes) } else { joining_faults(links, fixed, nodes) }
                })
            })
        })
    }

    fn is_fixed(self) -> bool {
        self.fixed.with_value(|fixed| !fixed.is_empty())
    }
}

#[component]
pub fn Addresses(form: LinkForm) -> impl IntoView {
    let i18n = use_i18n();
    let numbers = memo(move |_| form.links.with(|links| links.iter().map(|link| link.number).collect::<Vec<_>>()));
    let nodes = form.nodes.with_value(|nodes| nodes.iter().map(|node| node.node).collect::<Vec<_>>());
    let rows = nodes.into_iter().map(|node| view! { <Row form node numbers/> }).collect_view();
    view! {
        <div class="table-scroll grid-scroll" role="region" aria-label=text!(i18n, wizard.links) tabindex="0">
            <table class="table grid">
                <thead>
                    <tr>
                        <th scope="col">{word!(i18n, wizard.node)}</th>
                        <For each=move || numbers.get() key=|number| *number children=move |number| view! { <Head form number/> }/>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

/// What one link is, with its priority.
#[component]
fn Head(form: LinkForm, number: u8) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let link = memo(move |_| form.links.with(|links| links.iter().find(|link| link.number == number).cloned()));
    let count = move || form.links.with(Vec::len);
    let kind = move || {
        let found = link.with(|link| {
            link.as_ref().and_then(|link| {
                form.candidates.with_value(|known| link_draft::network_of(&link.addresses, known).cloned())
            })
        });
        let network =
            || link.with(|link| link.as_ref().and_then(|link| link.network).map(|network| network.to_string()));
        if form.is_fixed() {
            return network().unwrap_or_default();
        }
        let Some(one) = found else { return said!(i18n, wizard.link_mixed).to_owned() };
        let role =
            if one.management { said!(i18n, wizard.link_management) } else { said!(i18n, wizard.link_dedicated) };
        let dynamic = if one.dynamic { format!(" · ▲ {}", said!(i18n, wizard.link_dynamic)) } else { String::new() };
        format!("{} · {role}{dynamic}", one.network)
    };
    let several = move || count() > 1;
    let preferred = move || several() && form.links.with(|links| link_draft::preferred(links)) == Some(number);
    let typed = move |event| {
        if let Ok(value) = event_target_value(&event).trim().parse::<u8>() {
            form.links.update(|links| link_draft::set_priority(links, number, u32::from(value)));
        }
    };
    let priority =
        move || link.with(|link| link.as_ref().and_then(|link| link.priority)).unwrap_or_default().to_string();
    let remove = move |()| {
        form.candidates.with_value(|known| form.links.update(|links| link_draft::remove(links, number, known)))
    };
    view! {
        <th scope="col" class="link-head">
            <div class="row">
                <span class="strong">{text!(i18n, wizard.link, number = number)}</span>
                <Show when=preferred><span class="badge badge-act">{word!(i18n, wizard.link_preferred)}</span></Show>
            </div>
            <p class="muted small">{kind}</p>
            <Show when=move || several() && !form.is_fixed()>
                <div class="row">
                    <label class="small">
                        {word!(i18n, wizard.priority)}<span class="visually-hidden">" "{text!(i18n, wizard.link, number = number)}</span>" "
                        <input class="input link-priority" type="number" min="0" max="255" prop:value=priority on:change=typed/>
                    </label>
                    <Button kind=ButtonKind::Quiet disabled_reason=wizard.refusal(Deed::EditDraft) on_press=Callback::new(remove)>
                        {word!(i18n, wizard.remove)}<span class="visually-hidden">" "{text!(i18n, wizard.link, number = number)}</span>
                    </Button>
                </div>
            </Show>
        </th>
    }
}

#[component]
fn Row(form: LinkForm, node: NodeId, numbers: Memo<Vec<u8>>) -> impl IntoView {
    let wizard = Wizard::here();
    let label = memo(move |_| wizard.label(node));
    view! {
        <tr>
            <th scope="row">{label}</th>
            <For each=move || numbers.get() key=|number| *number children=move |number| view! { <Choice form node number label/> }/>
        </tr>
    }
}

/// One address of one node, chosen from those that it has.
#[component]
fn Choice(form: LinkForm, node: NodeId, number: u8, label: Memo<String>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let wizard = Wizard::here();
    let chosen = memo(move |_| {
        form.links.with(|links| {
            links.iter().find(|link| link.number == number).and_then(|link| link.addresses.get(&node).copied())
        })
    });
    let own = form.nodes.with_value(|nodes| nodes.iter().find(|one| one.node == node).map(usable).unwrap_or_default());
    let known: Vec<IpAddr> = own.iter().map(|one| one.address).collect();
    let foreign = move || chosen.get().filter(|address| !known.contains(address));
    let options = own
        .into_iter()
        .map(|one| {
            let address = one.address;
            view! { <option value=address.to_string() selected=move || chosen.get() == Some(address)>{describe(&one)}</option> }
        })
        .collect_view();
    let changed = move |event| {
        let address = event_target_value(&event).parse::<IpAddr>().ok();
        form.candidates.with_value(|known| {
            form.links.update(|links| link_draft::set_address(links, number, node, address, known))
        });
    };
    let fault = memo(move |_| {
        form.faults()
            .into_iter()
            .find_map(|fault| of_cell(&fault, number, node, chosen.get()))
            .map(|problem| words.problem(&problem.with("node", label.get())))
    });
    let refusal = wizard.refusal(Deed::EditDraft);
    let value = move || chosen.get().map(|address| address.to_string()).unwrap_or_default();
    view! {
        <td>
            <select
                class="input mono"
                aria-label=move || said!(i18n, wizard.link_address, number = number, node = label.get()).to_string()
                aria-invalid=move || fault.with(Option::is_some).then_some("true")
                disabled=move || refusal.with(Option::is_some)
                prop:value=value
                on:change=changed
            >
                <option value="" selected=move || chosen.get().is_none()>"—"</option>
                {options}
                {part(move || foreign().map(|address| view! { <option value=address.to_string() selected=true>{address.to_string()}</option> }))}
            </select>
            <span class="field-note text-bad" aria-live="polite">{part(move || fault.get().map(|text| format!("✕ {text}")))}</span>
        </td>
    }
}

/// Addresses that corosync could use: no loopback, no link-local ones.
fn usable(node: &NodeAddresses) -> Vec<InterfaceAddress> {
    node.addresses.iter().filter(|one| one.global && !one.address.is_loopback()).cloned().collect()
}

fn describe(one: &InterfaceAddress) -> String {
    let dynamic = if one.dynamic { " · DHCP" } else { "" };
    format!("{}/{} · {}{dynamic}", one.address, one.prefix, one.interface)
}

/// The problem of one cell, if the fault is about it.
fn of_cell(fault: &LinkFault, number: u8, of: NodeId, chosen: Option<IpAddr>) -> Option<Problem> {
    match fault {
        LinkFault::Missing { link, node } if (*link, *node) == (number, of) => {
            Some(Problem::new(ProblemCode::LinksIncomplete).with("link", number))
        }
        LinkFault::NotLocal { link, node, address } if (*link, *node) == (number, of) => {
            Some(Problem::new(ProblemCode::LinkNotLocal).with("address", address))
        }
        LinkFault::Twice { address } if chosen == Some(*address) => {
            Some(Problem::new(ProblemCode::LinkAddressTwice).with("address", address))
        }
        _ => None,
    }
}
