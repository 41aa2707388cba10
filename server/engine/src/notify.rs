//! Messages to people and machines outside: made from the audit, kept in the store, sent until they arrive.
//!
//! The cursor over the audit and the messages move in one transaction, so a restart neither loses one nor makes it twice.
//! A message may arrive twice where its place took it and the console died before it wrote that down; its id is the same then.

mod outage;

pub use outage::pause_after;

use crate::Engine;
use crate::audit::{Person, Recorder};
use crate::context::store_problem;
use crate::limits::{NOTICE_BATCH, NOTICE_ERROR_MAX_CHARS, NOTICE_KEEP, NOTICE_LOOK, NOTICE_TRY_LIMIT, NOTICES_MAX};
use crate::ports::{
    CheckpointSink, Clock, Delivery, Fate, Ids, MessagePlace, Outgoing, PlaceState, Queue, SinkError, Store, StoreError,
};
use async_trait::async_trait;
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::checkpoint::Checkpoint;
use model::notice::{Notice, NoticeCode};
use model::problem::{Problem, ProblemCode};
use pve::clean_text_within;
use std::sync::Arc;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{MissedTickBehavior, interval, timeout};
use uuid::Uuid;

/// Tells the outside what is new in the audit.
pub struct Notifier {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    audit: Recorder,
    desks: Vec<Desk>,
    /// How browsers call the console.
    base: Option<String>,
}

/// A place, and the turn to speak to it: what is known of it is read, tried and written by one at a time.
struct Desk {
    place: Arc<dyn MessagePlace>,
    turn: Mutex<()>,
}

/// What came of one look for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// None is due.
    Nothing,
    Arrived,
    Failed,
}

/// A place as it is now.
pub struct Standing {
    pub name: &'static str,
    pub address: String,
    pub state: PlaceState,
    pub queue: Queue,
}

impl Notifier {
    #[must_use]
    pub fn new(engine: &Engine, places: Vec<Arc<dyn MessagePlace>>, base: Option<String>) -> Self {
        Self {
            store: Arc::clone(&engine.store),
            clock: Arc::clone(&engine.clock),
            ids: Arc::clone(&engine.ids),
            audit: engine.audit.clone(),
            desks: places.into_iter().map(|place| Desk { place, turn: Mutex::default() }).collect(),
            base,
        }
    }

