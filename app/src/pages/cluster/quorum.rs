//! Votes that somebody lowered, and the way to somebody who has to.

use crate::components::{Message, Tone};
use crate::i18n::*;
use crate::reactive::{memo, part};
use crate::state::live::LiveCluster;
use leptos::prelude::*;
use model::topology::{Snapshot, Standing};

#[component]
pub fn Quorum(live: LiveCluster) -> impl IntoView {
    let i18n = use_i18n();
    let lowered = memo(move |_| live.believed.with(Snapshot::lowered));
    let lost = memo(move |_| live.believed.with(|one| matches!(one.standing(), Standing::NotQuorate)));
    let id = live.snapshot.with_untracked(|one| one.cluster);
    part(move || {
        match (lowered.get(), lost.get()) {
        (Some((expected, configured)), _) => view! {
            <Message tone=Tone::Look>
                <p class="strong">{text!(i18n, recover.lowered, expected = expected, configured = configured)}</p>
                <p>{word!(i18n, recover.lowered_text)}</p>
            </Message>
        }
        .into_any(),
        (None, true) => view! {
            <div class="row"><a class="button button-danger" href=format!("/clusters/{id}/quorum")>{word!(i18n, recover.go)}</a></div>
        }
        .into_any(),
        (None, false) => ().into_any(),
    }
    })
}
