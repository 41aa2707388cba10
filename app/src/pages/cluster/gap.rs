//! A quiet warning where raw answers are missing: what is shown is still judged from all of them.

use crate::api;
use crate::components::When;
use crate::i18n::*;
use crate::reactive::part;
use crate::state::poll::{GAP_EVERY, poll};
use leptos::prelude::*;
use leptos::task::spawn_local;
use model::ids::ClusterId;
use model::reading::EvidenceGap;

/// `first` is what the page came with; it is looked at again as long as the page stands.
#[component]
pub fn Gap(cluster: ClusterId, first: Option<EvidenceGap>) -> impl IntoView {
    let i18n = use_i18n();
    let gap = RwSignal::new(first);
    poll(GAP_EVERY, move || {
        spawn_local(async move {
            let Ok(new) = api::evidence_gap(cluster).await else { return };
            // The page may be gone by now.
            if gap.try_with_untracked(|old| *old != new) == Some(true) {
                gap.set(new);
            }
        });
    });
    part(move || {
        gap.get().map(|EvidenceGap { since, answers, .. }| {
            view! {
                <p class="muted small" role="status">
                    <span class="text-look">"▲ "{word!(i18n, pages.evidence_gap)}" "<When at=since/></span>
                    " · "{word!(i18n, pages.evidence_gap_count, count = answers)}
                </p>
            }
        })
    })
}