    /// How browsers call the console, where somebody said so.
    #[must_use]
    pub fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }

    /// Before anything that is to be told can happen: places that are not named any more are forgotten, and the first time
    /// of all nothing old is told.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin(&self) -> Result<(), StoreError> {
        let names: Vec<String> = self.desks.iter().map(|desk| desk.place.name().to_owned()).collect();
        self.store.settle_places(&names).await?;
        if self.desks.is_empty() {
            return Ok(());
        }
        self.gather().await.map(drop)
    }

    /// Makes messages of what was written since the last time; returns whether there may be more. The first time of all none
    /// is made, and none ever of what is older than a day.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn gather(&self) -> Result<bool, StoreError> {
        let (last, now) = (self.store.entries().await?, self.clock.now());
        let Some(cursor) = self.store.notice_cursor().await? else {
            self.store.keep_notices(Some(last), &[], now, NOTICES_MAX).await?;
            return Ok(false);
        };
        let end = last.min(cursor.saturating_add(NOTICE_BATCH));
        if end <= cursor {
            return Ok(false);
        }
        let mut outgoing = Vec::new();
        for index in cursor + 1..=end {
            let entry = match self.store.entry(index).await {
                Ok(entry) => entry,
                // Whoever tampers with one entry must not silence all that follow.
                Err(StoreError::Corrupt { .. } | StoreError::NotFound { .. } | StoreError::Unread(_)) => {
                    tracing::error!(audit.index = index, "no message was made of an entry that cannot be read");
                    continue;
                }
                Err(error) => return Err(error),
            };
            let is_new = now.duration_since(entry.entry.at).unsigned_abs() < NOTICE_KEEP;
            if let Some(notice) = Notice::of(&entry, self.base.as_deref()).filter(|_| is_new) {
                outgoing.extend(self.addressed(&notice));
            }
        }
        let given_up = self.store.keep_notices(Some(end), &outgoing, now, NOTICES_MAX).await?;
        warn_of(given_up);
        Ok(end < last)
    }

    /// One for each place that takes it; nothing is told to a place about itself.
    fn addressed(&self, notice: &Notice) -> Vec<Outgoing> {
        let about = notice.params.get("place");
        let places = self.desks.iter().map(|desk| &desk.place);
        let wanted = places.filter(|place| place.takes(notice.code) && about.is_none_or(|about| about != place.name()));
        wanted
            .map(|place| Outgoing { id: self.ids.next(), place: place.name().to_owned(), notice: notice.clone() })
            .collect()
    }

    /// Sends what is due to one place, until there is nothing or a try fails; returns how many arrived.
    ///
    /// # Errors
    /// `NotFound` for a place that is not named; when the store fails.
    pub async fn deliver(&self, place: &str) -> Result<u64, StoreError> {
        let desk = self.desk(place).ok_or(StoreError::NotFound { what: "place" })?;
        let mut arrived = 0;
        while arrived < NOTICE_BATCH && self.deliver_next(desk).await? == Step::Arrived {
            arrived += 1;
        }
        Ok(arrived)
    }

    async fn deliver_next(&self, desk: &Desk) -> Result<Step, StoreError> {
        let turn = desk.turn.lock().await;
        let (name, now) = (desk.place.name(), self.clock.now());
        let state = self.store.place_state(name).await?;
        if state.resume_at.is_some_and(|at| at > now) {
            return Ok(Step::Nothing);
        }
        let Some(one) = self.store.due_notice(name, now).await? else { return Ok(Step::Nothing) };
        let answer = attempt(desk.place.as_ref(), one.id, &one.notice).await;
        self.note(&turn, name, state, Some(&one), &answer, None).await?;
        Ok(if answer.is_ok() { Step::Arrived } else { Step::Failed })
    }

    /// Sends a message that says nothing, at once; `Ok(None)` where it arrived, and why not where it did not. Stands in the
    /// audit either way.
    ///
    /// # Errors
    /// `NotFound` for a place that is not named; when the store fails.
    pub async fn test(&self, who: &Person, place: &str) -> Result<Option<Problem>, Problem> {
        let desk = self.desk(place).ok_or_else(|| Problem::new(ProblemCode::NotFound).with("what", "place"))?;
        let turn = desk.turn.lock().await;
        let name = desk.place.name();
        let state = self.store.place_state(name).await.map_err(|error| store_problem(&error))?;
        let notice = Notice::test(&who.name, self.clock.now());
        let answer = attempt(desk.place.as_ref(), self.ids.next(), &notice).await;
        let outcome = if answer.is_ok() { Outcome::Success } else { Outcome::Failed };
        let tested = about(self.audit.entry(AuditCode::MessageTested, who, outcome), name, answer.as_ref().err());
        let noted = self.note(&turn, name, state, None, &answer, Some(tested)).await;
        noted.map_err(|error| store_problem(&error))?;
        Ok(answer.err())
    }

    /// Writes down what came of a try: what becomes of the message, what is known of the place, and in the audit once per
    /// outage that it began or ended.
    async fn note(
        &self,
        _turn: &MutexGuard<'_, ()>,
        place: &'static str,
        before: PlaceState,
        one: Option<&Delivery>,
        answer: &Result<(), Problem>,
        tested: Option<AuditEntry>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut audit: Vec<AuditEntry> = tested.into_iter().collect();
        let system = Person::system();
        let (state, fate) = match answer {
            Ok(()) => {
                if before.told {
                    let mut entry = self.audit.entry(AuditCode::MessagesRestored, &system, Outcome::Success);
                    entry.details.extend(before.failing_since.map(|at| ("since".to_owned(), at.to_string())));
                    audit.push(about(entry, place, None));
                    tracing::info!(notice.place = place, "messages arrive again");
                }
                (outage::arrived(&before, now), one.map_or(Fate::None, |one| Fate::Arrived(one.id)))
            }
            Err(problem) => {
                let state = outage::failed(&before, problem, now);
                if state.told && !before.told {
                    let entry = self.audit.entry(AuditCode::MessagesFailing, &system, Outcome::Failed);
                    audit.push(about(entry, place, Some(problem)));
                    tracing::error!(notice.place = place, notice.problem = %problem, "messages do not arrive");
                }
                let fate = one.map_or(Fate::None, |one| outage::fate(one, now));
                if let Fate::GivenUp(id) = fate {
                    tracing::error!(notice.place = place, notice.id = %id, "a message is given up");
                }
                (state, fate)
            }
        };
        self.store.put_place(place, &state, fate, audit).await
    }

    fn desk(&self, place: &str) -> Option<&Desk> {
        self.desks.iter().find(|desk| desk.place.name() == place)
    }

    /// Every place as it is now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn standing(&self) -> Result<Vec<Standing>, StoreError> {
        let mut all = Vec::new();
        for desk in &self.desks {
            let (name, address) = (desk.place.name(), desk.place.address());
            let (state, queue) = (self.store.place_state(name).await?, self.store.notice_queue(name).await?);
            all.push(Standing { name, address, state, queue });
        }
        Ok(all)
    }

    /// Names of the places that messages do not arrive at, once that is told.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn failing(&self) -> Result<Vec<String>, StoreError> {
        let mut names = Vec::new();
        for desk in &self.desks {
            if self.store.place_state(desk.place.name()).await?.told {
                names.push(desk.place.name().to_owned());
            }
        }
        Ok(names)
    }

    /// Makes messages until it is dropped.
    pub async fn run(self: Arc<Self>) {
        let mut tick = interval(NOTICE_LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            loop {
                match self.gather().await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        tracing::warn!(store.error = %error, "no messages were made");
                        break;
                    }
                }
            }
        }
    }

    /// Sends to one place until it is dropped; each place has a task of its own, so that a slow one holds up nobody else.
    pub async fn run_place(self: Arc<Self>, place: &'static str) {
        let mut tick = interval(NOTICE_LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(error) = self.deliver(place).await {
                tracing::warn!(notice.place = place, store.error = %error, "messages were not sent");
            }
        }
    }

    /// The names of all places.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.desks.iter().map(|desk| desk.place.name())
    }
}

