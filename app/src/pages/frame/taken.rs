//! Somebody took the person's second factor away: told on every page until they say that they know, or have one again.

use crate::api;
use crate::components::{Button, Message, Tone};
use crate::i18n::*;
use crate::reactive::{memo, part};
use crate::state::inbox::Waiting;
use leptos::prelude::*;

#[component]
pub fn Taken(waiting: Waiting) -> impl IntoView {
    let i18n = use_i18n();
    let taken = memo(move |_| waiting.0.with(|inbox| inbox.taken.clone()));
    let known = Action::new(move |(): &()| async move {
        // Without an answer the sentence stays, and can be answered again.
        if api::acknowledge_reset().await.is_ok() {
            waiting.look();
        }
    });
    part(move || {
        taken.get().map(|one| {
            let by = one.by;
            view! {
                <div class="countdown" role="alert">
                    <Message tone=Tone::Bad>
                        <p>{text!(i18n, common.factor_taken, by = by.clone())}</p>
                        <div class="row">
                            <a href="/account">{word!(i18n, common.factor_taken_go)}</a>
                            <Button busy=known.pending() on_press=Callback::new(move |()| drop(known.dispatch(())))>{word!(i18n, common.factor_taken_known)}</Button>
                        </div>
                    </Message>
                </div>
            }
        })
    })
}
