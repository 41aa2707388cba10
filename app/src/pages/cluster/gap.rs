//! A quiet warning where raw answers are missing: what is shown is still judged from all of them.

use crate::components::When;
use crate::i18n::*;
use leptos::prelude::*;
use model::reading::EvidenceGap;

#[component]
pub fn Gap(gap: EvidenceGap) -> impl IntoView {
    let i18n = use_i18n();
    let EvidenceGap { since, answers, .. } = gap;
    view! {
        <p class="muted small">
            <span class="text-look">"▲ "{word!(i18n, pages.evidence_gap)}" "<When at=since/></span>
            " · "{word!(i18n, pages.evidence_gap_count, count = answers)}
        </p>
    }
    .into_any()
}
