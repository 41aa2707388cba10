//! The answers that somebody wants at night: quorate? how many more failures? may I restart a node now?

use crate::components::{Card, Source};
use crate::i18n::*;
use crate::reactive::{memo, part};
use crate::state::live::LiveCluster;
use leptos::prelude::*;
use model::observation::Freshness;
use model::topology::{Aged, MayStop, Membership, Partition, Snapshot};

#[component]
pub fn Summary(live: LiveCluster) -> impl IntoView {
    view! {
        <Card>
            <div class="answers">
                <Votes live/>
                <Failures live/>
                <Restart live/>
                <Config live/>
            </div>
        </Card>
    }
    .into_any()
}

/// What the quorate partition says, with its source, unless it is too old.
fn partition(snapshot: &Snapshot) -> Option<Aged<Partition>> {
    snapshot.quorum.as_ref().filter(|aged| aged.freshness != Freshness::Unknown).cloned()
}

#[component]
fn Votes(live: LiveCluster) -> impl IntoView {
    let i18n = use_i18n();
    let known = memo(move |_| live.believed.with(partition));
    part(move || match known.get() {
        None => view! {
            <div class="answer">
                <p class="answer-head text-unknown">"? "{word!(i18n, pages.votes_unknown)}</p>
                <p class="muted">{word!(i18n, pages.votes_unknown_text)}</p>
            </div>
        }
        .into_any(),
        Some(Aged { fact, freshness }) => {
            let stale = freshness == Freshness::Stale;
            let Partition { total_votes, expected_votes, quorum, quorate, .. } = fact.value;
            view! {
                <div class="answer answer-votes">
                    <p class="row">
                        <strong class="answer-head" class:text-look=stale>{stale.then_some("▲ ")}{said!(i18n, pages.votes, votes = total_votes, expected = expected_votes)}</strong>
                        <span class="muted answer-end">{said!(i18n, pages.quorum_is, quorum = quorum)}</span>
                    </p>
                    <VotesBar total=total_votes expected=expected_votes quorum quorate stale/>
                    <p><Source fact/></p>
                </div>
            }
            .into_any()
        }
    })
}

/// Votes as a bar with a mark where the quorum begins. Widths are attributes: the policy of the page forbids styles.
#[component]
fn VotesBar(total: u32, expected: u32, quorum: u32, quorate: bool, stale: bool) -> impl IntoView {
    let i18n = use_i18n();
    let most = f64::from(expected.max(total).max(1));
    let filled = f64::from(total) / most * 1000.0;
    let mark = f64::from(quorum) / most * 1000.0;
    let label = move || said!(i18n, pages.votes_bar, votes = total, expected = expected, quorum = quorum);
    view! {
        <svg class="votes" class:votes-lost=!quorate class:votes-stale=stale viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label=label>
            <rect class="votes-all" x="0" y="2" width="1000" height="6"></rect>
            <rect class="votes-here" x="0" y="2" width=filled height="6"></rect>
            <line class="votes-mark" x1=mark x2=mark y1="0" y2="10"></line>
        </svg>
    }
    .into_any()
}

#[component]
fn Failures(live: LiveCluster) -> impl IntoView {
    let i18n = use_i18n();
    let tolerates = memo(move |_| live.believed.with(|one| one.tolerates));
    let quorate = memo(move |_| live.believed.with(super::quorate));
    let class = move || match (tolerates.get(), quorate.get()) {
        (None, _) => "answer-head text-unknown",
        (_, Some(false)) => "answer-head text-bad",
        (Some(0), _) => "answer-head text-look",
        (Some(_), _) => "answer-head",
    };
    let head = part(move || match (tolerates.get(), quorate.get()) {
        (None, _) => format!("? {}", said!(i18n, pages.failures_unknown)),
        (_, Some(false)) => format!("✕ {}", said!(i18n, pages.failures_lost)),
        (Some(0), _) => format!("▲ {}", said!(i18n, pages.failures_none)),
        (Some(more), _) => said!(i18n, pages.failures, count = more).to_string(),
    });
    let text = part(move || match (tolerates.get(), quorate.get()) {
        (None, _) => said!(i18n, pages.failures_unknown_text),
        (_, Some(false)) => said!(i18n, pages.failures_lost_text),
        (Some(0), _) => said!(i18n, pages.failures_none_text),
        (Some(_), _) => said!(i18n, pages.failures_text),
    });
    view! {
        <div class="answer">
            <p class=class>{head}</p>
            <p class="muted">{text}</p>
        </div>
    }
    .into_any()
}

/// What may be restarted now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restartable {
    Unknown,
    Any,
    Only(Vec<String>),
    None,
}

/// What is true of all members: a node of which it is not known is not among those that may.
#[must_use]
pub fn restartable(snapshot: &Snapshot) -> Restartable {
    let members: Vec<_> = snapshot.nodes.iter().filter(|node| node.membership == Membership::Member).collect();
    let may: Vec<String> = members
        .iter()
        .filter(|node| matches!(node.may_stop, MayStop::Yes { .. }))
        .map(|node| node.name.clone())
        .collect();
    let unknown = members.iter().any(|node| node.may_stop == MayStop::NotKnown);
    match may.len() {
        0 if unknown || members.is_empty() => Restartable::Unknown,
        0 => Restartable::None,
        all if all == members.len() => Restartable::Any,
        _ => Restartable::Only(may),
    }
}

#[component]
fn Restart(live: LiveCluster) -> impl IntoView {
    let i18n = use_i18n();
    let may = memo(move |_| live.believed.with(restartable));
    let class = move || match may.get() {
        Restartable::Unknown => "answer-head text-unknown",
        Restartable::Any => "answer-head text-good",
        Restartable::Only(_) | Restartable::None => "answer-head text-look",
    };
    let head = part(move || match may.get() {
        Restartable::Unknown => format!("? {}", said!(i18n, pages.restart_unknown)),
        Restartable::Any => format!("✓ {}", said!(i18n, pages.restart_any)),
        Restartable::Only(names) => format!("▲ {}", said!(i18n, pages.restart_only, names = names.join(", "))),
        Restartable::None => format!("▲ {}", said!(i18n, pages.restart_none)),
    });
    let text = part(move || match may.get() {
        Restartable::Unknown => said!(i18n, pages.restart_unknown_text),
        Restartable::Any => said!(i18n, pages.restart_any_text),
        Restartable::Only(_) | Restartable::None => said!(i18n, pages.restart_none_text),
    });
    view! {
        <div class="answer">
            <p class=class>{head}</p>
            <p class="muted">{text}</p>
        </div>
    }
    .into_any()
}

#[component]
fn Config(live: LiveCluster) -> impl IntoView {
    let i18n = use_i18n();
    let version = memo(move |_| live.believed.with(|one| one.config_version.clone()));
    let ring = memo(move |_| live.believed.with(partition).map(|aged| aged.fact.value.ring_id));
    view! {
        <div class="answer">
            <p class="answer-head">
                {part(move || match version.get() {
                    Some(fact) => said!(i18n, pages.config_version, version = fact.value).to_string(),
                    None => format!("? {}", said!(i18n, pages.config_unknown)),
                })}
            </p>
            <p class="muted">{part(move || ring.get().map(|ring| said!(i18n, pages.ring, ring = ring).to_string()))}</p>
            <p>{part(move || version.get().map(|fact| view! { <Source fact limits=model::observation::AGE_SLOW/> }))}</p>
        </div>
    }
    .into_any()
}
