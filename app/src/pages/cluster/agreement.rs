//! When nodes contradict each other, both sides are quoted.

use crate::components::{Badge, Message, Tone};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::state::live::LiveCluster;
use leptos::prelude::*;
use model::topology::{Agreement, Partition};

#[component]
pub fn AgreementPanel(live: LiveCluster) -> impl IntoView {
    let i18n = use_i18n();
    let sides = memo(move |_| {
        live.believed.with(|one| match &one.agreement {
            Agreement::Partitioned { partitions } => partitions.clone(),
            _ => Vec::new(),
        })
    });
    part(move || {
        let sides = sides.get();
        (!sides.is_empty()).then(|| {
            view! {
                <Message tone=Tone::Bad>
                    <p class="strong">{word!(i18n, pages.views_differ)}</p>
                    <p>{word!(i18n, pages.views_differ_text)}</p>
                    <div class="sides">{sides.into_iter().map(|side| view! { <Side side/> }).collect_view()}</div>
                </Message>
            }
        })
    })
}

#[component]
fn Side(side: Partition) -> impl IntoView {
    let i18n = use_i18n();
    let Partition { ring_id, quorate, expected_votes, total_votes, quorum, members, told_by, .. } = side;
    let tone = if quorate { Tone::Good } else { Tone::Bad };
    let word =
        derived(move || if quorate { said!(i18n, pages.quorate) } else { said!(i18n, pages.not_quorate) }.to_owned());
    let told = told_by.join(", ");
    view! {
        <div class="side-view">
            <p><span class="strong">{part(move || said!(i18n, pages.side_says, nodes = told.clone()))}</span>" "<Badge tone word/></p>
            <p>{word!(i18n, pages.side_members)}" "<span class="mono">{members.join(", ")}</span></p>
            <p class="muted">
                {part(move || said!(i18n, pages.votes, votes = total_votes, expected = expected_votes))}" · "
                {part(move || said!(i18n, pages.quorum_is, quorum = quorum))}" · "
                {part(move || said!(i18n, pages.ring, ring = ring_id.clone()))}
            </p>
        </div>
    }
    .into_any()
}
