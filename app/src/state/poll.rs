//! Looking again from time to time, for what no stream tells.

use std::time::Duration;

/// Requests and countdowns in the frame around every page.
pub const INBOX_EVERY: Duration = Duration::from_secs(10);
/// New entries of the audit, while its newest page is on screen.
pub const AUDIT_EVERY: Duration = Duration::from_secs(3);
/// Answers that could not be kept, on the page of a cluster.
pub const GAP_EVERY: Duration = Duration::from_secs(10);
/// Places that messages go to, on their page.
pub const MESSAGES_EVERY: Duration = Duration::from_secs(3);
/// Runs of `pvecm expected` that are on screen: what was seen of the votes is too old after a minute.
pub const EXPECTED_EVERY: Duration = Duration::from_secs(10);
/// The page of one request: its countdown and its decision have to be seen while they happen.
pub const REQUEST_EVERY: Duration = Duration::from_secs(3);

/// Does it when the page is awake and then again and again, until the component is gone. On the server never.
#[cfg(not(feature = "ssr"))]
pub fn poll(every: Duration, work: impl Fn() + Clone + 'static) {
    use leptos::prelude::*;
    Effect::new(move |_| {
        let handle = set_interval_with_handle(work.clone(), every);
        untrack(&work);
        on_cleanup(move || {
            if let Ok(handle) = handle {
                handle.clear();
            }
        });
    });
}

#[cfg(feature = "ssr")]
pub fn poll(_every: Duration, _work: impl Fn() + Clone + 'static) {}
