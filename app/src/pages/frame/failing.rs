//! Messages that do not arrive outside: told to admins on every page, for nobody outside hears of it.

use crate::components::{Message, Tone};
use crate::i18n::*;
use crate::reactive::{memo, part};
use crate::state::inbox::Waiting;
use leptos::prelude::*;

#[component]
pub fn Failing(waiting: Waiting) -> impl IntoView {
    let i18n = use_i18n();
    let failing = memo(move |_| waiting.0.with(|inbox| !inbox.failing.is_empty()));
    part(move || {
        failing.get().then(|| {
            view! {
                <div class="countdown" role="alert">
                    <Message tone=Tone::Look>
                        <p>{word!(i18n, common.messages_failing)}" "<a href="/notifications">{word!(i18n, common.messages_failing_go)}</a></p>
                    </Message>
                </div>
            }
        })
    })
}
