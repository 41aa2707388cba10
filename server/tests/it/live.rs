//! The stream to the browser.

use crate::app::TestApp;
use crate::world::World;
use axum::body::{Body, BodyDataStream};
use axum::http::Response;
use futures::StreamExt;
use model::live::{Live, LiveEvent};
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
                    return (id, serde_json::from_str(&data).expect("an event"));
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
    assert_eq!(id, first.seq.to_string());
    let matrix =
        model::preflight::Matrix { started_at: first.at, finished_at: None, nodes: Vec::new(), cells: Vec::new() };
    let other = World::make(&app).await;
    app.state.engine.hub.set_matrix(other.cluster, matrix.clone());
    app.state.engine.hub.set_matrix(world.cluster, matrix.clone());
    let (_, second) = events.next().await;
    assert_eq!(second.what, Live::Matrix(Box::new(matrix)));
    assert!(second.seq > first.seq);
}
