//! What another member of the cluster sees at a machine's address, beside the fingerprint. It decides nothing.

use crate::api::{self, ApiError, KeySeen};
use crate::components::{Message, Tone};
use crate::i18n::*;
use crate::reactive::part;
use crate::words::use_words;
use leptos::prelude::*;
use model::ids::NodeId;

/// Asked once, when the fingerprint comes on screen.
#[component]
pub fn SeenByMember(id: NodeId) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let look = Action::new(move |(): &()| async move { api::key_seen(id).await });
    Effect::new(move |_| drop(look.dispatch(())));
    part(move || match look.value().get() {
        None => view! { <p class="muted small">{word!(i18n, import.seen_asking)}</p> }.into_any(),
        Some(Err(ApiError(problem))) => {
            let sentence = words.problem(&problem);
            view! { <p class="muted small">{text!(i18n, import.seen_failed, why = sentence.clone())}</p> }.into_any()
        }
        Some(Ok(seen)) => view! { <Sentence seen/> }.into_any(),
    })
}

#[component]
fn Sentence(seen: KeySeen) -> impl IntoView {
    let i18n = use_i18n();
    let KeySeen { by, address, fingerprint, same } = seen;
    let address = address.to_string();
    match fingerprint {
        None => view! { <p class="muted small">{text!(i18n, import.seen_nothing, by = by.clone(), address = address.clone())}</p> }.into_any(),
        Some(_) if same => view! { <p class="small">{text!(i18n, import.seen_same, by = by.clone(), address = address.clone())}</p> }.into_any(),
        Some(other) => view! {
            <Message tone=Tone::Bad>
                <p role="alert">{text!(i18n, import.seen_other, by = by.clone(), address = address.clone())}</p>
                <p><code>{other}</code></p>
            </Message>
        }
        .into_any(),
    }
}
