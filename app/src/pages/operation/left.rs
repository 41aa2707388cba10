//! What an operation leaves behind that ends in the middle, step by step.

use crate::components::{Message, Tone, When};
use crate::i18n::*;
use crate::reactive::{memo, part};
use crate::words::use_words;
use leptos::prelude::*;
use model::operation::{Extent, Left, Operation, OperationState};

#[component]
pub fn LeftBehind(operation: Memo<Operation>) -> impl IntoView {
    let i18n = use_i18n();
    let left = memo(move |_| operation.with(Operation::left_behind));
    part(move || {
        let mut all = left.get();
        // What was not begun leaves nothing.
        all.retain(|one| one.extent != Extent::Unbegun);
        if all.is_empty() {
            return view! { <p class="muted">{word!(i18n, pages.left_nothing)}</p> }.into_any();
        }
        view! {
            <p class="strong">{word!(i18n, pages.left_title)}</p>
            <ul class="bullets">{all.into_iter().map(|one| view! { <Line one/> }).collect_view()}</ul>
        }
        .into_any()
    })
}

#[component]
fn Line(one: Left) -> impl IntoView {
    let words = use_words();
    let Left { node, action, extent, undo } = one;
    let class = if extent == Extent::Halfway { "text-look" } else { "muted" };
    view! {
        <li>
            <span class="strong">{node}</span>" "{part(move || words.plain("action", &action))}" · "
            <span class=class>{part(move || words.plain("left", extent.word()))}</span>". "
            {part(move || undo.map(|undo| words.plain("undo", undo.word())))}
        </li>
    }
    .into_any()
}

/// By whom and in favour of what it was ended; nothing for one that was not.
#[component]
pub fn Overtaken(operation: Memo<Operation>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let state = memo(move |_| operation.with(|one| one.state.clone()));
    part(move || {
        let OperationState::Overtaken { by, intent, who, reason, at } = state.get() else { return None };
        Some(view! {
            <Message tone=Tone::Look>
                <p class="strong">{word!(i18n, pages.overtaken_by, who = who.clone(), reason = reason.clone())}" · "<When at/></p>
                <p>
                    {word!(i18n, pages.overtaken_never)}" "
                    <a href=format!("/operations/{by}")>{word!(i18n, pages.overtaken_to)}</a>" ("{part(move || words.plain("intent", &intent))}")"
                </p>
                <LeftBehind operation/>
            </Message>
        })
    })
}
