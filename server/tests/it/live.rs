//! The stream to the browser.

use crate::app::TestApp;
use crate::client::Client;
use crate::world::World;
use axum::body::{Body, BodyDataStream};
use axum::http::Response;
use engine::audit::Person;
use engine::ports::UserStore;
use futures::StreamExt;
use model::live::{Live, LiveEvent};
use model::operation::{Operation, OutputLine};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// A stream that says nothing for so long is broken.
const LIMIT: Duration = Duration::from_secs(10);

struct Events {
    body: BodyDataStream,
    text: String,
}

impl Events {
    fn of(response: Response<Body>) -> Self {
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-cache");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// Everything up to the end of the stream; false where it goes on.
    async fn ends(&mut self) -> bool {
        loop {
            match timeout(LIMIT, self.body.next()).await {
                Ok(None) => return true,
                Ok(Some(_)) => {}
                Err(_) => return false,
            }
        }
    }

    async fn next_matrix(&mut self) -> Option<LiveEvent> {
        loop {
            let (_, event) = self.next().await;
            if matches!(event.what, Live::Matrix(_)) {
                return Some(event);
            }
        }
    }

    /// The id of the next event with a line, and the line's number.
    async fn next_line(&mut self) -> (String, u64) {
        loop {
            let (id, event) = self.next().await;
            if let Live::Output { line, .. } = event.what {
                return (id, line.seq);
            }
        }
    }

    async fn next_operation(&mut self) -> Operation {
        loop {
            if let Live::Operation(operation) = self.next().await.1.what {
                return *operation;
            }
        }
    }

    /// The next event and its id.
    async fn next(&mut self) -> (String, LiveEvent) {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let line = block.lines().find_map(|line| line.strip_prefix(name));
                    line.map(|value| value.trim().to_owned())
                };
                let found = field("id:").zip(field("data:"));
                self.text = rest.to_owned();
                if let Some((id, data)) = found {
                    return (id, app::api::read(&data).expect("an event"));
                }
                continue;
            }
            let bytes = timeout(LIMIT, self.body.next()).await.expect("silent").expect("ended").expect("bytes");
            self.text.push_str(std::str::from_utf8(&bytes).expect("text"));
        }
    }
}

#[tokio::test]
async fn a_browser_gets_the_whole_state_first_and_then_what_is_new() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let viewer = app.viewer().await;
    let mut events = Events::of(viewer.open(&format!("/live/clusters/{}", world.cluster)).await);
    let (id, first) = events.next().await;
    assert!(matches!(first.what, Live::Snapshot(_)), "{first:?}");
    assert_eq!(id, format!("{}.{}", app.state.engine.hub.epoch(), first.seq));
    let matrix =
        model::preflight::Matrix { started_at: first.at, finished_at: None, nodes: Vec::new(), cells: Vec::new() };
    let other = World::make(&app).await;
    app.state.engine.hub.set_matrix(other.cluster, matrix.clone());
    app.state.engine.hub.set_matrix(world.cluster, matrix.clone());
    let second = events.next_matrix().await.expect("a matrix");
    assert_eq!(second.what, Live::Matrix(Arc::new(matrix)));
    assert!(second.seq > first.seq);
}

#[tokio::test]
async fn an_operation_that_ended_while_the_stream_was_cut_is_told_to_be_over() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let viewer = app.viewer().await;
    let path = format!("/live/clusters/{}", world.cluster);
    let mut events = Events::of(viewer.open(&path).await);
    assert_eq!(events.next_operation().await.state.word(), "proposed", "what is unfinished comes with the whole state");
    drop(events);
    let person = Person { name: "operator".to_owned() };
    app.state.engine.abandon(&person, world.operation, "enough").await.expect("it ends");
    let mut events = Events::of(viewer.open(&path).await);
    let told = events.next_operation().await;
    assert_eq!((told.id, told.state.word()), (world.operation, "abandoned"));
}

