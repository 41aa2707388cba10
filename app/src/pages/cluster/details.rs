//! What is known of the selected node or of the QDevice: every fact with where from and how old.

use super::links_table::LinksTable;
use super::{Selected, Selection, looks};
use crate::api;
use crate::components::{Age, Badge, Button, Card, CodeBlock, FactRow, Notice, Refusal, Source, Tone, When};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::state::live::LiveCluster;
use crate::words::use_words;
use leptos::prelude::*;
use model::facts::QdeviceFlags;
use model::ids::ClusterId;
use model::observation::{AGE_FILES, AGE_SLOW, Evidence, Freshness};
use model::topology::{Contact, MayStop, NodeState};
use std::collections::BTreeSet;

#[component]
pub fn Details(live: LiveCluster, selection: Selection) -> impl IntoView {
    let node = memo(move |_| match selection.now.get() {
        Some(Selected::Node(name)) => {
            live.believed.with(|one| one.nodes.iter().find(|node| node.name == name).cloned())
        }
        _ => None,
    });
    let device = memo(move |_| selection.now.with(|now| now.as_ref() == Some(&Selected::Qdevice)));
    let name = memo(move |_| node.with(|node| node.as_ref().map(|node| node.name.clone())));
    part(move || {
        if device.get() {
            view! { <DeviceDetails live/> }.into_any()
        } else {
            // A new panel per node, not per fact: what is open in it stays open while facts change.
            name.get().map(|name| view! { <NodeDetails live node name/> }).into_any()
        }
    })
}

#[component]
fn NodeDetails(live: LiveCluster, node: Memo<Option<NodeState>>, name: String) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let state = memo(move |_| node.with(|node| node.as_ref().map(|node| (node.membership, looks::of_node(node)))));
    let badge = move || {
        state
            .get()
            .map(|(one, tone)| view! { <Badge tone word=derived(move || words.plain("membership", one.word()))/> })
    };
    let of_node = name.clone();
    view! {
        <Card title=name.clone() extra=badge.into_any()>
            <div class="stack">
                <dl class="facts">{part(move || node.get().map(|node| view! { <NodeFacts node/> }))}</dl>
                <h3>{word!(i18n, pages.links)}</h3>
                <LinksTable live node=Some(of_node)/>
                <Restart live node/>
                <EvidenceOf cluster=live.id node=name/>
            </div>
        </Card>
    }
    .into_any()
}

/// The way to the plan that restarts its corosync; only machines that the console knows can be told to.
#[component]
fn Restart(live: LiveCluster, node: Memo<Option<NodeState>>) -> impl IntoView {
    let i18n = use_i18n();
    let id = memo(move |_| node.with(|node| node.as_ref().and_then(|node| node.id)));
    part(move || {
        let id = id.get()?;
        let to = format!("/clusters/{}/restart/{id}", live.id);
        Some(view! { <div class="row no-print"><a class="button" href=to>{word!(i18n, pages.restart_go)}</a></div> })
    })
}

#[component]
fn NodeFacts(node: NodeState) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let membership = node.membership;
    let flags = node.qdevice.map(|flags| (flags, node.freshness));
    let (contact, may) = (node.contact.clone(), node.may_stop.clone());
    let source = node.membership_source.clone().map(|fact| view! { <Source fact/> }.into_any());
    let addresses = node.addresses.clone().into_iter().map(|(link, address)| {
        view! { <FactRow name=text!(i18n, pages.address_of_link, link = link)><span class="mono">{address}</span></FactRow> }
    });
    let changed = node.changed_at.map(|at| view! { <FactRow name=text!(i18n, pages.fact_since)><When at/></FactRow> });
    let id = node.corosync_id.map(|id| view! { <FactRow name=text!(i18n, pages.fact_corosync_id)>{id}</FactRow> });
    let votes = node.votes.map(|count| view! { <FactRow name=text!(i18n, pages.column_votes)>{count}</FactRow> });
    view! {
        <FactRow name=text!(i18n, pages.fact_membership) source=source.into_any()>
            {part(move || words.plain("membership", membership.word()))}
        </FactRow>
        {changed}
        <FactRow name=text!(i18n, pages.column_restart)><MayStopText may/></FactRow>
        <FactRow name=text!(i18n, pages.fact_contact)><ContactText contact/></FactRow>
        {id}
        {votes}
        {addresses.collect_view()}
        <Version node=node.clone()/>
        <Pmxcfs node=node.clone()/>
        {flags.map(|(flags, freshness)| view! { <FactRow name="QDevice".to_owned()><Flags flags freshness/></FactRow> })}
    }
    .into_any()
}

