//! What travels about messages that leave the console.

use model::Timestamp;
use model::problem::Problem;
use serde::{Deserialize, Serialize};

/// Where messages go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagesView {
    pub places: Vec<PlaceView>,
    /// What links in messages begin with; `None` where nobody said it.
    pub base: Option<String>,
}

/// A place, and how it stands with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceView {
    /// Locale key `place_NAME`.
    pub name: String,
    /// Without whatever of it could be a secret.
    pub address: String,
    /// When the last message arrived.
    pub delivered_at: Option<Timestamp>,
    /// Since when none arrives; `None` while they do.
    pub failing_since: Option<Timestamp>,
    /// Tries in a row that failed.
    pub failures: u32,
    /// It failed often enough to be told.
    pub outage: bool,
    /// The next try is not before.
    pub resume_at: Option<Timestamp>,
    /// The last failure, which may be over.
    pub last_failure: Option<Failure>,
    /// Messages that wait, and when the oldest was made.
    pub waiting: u64,
    pub oldest: Option<Timestamp>,
    /// Messages that never arrived.
    pub given_up: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub at: Timestamp,
    pub problem: Problem,
}

/// What came of a test message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tested {
    /// Why it did not arrive; `None` where it did.
    pub problem: Option<Problem>,
    pub view: MessagesView,
}
