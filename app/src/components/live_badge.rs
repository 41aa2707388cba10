//! How live the page is: never green when nothing has been heard for a while.

use super::age::short;
use super::badge::Tone;
use crate::i18n::*;
use crate::reactive::part;
use crate::state::clock::use_clock;
use crate::state::live::{Connection, LiveCluster};
use leptos::prelude::*;
use model::observation::{AGE_MEMBERSHIP, Freshness};

/// The state of a cluster's stream and the age of the newest fact.
#[component]
pub fn LiveBadge(live: LiveCluster) -> impl IntoView {
    let i18n = use_i18n();
    let clock = use_clock();
    let newest = move || live.snapshot.with(|one| one.quorum.as_ref().map(|quorum| quorum.fact.at));
    let state = move || match (live.connection.get(), newest()) {
        (Connection::Opening, _) => (Tone::Unknown, said!(i18n, common.connecting).to_owned()),
        (Connection::Reconnecting { since }, _) => {
            (Tone::Bad, format!("{} {}", said!(i18n, common.reconnecting_for), short(clock.age_s(since))))
        }
        (Connection::Live, None) => (Tone::Act, said!(i18n, common.live).to_owned()),
        (Connection::Live, Some(at)) => {
            let tone = match clock.judge(at, AGE_MEMBERSHIP) {
                Freshness::Fresh => Tone::Good,
                Freshness::Stale => Tone::Look,
                Freshness::Unknown => Tone::Unknown,
            };
            (tone, said!(i18n, common.live_age, age = short(clock.age_s(at))))
        }
    };
    view! {
        <span class=move || format!("live live-{}", state().0.word())>
            <span class="live-dot" aria-hidden="true"></span>
            {part(move || state().1)}
        </span>
    }
    .into_any()
}
