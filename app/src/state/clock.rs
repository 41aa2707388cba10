//! One clock for all ages on screen: the server's, estimated in the browser and ticking once a second.

use jiff::Timestamp;
use leptos::prelude::*;
use model::observation::{AgeLimits, Freshness};

/// How often ages are drawn again.
#[cfg(not(feature = "ssr"))]
const TICK: std::time::Duration = std::time::Duration::from_secs(1);

/// The server's time as far as the browser knows it.
#[derive(Clone, Copy)]
pub struct Clock {
    now: RwSignal<Timestamp>,
    /// Browser minus server, in milliseconds. The smallest one seen is nearest to the truth: the rest is delay.
    ahead_ms: StoredValue<i64>,
    /// False until the page is awake: the server does not know the reader's time zone.
    local: RwSignal<bool>,
}

impl Clock {
    /// Starts at the time at which the server made the page.
    #[must_use]
    pub fn start() -> Self {
        let now = page_time();
        let clock = Self { now: RwSignal::new(now), ahead_ms: StoredValue::new(i64::MAX), local: RwSignal::new(false) };
        clock.heard(now);
        #[cfg(not(feature = "ssr"))]
        Effect::new(move |_| {
            clock.local.set(true);
            clock.tick();
            let handle = set_interval_with_handle(move || clock.tick(), TICK);
            on_cleanup(move || {
                if let Ok(handle) = handle {
                    handle.clear();
                }
            });
        });
        clock
    }

    /// The server's time now; reading it follows the ticks.
    #[must_use]
    pub fn now(self) -> Timestamp {
        self.now.get()
    }

    /// The server's time now, read once.
    #[must_use]
    pub fn now_untracked(self) -> Timestamp {
        self.now.get_untracked()
    }

    /// Whether times may be shown in the reader's own zone.
    #[must_use]
    pub fn local(self) -> bool {
        self.local.get()
    }

    /// Tells the clock a time at which the server wrote something that arrived just now.
    pub fn heard(self, server: Timestamp) {
        let ahead = here().as_millisecond() - server.as_millisecond();
        self.ahead_ms.update_value(|least| *least = ahead.min(*least));
    }

    /// Age of something in whole seconds, never negative.
    #[must_use]
    pub fn age_s(self, at: Timestamp) -> i64 {
        self.now().duration_since(at).as_secs().max(0)
    }

    /// What the age of a fact makes of it, judged now and not when it was sent.
    #[must_use]
    pub fn judge(self, at: Timestamp, limits: AgeLimits) -> Freshness {
        limits.judge(at, self.now())
    }

    #[cfg(not(feature = "ssr"))]
    fn tick(self) {
        let server_ms = here().as_millisecond().saturating_sub(self.ahead_ms.get_value());
        if let Ok(now) = Timestamp::from_millisecond(server_ms) {
            self.now.set(now);
        }
    }
}

/// The page's clock.
#[must_use]
pub fn use_clock() -> Clock {
    use_context().unwrap_or_else(Clock::start)
}

#[cfg(feature = "ssr")]
fn page_time() -> Timestamp {
    Timestamp::now()
}

/// What the server wrote into the document's head.
#[cfg(not(feature = "ssr"))]
fn page_time() -> Timestamp {
    let written = document()
        .query_selector("meta[name=quorate-time]")
        .ok()
        .flatten()
        .and_then(|meta| meta.get_attribute("content"))
        .and_then(|text| text.parse().ok())
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    written.unwrap_or_else(here)
}

#[cfg(feature = "ssr")]
fn here() -> Timestamp {
    Timestamp::now()
}

#[cfg(not(feature = "ssr"))]
fn here() -> Timestamp {
    // Milliseconds since 1970 fit an i64 for the next 290 million years.
    Timestamp::from_millisecond(js_sys::Date::now() as i64).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A time of day with seconds, or day and time when it was not within the last 12 hours.
///
/// In the reader's zone when `local`, else in UTC and marked with `Z`.
#[must_use]
pub fn written(at: Timestamp, now: Timestamp, local: bool) -> String {
    let shifted = if local { at.as_second() + offset_s(at) } else { at.as_second() };
    let Ok(time) = Timestamp::from_second(shifted) else { return at.to_string() };
    let zone = if local { "" } else { "Z" };
    let today = now.duration_since(at).as_secs().abs() < 12 * 60 * 60;
    // `2026-11-22T09:41:07Z`; a formatter for patterns would be 30 KB of the browser's module.
    let text = time.to_string();
    let (Some(day), Some(minutes), Some(seconds)) = (text.get(..10), text.get(11..16), text.get(16..19)) else {
        return text;
    };
    if today { format!("{minutes}{seconds}{zone}") } else { format!("{day} {minutes}{zone}") }
}

/// Seconds to add to UTC in the reader's zone at that time.
#[cfg(not(feature = "ssr"))]
fn offset_s(at: Timestamp) -> i64 {
    let date = js_sys::Date::new(&(at.as_millisecond() as f64).into());
    -(date.get_timezone_offset() as i64) * 60
}

#[cfg(feature = "ssr")]
const fn offset_s(_at: Timestamp) -> i64 {
    0
}
