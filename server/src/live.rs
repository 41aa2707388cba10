//! The stream to the browser: the leading edge at once, then at most twenty messages a second.

use crate::backend::caller_of;
use crate::sessions::Sessions;
use crate::state::AppState;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use engine::hub::Message;
use futures::Stream;
use model::Timestamp;
use model::can::{self, Deed};
use model::ids::ClusterId;
use model::live::{Live, LiveEvent};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Instant, sleep_until};
use tower_sessions::Session;
use tower_sessions::session::Id;

/// Between two batches to one browser: twenty a second.
const BATCH_PAUSE: Duration = Duration::from_millis(50);
/// A comment is sent when nothing happened for so long, so that proxies keep the stream open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often a stream checks that its session is still good, and that its person may still see the cluster.
const SESSION_CHECK: Duration = Duration::from_secs(30);
/// Operations that are sent with the whole state, newest first.
const OPERATIONS_SENT: u32 = 20;

/// What a browser sends along when it opens a stream again: the id of the last event that it heard.
const LAST_EVENT: &str = "last-event-id";

/// `GET /live/clusters/{id}`
pub async fn cluster(
    State(state): State<AppState>,
    Path(id): Path<ClusterId>,
    headers: HeaderMap,
    session: Session,
) -> Response {
    let Ok(caller) = caller_of(&state, &session).await else { return StatusCode::UNAUTHORIZED.into_response() };
    if can::do_it(caller.access.on(id), Deed::See).is_err() {
        return StatusCode::FORBIDDEN.into_response();
    }
    if state.engine.store.cluster(id).await.is_err() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Some(session) = session.id() else { return StatusCode::UNAUTHORIZED.into_response() };
    let heard = headers.get(LAST_EVENT).and_then(|value| heard_last(value.to_str().ok()?, state.engine.hub.epoch()));
    let stream = Browser::new(state, id, session, heard).await.into_stream();
    Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

/// The id of an event: the run of the console that sent it, and its place in there.
fn event_id(epoch: i64, seq: u64) -> String {
    format!("{epoch}.{seq}")
}

/// The sequence of an id of this run. An id of an earlier run says nothing about this one's events.
fn heard_last(id: &str, epoch: i64) -> Option<u64> {
    let (run, seq) = id.split_once('.')?;
    (run.parse() == Ok(epoch)).then(|| seq.parse().ok())?
}

/// One open page.
struct Browser {
    state: AppState,
    cluster: ClusterId,
    session: Id,
    news: Receiver<Arc<Message>>,
    waiting: VecDeque<Arc<Message>>,
    next_at: Instant,
    /// When to check even if nothing happens...
    check_at: Instant,
    /// ...and when it was checked last, by the clock that ends sessions.
    checked_at: Timestamp,
}

impl Browser {
    async fn new(state: AppState, cluster: ClusterId, session: Id, heard: Option<u64>) -> Self {
        // Subscribed before looking, so that nothing falls in between.
        let (news, missed) = match heard {
            Some(since) => state.engine.hub.resume(cluster, since),
            None => (state.engine.hub.subscribe(cluster), None),
        };
        let now = Instant::now();
        let checked_at = state.engine.clock.now();
        let mut browser = Self {
            state,
            cluster,
            session,
            news,
            waiting: VecDeque::new(),
            next_at: now,
            check_at: now + SESSION_CHECK,
            checked_at,
        };
        match missed {
            Some(missed) => {
                browser.waiting.extend(missed);
                browser.newest();
            }
            None => browser.whole().await,
        }
        browser
    }

    /// The whole state: at the start, and after falling behind. Operations too, because their events may be among
    /// what was missed: one that has ended meanwhile would run on that page for ever.
    async fn whole(&mut self) {
        self.waiting.clear();
        let operations = self.state.engine.store.operations(Some(self.cluster), OPERATIONS_SENT).await;
        let (seq, at) = self.newest();
        let mut say = |what| self.waiting.push_back(Arc::new(Message::new(LiveEvent { seq, at, what })));
        // Oldest first, as they happened.
        for operation in operations.unwrap_or_default().into_iter().rev() {
            say(Live::Operation(Box::new(operation)));
        }
    }

    /// What is known by now; returns its sequence and its time.
    fn newest(&mut self) -> (u64, Timestamp) {
        let (snapshot, seq) = self.state.engine.hub.look(self.cluster);
        let at = snapshot.at;
        let matrix = self.state.engine.hub.matrix(self.cluster);
        let matrix = matrix.map(|matrix| Live::Matrix(Arc::new(matrix.for_page())));
        let measured = self.state.engine.hub.measured(self.cluster);
        let measured = measured.map(|measured| Live::Measurement(Arc::clone(&measured.report)));
        for what in std::iter::once(Live::Snapshot(snapshot)).chain(matrix).chain(measured) {
            self.waiting.push_back(Arc::new(Message::new(LiveEvent { seq, at, what })));
        }
        (seq, at)
    }

    fn into_stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        futures::stream::unfold(self, |mut browser| async move {
            loop {
                if let Some(event) = browser.waiting.pop_front() {
                    if let Some(json) = event.json() {
                        let sse = Event::default()
                            .event("live")
                            .id(event_id(browser.state.engine.hub.epoch(), event.seq))
                            .data(json);
                        return Some((Ok(sse), browser));
                    }
                    continue;
                }
                if !browser.wait().await {
                    return None;
                }
            }
        })
    }

    /// Waits for news, then takes everything that has come; false when the stream must end.
    async fn wait(&mut self) -> bool {
        sleep_until(self.next_at).await;
        let check = sleep_until(self.check_at);
        let news = tokio::select! {
            news = self.news.recv() => news,
            () = check => return self.check().await,
        };
        if self.state.engine.clock.now().duration_since(self.checked_at).unsigned_abs() >= SESSION_CHECK
            && !self.check().await
        {
            return false;
        }
        match news {
            Ok(event) => {
                let mut batch = vec![event];
                if self.drain(&mut batch) {
                    self.waiting.extend(latest(batch));
                } else {
                    self.whole().await;
                }
                self.next_at = Instant::now() + BATCH_PAUSE;
                true
            }
            Err(RecvError::Lagged(_)) => {
                self.whole().await;
                true
            }
            Err(RecvError::Closed) => false,
        }
    }

    /// Whether the session is still good and its person may still see the cluster, as the store has it now: the session
    /// of the request remembers what it read when the stream was opened.
    async fn check(&mut self) -> bool {
        self.check_at = Instant::now() + SESSION_CHECK;
        let engine = &self.state.engine;
        self.checked_at = engine.clock.now();
        let sessions = Sessions::new(Arc::clone(&engine.store), Arc::clone(&engine.clock));
        let session = Session::new(Some(self.session), Arc::new(sessions), None);
        match caller_of(&self.state, &session).await {
            Ok(caller) => can::do_it(caller.access.on(self.cluster), Deed::See).is_ok(),
            Err(_) => false,
        }
    }

    /// False when messages were missed.
    fn drain(&mut self, batch: &mut Vec<Arc<Message>>) -> bool {
        loop {
            match self.news.try_recv() {
                Ok(event) => batch.push(event),
                Err(TryRecvError::Lagged(_)) => return false,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return true,
            }
        }
    }
}

/// Of states only the newest counts; lines are all sent.
fn latest(batch: Vec<Arc<Message>>) -> Vec<Arc<Message>> {
    let newest =
        |wanted: fn(&Live) -> bool| batch.iter().filter(|event| wanted(&event.what)).map(|event| event.seq).max();
    let snapshot = newest(|what| matches!(what, Live::Snapshot(_)));
    let matrix = newest(|what| matches!(what, Live::Matrix(_)));
    let measurement = newest(|what| matches!(what, Live::Measurement(_)));
    batch
        .iter()
        .filter(|event| match event.what {
            Live::Snapshot(_) => Some(event.seq) == snapshot,
            Live::Matrix(_) => Some(event.seq) == matrix,
            Live::Measurement(_) => Some(event.seq) == measurement,
            Live::Operation(_) | Live::Output { .. } => true,
        })
        .cloned()
        .collect()
}
