//! What happened, newest first.

use crate::components::{Card, When};
use crate::i18n::*;
use crate::reactive::{memo, part};
use crate::state::live::LiveCluster;
use crate::words::use_words;
use leptos::prelude::*;
use model::topology::{Happening, HappeningCode};

/// So many are shown; the rest is in the history.
const SHOWN_MAX: usize = 20;

#[component]
pub fn Happened(live: LiveCluster) -> impl IntoView {
    let i18n = use_i18n();
    let events =
        memo(move |_| live.snapshot.with(|one| one.happened.iter().take(SHOWN_MAX).cloned().collect::<Vec<_>>()));
    let list = part(move || {
        let events = events.get();
        if events.is_empty() {
            view! { <p class="muted">{word!(i18n, pages.happened_nothing)}</p> }.into_any()
        } else {
            view! { <ol class="happened" tabindex="0">{events.into_iter().map(|event| view! { <Event event/> }).collect_view()}</ol> }.into_any()
        }
    });
    view! { <Card title=text!(i18n, pages.happened)>{list}</Card> }.into_any()
}

#[component]
fn Event(event: Happening) -> impl IntoView {
    let words = use_words();
    let Happening { at, code, params, source } = event;
    view! {
        <li class=format!("happening {}", class(code))>
            <When at/>
            <span>
                <span>{part(move || words.say("happening", code.as_str(), &params))}</span>
                <span class="happening-source">{source}</span>
            </span>
        </li>
    }
    .into_any()
}

const fn class(code: HappeningCode) -> &'static str {
    match code {
        HappeningCode::MemberLeft | HappeningCode::QuorumLost | HappeningCode::ViewsDiffer => "happening-bad",
        HappeningCode::LinkDown | HappeningCode::ContactLost | HappeningCode::QdeviceLost => "happening-look",
        _ => "happening-good",
    }
}
