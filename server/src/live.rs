//! The stream to the browser: the leading edge at once, then at most twenty messages a second.

use crate::backend::caller_of;
use crate::state::AppState;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
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

/// Between two batches to one browser: twenty a second.
const BATCH_PAUSE: Duration = Duration::from_millis(50);
/// A comment is sent when nothing happened for so long, so that proxies keep the stream open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often a stream checks that its session is still good.
const SESSION_CHECK: Duration = Duration::from_secs(30);

/// `GET /live/clusters/{id}`
pub async fn cluster(State(state): State<AppState>, Path(id): Path<ClusterId>, session: Session) -> Response {
    let Ok(caller) = caller_of(&state, &session).await else { return StatusCode::UNAUTHORIZED.into_response() };
    if can::do_it(caller.access.on(id), Deed::See).is_err() {
        return StatusCode::FORBIDDEN.into_response();
    }
    if state.engine.store.cluster(id).await.is_err() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let stream = Browser::new(state, id, session).into_stream();
    Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

/// One open page.
struct Browser {
    state: AppState,
    cluster: ClusterId,
    session: Session,
    news: Receiver<Arc<LiveEvent>>,
    waiting: VecDeque<Arc<LiveEvent>>,
    next_at: Instant,
    check_at: Instant,
}

impl Browser {
    fn new(state: AppState, cluster: ClusterId, session: Session) -> Self {
        // Subscribed before looking, so that nothing falls in between.
        let news = state.engine.hub.subscribe(cluster);
        let now = Instant::now();
        let mut browser = Self {
            state,
            cluster,
            session,
            news,
            waiting: VecDeque::new(),
            next_at: now,
            check_at: now + SESSION_CHECK,
        };
        browser.whole();
        browser
    }

    /// The whole state: at the start, and after falling behind.
    fn whole(&mut self) {
        let (snapshot, seq) = self.state.engine.hub.look(self.cluster);
        let at = snapshot.at;
        self.waiting.clear();
        self.waiting.push_back(Arc::new(LiveEvent { seq, at, what: Live::Snapshot(Box::new((*snapshot).clone())) }));
        if let Some(matrix) = self.state.engine.hub.matrix(self.cluster) {
            self.waiting.push_back(Arc::new(LiveEvent { seq, at, what: Live::Matrix(Box::new((*matrix).clone())) }));
        }
    }

    fn into_stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        futures::stream::unfold(self, |mut browser| async move {
            loop {
                if let Some(event) = browser.waiting.pop_front() {
                    if let Ok(sse) = Event::default().event("live").id(event.seq.to_string()).json_data(&*event) {
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
        tokio::select! {
            news = self.news.recv() => match news {
                Ok(event) => {
                    let mut batch = vec![event];
                    if self.drain(&mut batch) {
                        self.waiting.extend(latest(batch));
                    } else {
                        self.whole();
                    }
                    self.next_at = Instant::now() + BATCH_PAUSE;
                    true
                }
                Err(RecvError::Lagged(_)) => { self.whole(); true }
                Err(RecvError::Closed) => false,
            },
            () = check => {
                self.check_at = Instant::now() + SESSION_CHECK;
                caller_of(&self.state, &self.session).await.is_ok()
            }
        }
    }

    /// False when messages were missed.
    fn drain(&mut self, batch: &mut Vec<Arc<LiveEvent>>) -> bool {
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
fn latest(batch: Vec<Arc<LiveEvent>>) -> Vec<Arc<LiveEvent>> {
    let newest =
        |wanted: fn(&Live) -> bool| batch.iter().filter(|event| wanted(&event.what)).map(|event| event.seq).max();
    let snapshot = newest(|what| matches!(what, Live::Snapshot(_)));
    let matrix = newest(|what| matches!(what, Live::Matrix(_)));
    batch
        .iter()
        .filter(|event| match event.what {
            Live::Snapshot(_) => Some(event.seq) == snapshot,
            Live::Matrix(_) => Some(event.seq) == matrix,
            Live::Operation(_) | Live::Output(_) => true,
        })
        .cloned()
        .collect()
}