/// Checkpoints of the audit go the same way as messages, and wait like them while nobody takes them.
#[async_trait]
impl CheckpointSink for Notifier {
    fn name(&self) -> &'static str {
        "messages"
    }

    async fn send(&self, checkpoint: &Checkpoint) -> Result<(), SinkError> {
        let outgoing = self.addressed(&Notice::of_checkpoint(checkpoint));
        let kept = self.store.keep_notices(None, &outgoing, checkpoint.at, NOTICES_MAX).await;
        kept.map(warn_of).map_err(|error| SinkError { text: error.to_string() })
    }
}

/// One try within its limit. What the other side said is made harmless and short.
async fn attempt(place: &dyn MessagePlace, id: Uuid, notice: &Notice) -> Result<(), Problem> {
    let Ok(answer) = timeout(NOTICE_TRY_LIMIT, place.send(id, notice)).await else {
        return Err(Problem::new(ProblemCode::PlaceSilent).with("seconds", NOTICE_TRY_LIMIT.as_secs()));
    };
    answer.map_err(|mut problem| {
        problem.quote = problem.quote.map(|text| clean_text_within(&text, NOTICE_ERROR_MAX_CHARS));
        problem
    })
}

fn about(mut entry: AuditEntry, place: &str, problem: Option<&Problem>) -> AuditEntry {
    entry.details.insert("place".to_owned(), place.to_owned());
    if let Some(problem) = problem {
        entry.details.insert("problem".to_owned(), problem.code.as_str().to_owned());
        let said = problem.quote.as_ref().or_else(|| problem.params.get("answer"));
        entry.details.extend(said.map(|said| ("error".to_owned(), said.clone())));
    }
    entry
}

fn warn_of(given_up: u64) {
    if given_up > 0 {
        tracing::error!(notices.given_up = given_up, "too many messages wait: the oldest are given up");
    }
}

/// Only machines want checkpoints.
#[must_use]
pub const fn is_for_people(code: NoticeCode) -> bool {
    !matches!(code, NoticeCode::Checkpoint)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Never answers, or says too much.
    struct Deaf {
        says: Option<String>,
    }

    #[async_trait]
    impl MessagePlace for Deaf {
        fn name(&self) -> &'static str {
            "deaf"
        }

        fn address(&self) -> String {
            String::new()
        }

        fn takes(&self, _code: NoticeCode) -> bool {
            true
        }

        async fn send(&self, _id: Uuid, _notice: &Notice) -> Result<(), Problem> {
            match &self.says {
                Some(text) => Err(Problem::from(ProblemCode::PlaceRefused).quoting(text.clone())),
                None => std::future::pending().await,
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_never_answers_is_given_up_after_its_limit() {
        let notice = Notice::test("anna", jiff::Timestamp::UNIX_EPOCH);
        let problem = attempt(&Deaf { says: None }, Uuid::nil(), &notice).await.expect_err("no answer");
        assert_eq!((problem.code, problem.params["seconds"].as_str()), (ProblemCode::PlaceSilent, "15"));
    }

    #[tokio::test]
    async fn what_a_place_says_is_made_harmless_and_short() {
        let notice = Notice::test("anna", jiff::Timestamp::UNIX_EPOCH);
        let says = Some(format!("\u{1b}[2J<script>\r\n{}", "x".repeat(100_000)));
        let problem = attempt(&Deaf { says }, Uuid::nil(), &notice).await.expect_err("refused");
        let quote = problem.quote.expect("what it said");
        assert!(quote.starts_with("‹script› ") && quote.chars().count() == NOTICE_ERROR_MAX_CHARS + 1, "{quote}");
    }
}
