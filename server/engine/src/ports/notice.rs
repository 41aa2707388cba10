//! Messages on their way out, and the places that they go to.

use super::store::StoreError;
use async_trait::async_trait;
use jiff::Timestamp;
use model::audit::AuditEntry;
use model::notice::{Notice, NoticeCode};
use model::problem::Problem;
use uuid::Uuid;

/// A message that is to be kept for one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The same for every try: who gets the message twice can tell. Another one for each place.
    pub id: Uuid,
    pub place: String,
    pub notice: Notice,
}

/// One that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub id: Uuid,
    pub notice: Notice,
    /// When it was kept.
    pub made_at: Timestamp,
    /// Tries that have failed.
    pub tries: u32,
}

/// What is known of a place; of one that nothing was ever sent to, nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlaceState {
    /// Tries in a row that failed.
    pub failures: u32,
    /// When the first of them was.
    pub failing_since: Option<Timestamp>,
    /// This outage is in the audit.
    pub told: bool,
    /// Nothing is tried before.
    pub resume_at: Option<Timestamp>,
    /// The last failure; it stays when messages arrive again.
    pub last_failure: Option<(Timestamp, Problem)>,
    /// When the last message arrived.
    pub delivered_at: Option<Timestamp>,
    /// Messages that never arrived: `put_place` and `keep_notices` count them.
    pub given_up: u64,
}

/// What waits for a place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queue {
    pub waiting: u64,
    /// When the oldest was kept.
    pub oldest: Option<Timestamp>,
}

/// What becomes of a message after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The try was none of a message that waits.
    None,
    Arrived(Uuid),
    GivenUp(Uuid),
    /// The tries that have failed by now, and when the next one may be.
    Later {
        id: Uuid,
        tries: u32,
        next_at: Timestamp,
    },
}

/// What is on its way survives a restart.
#[async_trait]
pub trait NoticeStore: Send + Sync + 'static {
    /// Up to which entry of the audit messages have been made; `None` before the first time.
    async fn notice_cursor(&self) -> Result<Option<u64>, StoreError>;
    /// Forgets what waits for other places than these, and what is known of them; without any place also how far
    /// messages have been made, so that one which is named later is told nothing old.
    async fn settle_places(&self, places: &[String]) -> Result<(), StoreError>;
    /// Keeps messages and moves the cursor, at once or not at all. Where more than `most` would wait for one place the
    /// oldest are given up; returns how many.
    async fn keep_notices(
        &self,
        cursor: Option<u64>,
        outgoing: &[Outgoing],
        at: Timestamp,
        most: u32,
    ) -> Result<u64, StoreError>;
    /// The next one for a place that may be tried now: one that was tried less often goes before.
    async fn due_notice(&self, place: &str, now: Timestamp) -> Result<Option<Delivery>, StoreError>;
    async fn notice_queue(&self, place: &str) -> Result<Queue, StoreError>;
    async fn place_state(&self, place: &str) -> Result<PlaceState, StoreError>;
    /// The result of a try, in one transaction.
    async fn put_place(
        &self,
        place: &str,
        state: &PlaceState,
        fate: Fate,
        audit: Vec<AuditEntry>,
    ) -> Result<(), StoreError>;
}

/// A place that messages go to.
#[async_trait]
pub trait MessagePlace: Send + Sync + 'static {
    /// Its name in the store and the audit, locale key `place_NAME`: never changed.
    fn name(&self) -> &'static str;
    /// As admins see it: without whatever could be a secret.
    fn address(&self) -> String;
    fn takes(&self, code: NoticeCode) -> bool;
    /// # Errors
    /// When it did not arrive, or nobody said that it did. What the other side said is in the quote, as it said it.
    async fn send(&self, id: Uuid, notice: &Notice) -> Result<(), Problem>;
}
