//! Who is about to run a plan alone, on every page, with the way to stop it.

use crate::components::{Message, Tone};
use crate::i18n::*;
use crate::reactive::{memo, part};
use crate::state::clock::use_clock;
use crate::state::inbox::Waiting;
use leptos::prelude::*;

#[component]
pub fn Countdowns(waiting: Waiting) -> impl IntoView {
    let i18n = use_i18n();
    let clock = use_clock();
    let running = memo(move |_| waiting.0.with(|inbox| inbox.countdowns.clone()));
    part(move || {
        let all = running.get().into_iter().map(|one| {
            let to = format!("/approvals/{}", one.request);
            let (by, cluster, at) = (one.by, one.cluster_name, one.at);
            let seconds = part(move || format!("{} s", at.duration_since(clock.now()).as_secs().max(0)));
            view! {
                <div class="countdown" role="alert">
                    <Message tone=Tone::Bad>
                        <p>
                            <span class="strong">{text!(i18n, common.countdown, by = by.clone(), cluster = cluster.clone())}</span>
                            " "<span aria-hidden="true">{seconds}</span>" "
                            <a href=to>{word!(i18n, common.countdown_go)}</a>
                        </p>
                    </Message>
                </div>
            }
        });
        all.collect_view()
    })
}
