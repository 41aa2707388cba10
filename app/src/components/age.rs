//! How old a fact is.

use crate::i18n::*;
use crate::reactive::part;
use crate::state::clock::{use_clock, written};
use jiff::Timestamp;
use leptos::prelude::*;
use model::observation::{AGE_MEMBERSHIP, AgeLimits, Freshness};

/// The age of a fact, growing while one watches; it turns amber when stale and violet when too old to be believed.
#[component]
pub fn Age(#[prop(into)] at: Signal<Timestamp>, #[prop(default = AGE_MEMBERSHIP)] limits: AgeLimits) -> impl IntoView {
    let i18n = use_i18n();
    let clock = use_clock();
    let class = move || match clock.judge(at.get(), limits) {
        Freshness::Fresh => "age",
        Freshness::Stale => "age text-look",
        Freshness::Unknown => "age text-unknown",
    };
    let text = part(move || {
        let age = short(clock.age_s(at.get()));
        match clock.judge(at.get(), limits) {
            Freshness::Fresh => age,
            Freshness::Stale => format!("▲ {age} · {}", said!(i18n, common.stale)),
            Freshness::Unknown => format!("? {age} · {}", said!(i18n, common.too_old)),
        }
    });
    view! { <time class=class datetime=move || at.get().to_string()>{text}</time> }.into_any()
}

/// A point in time, in the reader's zone; the exact one is in the tooltip.
#[component]
pub fn When(#[prop(into)] at: Signal<Timestamp>) -> impl IntoView {
    let clock = use_clock();
    // Not `now()`: a list of a hundred times need not be drawn every second.
    let text = part(move || written(at.get(), clock.now_untracked(), clock.local()));
    view! { <time class="when" datetime=move || at.get().to_string() title=move || at.get().to_string()>{text}</time> }
        .into_any()
}

/// `0 s`, `59 s`, `4 min`, `2 h`, `3 d`: units that both languages write alike.
#[must_use]
pub fn short(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}
