//! What went wrong or needs to be known, in a sentence, with the line that proves it.

use super::badge::Tone;
use crate::reactive::part;
use crate::words::use_words;
use leptos::prelude::*;
use model::problem::Problem;

/// A problem in words, with what the machine said; read aloud at once unless it is `quiet`, for one that is a fact among
/// others.
#[component]
pub fn Notice(
    #[prop(into)] problem: Signal<Problem>,
    #[prop(default = Tone::Bad)] tone: Tone,
    #[prop(optional)] quiet: bool,
) -> impl IntoView {
    let words = use_words();
    view! {
        <div class=format!("notice notice-{}", tone.word()) role=(!quiet).then_some("alert")>
            <span class="notice-icon" aria-hidden="true">{tone.icon()}</span>
            <div class="notice-text">
                <p>{part(move || problem.with(|one| words.problem(one)))}</p>
                {part(move || problem.with(|one| one.quote.clone().filter(|line| !line.trim().is_empty())).map(|line| view! { <pre class="quote">{line}</pre> }))}
            </div>
        </div>
    }
    .into_any()
}

/// A problem where there is one; nothing while there is none.
#[component]
pub fn Refusal(#[prop(into)] problem: Signal<Option<Problem>>) -> impl IntoView {
    part(move || problem.get().map(|one| view! { <Notice problem=one/> }))
}

/// A sentence with its colour and icon.
#[component]
pub fn Message(#[prop(default = Tone::Look)] tone: Tone, children: Children) -> impl IntoView {
    view! {
        <div class=format!("notice notice-{}", tone.word())>
            <span class="notice-icon" aria-hidden="true">{tone.icon()}</span>
            <div class="notice-text">{children()}</div>
        </div>
    }
    .into_any()
}