#[tokio::test]
async fn a_browser_that_was_cut_off_hears_what_it_missed_and_nothing_twice() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let viewer = app.viewer().await;
    let path = format!("/live/clusters/{}", world.cluster);
    let hub = app.state.engine.hub.clone();
    let print = |seq| hub.push(world.cluster, line(&world, &app, seq));
    let mut events = Events::of(viewer.open(&path).await);
    print(1);
    let heard = events.next_line().await;
    assert_eq!(heard.1, 1);
    drop(events);
    print(2);
    print(3);
    let mut events = Events::of(viewer.open_with(&path, &[("last-event-id", &heard.0)]).await);
    print(4);
    let mut lines = Vec::new();
    for _ in 0..3 {
        lines.push(events.next_line().await.1);
    }
    assert_eq!(lines, [2, 3, 4]);
    // An id of another run, of the future, or of nothing: the whole state, no lines.
    for id in ["1.1", "nonsense", &format!("{}.99999", hub.epoch())] {
        let mut events = Events::of(viewer.open_with(&path, &[("last-event-id", id)]).await);
        let (_, first) = events.next().await;
        assert!(matches!(first.what, Live::Snapshot(_)), "{id}: {first:?}");
    }
}

#[tokio::test]
async fn a_browser_that_was_away_too_long_gets_the_whole_state() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let viewer = app.viewer().await;
    let path = format!("/live/clusters/{}", world.cluster);
    let mut events = Events::of(viewer.open(&path).await);
    app.state.engine.hub.push(world.cluster, line(&world, &app, 1));
    let (heard, _) = events.next_line().await;
    drop(events);
    for seq in 2..=(engine::limits::REPLAY_MAX as u64 + 2) {
        app.state.engine.hub.push(world.cluster, line(&world, &app, seq));
    }
    let mut events = Events::of(viewer.open_with(&path, &[("last-event-id", &heard)]).await);
    let (_, first) = events.next().await;
    assert!(matches!(first.what, Live::Snapshot(_)), "{first:?}");
    assert_eq!(events.next_operation().await.id, world.operation, "operations come with the whole state");
}

fn line(world: &World, app: &TestApp, seq: u64) -> Live {
    let at = app.state.engine.clock.now();
    let line = OutputLine { seq, step: 0, at, error: false, text: format!("line {seq}") };
    Live::Output { operation: world.operation, line }
}

/// A stream that is open, and something to send.
async fn open_stream(app: &TestApp) -> (Client, Events, impl Fn()) {
    let world = World::make(app).await;
    let viewer = app.viewer().await;
    let mut events = Events::of(viewer.open(&format!("/live/clusters/{}", world.cluster)).await);
    let (_, first) = events.next().await;
    let hub = app.state.engine.hub.clone();
    let matrix =
        model::preflight::Matrix { started_at: first.at, finished_at: None, nodes: Vec::new(), cells: Vec::new() };
    (viewer, events, move || hub.set_matrix(world.cluster, matrix.clone()))
}

#[tokio::test]
async fn the_stream_ends_after_signing_out() {
    let app = TestApp::new().await;
    let (viewer, mut events, say) = open_stream(&app).await;
    app.clock.advance_seconds(31);
    say();
    assert!(events.next_matrix().await.is_some(), "a good session goes on");
    viewer.call::<()>("sign_out", serde_json::json!({})).await.expect("signed out");
    app.clock.advance_seconds(31);
    say();
    assert!(events.ends().await, "it outlived the session");
}

#[tokio::test]
async fn the_stream_ends_when_the_session_was_idle_too_long() {
    let app = TestApp::new().await;
    let (_viewer, mut events, say) = open_stream(&app).await;
    app.clock.advance_minutes(31);
    say();
    assert!(events.ends().await, "it outlived the session");
}

#[tokio::test]
async fn the_stream_ends_when_the_account_is_disabled() {
    let app = TestApp::new().await;
    let (_viewer, mut events, say) = open_stream(&app).await;
    let user = app.store.user_by_name("viewer").await.expect("the account");
    app.state.accounts.disable(&Person::system(), user.id).await.expect("disabled");
    app.clock.advance_seconds(31);
    say();
    assert!(events.ends().await, "it outlived the account");
}
