//! A tab that is closed ends its request. What the request began ends as it would have with the tab open.

use crate::nodes::Site;
use lab::{Fault, ROOT_PASSWORD, Scenario};
use model::operation::{Operation, OperationState};
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, interval};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);
/// Nothing here takes longer.
const LIMIT: Duration = Duration::from_secs(60);

async fn until(what: &str, there: impl AsyncFn() -> bool) {
    let end = Instant::now() + LIMIT;
    let mut looks = interval(LOOK);
    while !there().await {
        assert!(Instant::now() < end, "never: {what}");
        looks.tick().await;
    }
}

/// Sends a request and closes the tab once something is there.
async fn begun(call: impl Future<Output: std::fmt::Debug>, there: impl AsyncFn() -> bool) {
    tokio::select! {
        answer = call => panic!("answered before the tab was closed: {answer:?}"),
        () = until("the work begins", there) => {}
    }
}

#[tokio::test]
async fn checks_end_without_the_tab_that_started_them() {
    let site = Site::with(Scenario::bare(2)).await;
    for node in ["pve1", "pve2"] {
        site.ready(node).await;
    }
    let matrix = || site.app.state.engine.hub.matrix(site.cluster);
    let input = json!({ "cluster": site.cluster });
    begun(site.operator.call::<model::preflight::Matrix>("run_checks", input), async || {
        matrix().is_some_and(|matrix| matrix.finished_at.is_none())
    })
    .await;
    until("the checks end", async || matrix().is_some_and(|matrix| matrix.finished_at.is_some())).await;
    assert!(matrix().expect("a matrix").passes());
}

#[tokio::test]
async fn installing_the_key_ends_without_the_tab_that_started_it() {
    let site = Site::with(Scenario::bare(1)).await;
    let node = site.pinned("pve1").await;
    site.lab.inject(Fault::HangCommands { node: "pve1".to_owned(), on: true }).expect("it hangs");
    let operations = async || -> Vec<Operation> {
        site.operator.call("operations", json!({ "cluster": site.cluster })).await.expect("operations")
    };
    begun(site.install(node, ROOT_PASSWORD), async || {
        operations().await.iter().any(|one| one.state == OperationState::Running)
    })
    .await;
    until("the operation ends", async || operations().await.iter().all(|one| one.state != OperationState::Running))
        .await;
    assert_eq!(operations().await.len(), 1);
}