#[component]
fn Version(node: NodeState) -> impl IntoView {
    let i18n = use_i18n();
    let known = |freshness| freshness != Freshness::Unknown;
    let unproven = node.capability.is_some_and(|aged| known(aged.freshness) && !aged.fact.value.verified);
    node.version.filter(|aged| known(aged.freshness)).map(|aged| {
        let value = aged.fact.value.clone();
        let source = view! { <Source fact=aged.fact limits=AGE_SLOW/> }.into_any();
        view! {
            <FactRow name=Signal::stored("Proxmox VE".to_owned()) source>
                <span class="mono">{value}</span>
                {unproven.then(|| view! { <span class="text-look">" ▲ "{word!(i18n, pages.version_not_verified)}</span> })}
            </FactRow>
        }
    })
}

/// What pmxcfs says, and whether corosync on the same node says the same.
#[component]
fn Pmxcfs(node: NodeState) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    node.pmxcfs.map(|aged| {
        let (state, fresh) = (aged.fact.value.clone(), aged.freshness);
        let concord = state.concord;
        let source = view! { <Source fact=aged.fact limits=AGE_FILES/> }.into_any();
        let writable = part(move || match (fresh, state.writable) {
            (Freshness::Unknown, _) | (_, None) => {
                view! { <span class="text-unknown">"? "{word!(i18n, common.not_known)}</span> }.into_any()
            }
            (_, Some(true)) => view! { <span>{word!(i18n, pages.pmxcfs_writable)}</span> }.into_any(),
            (_, Some(false)) => {
                view! { <span class="text-bad">"✕ "{word!(i18n, pages.pmxcfs_read_only)}</span> }.into_any()
            }
        });
        let differs = (fresh != Freshness::Unknown && concord.differs()).then(
            || view! { <span class="text-bad">" ▲ "{part(move || words.plain("concord", concord.word()))}</span> },
        );
        view! { <FactRow name=Signal::stored("/etc/pve".to_owned()) source>{writable}{differs}</FactRow> }
    })
}

#[component]
fn MayStopText(may: MayStop) -> impl IntoView {
    let i18n = use_i18n();
    match may {
        MayStop::Yes { votes_after, quorum } => {
            view! { <span class="text-good">"✓ "{word!(i18n, pages.may_stop_yes, votes = votes_after, quorum = quorum)}</span> }.into_any()
        }
        MayStop::No { votes_after, quorum } => {
            view! { <span class="text-look">"▲ "{word!(i18n, pages.may_stop_no, votes = votes_after, quorum = quorum)}</span> }.into_any()
        }
        MayStop::AlreadyDown => view! { <span>{word!(i18n, pages.already_down)}</span> }.into_any(),
        MayStop::NotKnown => view! { <span class="text-unknown">"? "{word!(i18n, common.not_known)}</span> }.into_any(),
    }
}

#[component]
fn ContactText(contact: Contact) -> impl IntoView {
    let i18n = use_i18n();
    match contact {
        Contact::Untried => {
            view! { <span class="text-unknown">"? "{word!(i18n, pages.contact_untried)}</span> }.into_any()
        }
        Contact::Connected { since } => {
            view! { <span>{word!(i18n, pages.contact_connected)}" "<When at=since/></span> }.into_any()
        }
        Contact::Lost { since, problem } => view! {
            <span class="text-bad">"✕ "{word!(i18n, pages.contact_lost)}" "<When at=since/></span>
            <Notice problem quiet=true/>
        }
        .into_any(),
    }
}

