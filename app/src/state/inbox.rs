//! What waits for the person in front of the screen, and who is about to run something alone.

use crate::api::{self, Inbox};
use crate::state::poll::{INBOX_EVERY, poll};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The frame provides it to every page.
#[derive(Clone, Copy)]
pub struct Waiting(pub RwSignal<Inbox>);

impl Waiting {
    /// Looks as long as the frame stands.
    #[must_use]
    pub fn begin() -> Self {
        let waiting = Self(RwSignal::new(Inbox::default()));
        poll(INBOX_EVERY, move || waiting.look());
        waiting
    }

    /// Looks now: something has just been decided here.
    pub fn look(self) {
        spawn_local(async move {
            let Ok(new) = api::inbox().await else { return };
            // The frame may be gone by now.
            if self.0.try_with_untracked(|old| *old != new) == Some(true) {
                self.0.set(new);
            }
        });
    }
}
