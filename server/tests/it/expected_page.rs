//! The page of who ran `pvecm expected`, and that of an operation: nothing is said of now that was only seen once, and nobody
//! is left out on whose word it went on.

use crate::app::TestApp;
use crate::client::Client;
use crate::pages::pages;
use crate::world::World;
use app::api::OperationView;
use axum::http::StatusCode;
use engine::ports::{AuditStore as _, OperationStore as _};
use model::Timestamp;
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::ids::OperationId;
use model::lowering::{AFTER, DETAIL_MOMENT, Lowerings};
use model::operation::{Operation, OperationState};
use model::plan::Intent;
use serde_json::json;
use uuid::Uuid;

const STILL: &str = "The votes are still lowered";
const UNKNOWN: &str = "It is not known whether the votes are still lowered";

/// What the page says, without the data that it carries along.
async fn said(app: &TestApp, path: &str) -> String {
    let viewer = app.viewer().await;
    let client = Client::new(pages(app), 212);
    client.set_cookie(&viewer.cookie().expect("cookie"));
    let answer = client.get(path).await;
    assert_eq!(answer.status, StatusCode::OK);
    let text = answer.text();
    let main = text.split("<main").nth(1).and_then(|rest| rest.split("</main>").next());
    main.unwrap_or_else(|| panic!("no page: {text}")).to_owned()
}

async fn write(
    app: &TestApp,
    operation: OperationId,
    (code, outcome, at): (AuditCode, Outcome, Timestamp),
    details: &[(&str, &str)],
) {
    let mut entry = AuditEntry::new(at, code, "otto".into(), outcome);
    entry.operation = Some(operation);
    entry.node = Some("pve1".into());
    entry.details = details.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    app.store.append(entry).await.expect("written");
}

/// Votes that were lowered then, on a cluster that nobody watches.
async fn lowered(app: &TestApp, world: &World, at: Timestamp) -> OperationId {
    let other = app.store.operation(world.operation).await.expect("an operation");
    let mut plan = other.plan.clone();
    plan.intent =
        Intent::SetExpected { through: world.node, votes: 1, members: vec!["pve1".into()], written_off: Vec::new() };
    let id = OperationId::from_uuid(Uuid::now_v7());
    let digest = plan.digest().expect("digest");
    let operation = Operation { id, plan, digest, state: OperationState::Done, finished_at: Some(at), ..other };
    let proposed = AuditEntry::new(at, AuditCode::PlanProposed, "otto".into(), Outcome::Success);
    app.store.propose(&operation, proposed).await.expect("kept");
    let begun = [("intent", "set_expected")];
    write(app, id, (AuditCode::OperationStarted, Outcome::Started, at), &begun).await;
    let votes = [(DETAIL_MOMENT, AFTER), ("quorate", "yes"), ("expected", "1"), ("votes", "1"), ("quorum", "1")];
    write(app, id, (AuditCode::QuorumSeen, Outcome::Success, at), &votes).await;
    write(app, id, (AuditCode::OperationFinished, Outcome::Success, at), &[]).await;
    id
}

#[tokio::test]
async fn votes_that_nobody_sees_are_not_said_to_be_lowered_still() {
    let hours = jiff::Span::new().hours(2);
    let now = Timestamp::now();
    for (at, says, not) in [(now, STILL, UNKNOWN), (now.checked_sub(hours).expect("a time"), UNKNOWN, STILL)] {
        let app = TestApp::new().await;
        let world = World::make(&app).await;
        lowered(&app, &world, at).await;
        let page = said(&app, "/audit/expected").await;
        assert!(page.contains(says), "{page}");
        assert!(!page.contains(not), "{page}");
        assert_eq!(page.contains("Last seen lowered on pve1"), says == UNKNOWN, "{page}");
    }
}

#[tokio::test]
async fn votes_that_rose_and_cost_the_quorum_are_no_good_news() {
    const LOST: &str = "with them the quorum was lost again";
    for (quorate, tone, is_lost) in [("yes", "notice-good", false), ("no", "notice-look", true)] {
        let app = TestApp::new().await;
        let world = World::make(&app).await;
        let id = lowered(&app, &world, Timestamp::now()).await;
        let details = [("expected", "3"), ("members", "pve1"), ("quorate", quorate)];
        write(&app, id, (AuditCode::ExpectedRestored, Outcome::Success, Timestamp::now()), &details).await;
        let page = said(&app, "/audit/expected").await;
        assert!(page.contains(tone), "{page}");
        assert_eq!((page.contains(LOST), page.contains("notice-good")), (is_lost, !is_lost), "{page}");
        assert!(page.contains("corosync was started or read its configuration again"), "{page}");
    }
}

#[tokio::test]
async fn who_agreed_anew_is_named_beside_the_first() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let id = lowered(&app, &world, Timestamp::now()).await;
    let viewer = app.viewer().await;
    let view = async || viewer.call::<OperationView>("operation", json!({ "id": id })).await.expect("the operation");
    assert!(view().await.agreed_anew.is_empty());
    let resumed = (AuditCode::OperationResumed, Outcome::Started, Timestamp::now());
    write(&app, id, resumed, &[("agreed", "anew")]).await;
    let named: Vec<String> = view().await.agreed_anew.into_iter().map(|one| one.by).collect();
    assert_eq!(named, ["otto"]);
    let told: Lowerings =
        viewer.call("lowerings", json!({ "before": null, "again": true })).await.expect("the store answers");
    assert_eq!(told.runs[0].agreed_anew[0].by, "otto");
    for path in [format!("/operations/{id}"), "/audit/expected".to_owned()] {
        let page = said(&app, &path).await;
        assert!(page.contains("Agreed anew") && page.contains("otto"), "{path}: {page}");
    }
}