#[component]
fn Flags(flags: QdeviceFlags, freshness: Freshness) -> impl IntoView {
    let i18n = use_i18n();
    // Only V counts: the flag for "alive" can stay while qnetd is dead.
    let (tone, text) = match flags {
        QdeviceFlags::Registered { voting: true, .. } => (Tone::Good, word!(i18n, pages.qdevice_voting).into_any()),
        QdeviceFlags::Registered { .. } => (Tone::Bad, word!(i18n, pages.qdevice_silent).into_any()),
        QdeviceFlags::NotRegistered => (Tone::Bad, word!(i18n, pages.qdevice_unregistered).into_any()),
    };
    let tone = tone.aged(freshness);
    view! { <span class=format!("text-{}", tone.word())>{tone.icon()}" "{text}</span> }.into_any()
}

#[component]
fn DeviceDetails(live: LiveCluster) -> impl IntoView {
    let i18n = use_i18n();
    let device = memo(move |_| live.believed.with(|one| one.qdevice.clone()));
    part(move || {
        device.get().map(|aged| {
            let state = aged.fact.value.clone();
            let (votes, configured) = (state.votes, state.configured_votes);
            let (tone, works, partial) = (looks::of_device(&aged), state.works(), looks::votes_partly(&state));
            let unknown = aged.freshness == Freshness::Unknown;
            let word = derived(move || match (unknown, works) {
                (true, _) => said!(i18n, common.not_known).to_owned(),
                (false, true) => said!(i18n, pages.qdevice_voting).to_owned(),
                (false, false) if partial => said!(i18n, pages.qdevice_partial).to_owned(),
                (false, false) => said!(i18n, pages.qdevice_silent).to_owned(),
            });
            let votes = part(move || {
                if unknown {
                    view! { <span class="text-unknown">"? "{word!(i18n, common.not_known)}</span> }.into_any()
                } else {
                    word!(i18n, pages.qdevice_votes, votes = votes, configured = configured).into_any()
                }
            });
            let host = state.host.clone().unwrap_or_else(|| "?".to_owned());
            let algorithm = state.algorithm.clone().unwrap_or_else(|| "?".to_owned());
            let source = view! { <Source fact=aged.fact.clone()/> }.into_any();
            view! {
                <Card title="QDevice".to_owned() extra=view! { <Badge tone word/> }.into_any()>
                    <dl class="facts">
                        <FactRow name=text!(i18n, pages.column_votes) source>
                            {votes}
                        </FactRow>
                        <FactRow name=text!(i18n, pages.qdevice_host)><span class="mono">{host}</span></FactRow>
                        <FactRow name=text!(i18n, pages.qdevice_algorithm)><span class="mono">{algorithm}</span></FactRow>
                        <FactRow name=text!(i18n, pages.fact_age)><Age at=aged.fact.at/></FactRow>
                    </dl>
                </Card>
            }
        })
    })
}

/// The newest answer of each command, newest first: older ones prove nothing of now.
fn newest(mut all: Vec<Evidence>) -> Vec<Evidence> {
    all.sort_by_key(|one| std::cmp::Reverse(one.at));
    let mut seen = BTreeSet::new();
    all.retain(|one| seen.insert(one.command.clone()));
    all
}

/// The raw outputs behind the facts, read when somebody asks.
#[component]
fn EvidenceOf(cluster: ClusterId, node: String) -> impl IntoView {
    let i18n = use_i18n();
    let ask = Action::new(move |(): &()| {
        let node = node.clone();
        async move { api::evidence(cluster, Some(node)).await }
    });
    let found = part(move || {
        ask.value().get().and_then(Result::ok).map(newest).map(|all| {
            if all.is_empty() {
                view! { <p class="muted">{word!(i18n, pages.evidence_none)}</p> }.into_any()
            } else {
                all.into_iter().map(|evidence| view! { <CodeBlock evidence/> }).collect_view().into_any()
            }
        })
    });
    let problem = derived(move || ask.value().get().and_then(Result::err).map(|error| error.0));
    view! {
        <div class="stack">
            <Button busy=ask.pending() on_press=Callback::new(move |()| {
                ask.dispatch(());
            })>{word!(i18n, pages.evidence)}</Button>
            <Refusal problem/>
            {found}
        </div>
    }
    .into_any()
}
