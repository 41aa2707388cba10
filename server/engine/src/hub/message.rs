//! One event on its way to many browsers.

use model::live::LiveEvent;
use std::ops::Deref;
use std::sync::OnceLock;

/// An event and, once somebody has asked for it, its JSON: rendered once, however many browsers read it.
#[derive(Debug)]
pub struct Message {
    event: LiveEvent,
    json: OnceLock<Option<String>>,
}

impl Message {
    #[must_use]
    pub const fn new(event: LiveEvent) -> Self {
        Self { event, json: OnceLock::new() }
    }

    /// `None` for what JSON cannot carry, which nothing of an event is.
    #[must_use]
    pub fn json(&self) -> Option<&str> {
        self.json.get_or_init(|| serde_json::to_string(&self.event).ok()).as_deref()
    }
}

impl Deref for Message {
    type Target = LiveEvent;

    fn deref(&self) -> &LiveEvent {
        &self.event
    }
}
