//! What one person did alone waits for a review until somebody has looked at it, whatever was asked for since.

use crate::app::{PASSWORD, TestApp};
use crate::client::Client;
use crate::world::World;
use app::api::{Inbox, RequestLine};
use engine::ports::{ApprovalStore, Clock, OperationStore};
use jiff::SignedDuration;
use model::Timestamp;
use model::approval::{
    Blast, COUNTDOWN_S, Request, RequestEvent, RequestState, Seen, Subject, counted_down, facts_digest,
};
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::ids::{OperationId, RequestId};
use model::operation::Operation;
use model::plan::Plan;
use model::policy::Agreement;
use model::role::Role;
use serde_json::json;
use uuid::Uuid;

/// More than are on the list page, and than were ever looked through for those that wait.
const NEWER: i64 = 205;

#[tokio::test]
async fn what_was_done_alone_is_counted_and_listed_however_much_was_asked_for_since() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let (approver, glass) = (app.approver().await, app.anon());
    app.account("glass", Role::Approver).await;
    glass.sign_in("glass", PASSWORD).await.expect("signed in");
    take_back(&app, world.request).await;
    let alone = done_alone(&app, &world).await;
    let plan = app.store.operation(world.operation).await.expect("operation").plan;
    for number in 1..=NEWER {
        let at = app.clock.now().checked_add(SignedDuration::from_secs(number)).expect("time");
        let newer = request(Plan { target: format!("number {number}"), ..plan.clone() }, "olga", at);
        app.store.add_request(&newer, entry(at)).await.expect("asked");
        take_back(&app, newer.id).await;
    }
    assert_eq!((waiting(&approver).await, awaited(&approver).await), (1, vec![alone]));
    assert_eq!(waiting(&glass).await, 0, "nobody reviews what they did themselves");
    let words = json!({ "id": alone, "comment": "there was nobody else" });
    approver.call::<()>("review", words).await.expect("reviewed");
    assert_eq!((waiting(&approver).await, awaited(&approver).await), (0, Vec::new()));
    let lines: Vec<RequestLine> = approver.call("requests", json!({ "again": false })).await.expect("the list");
    let ids: std::collections::BTreeSet<RequestId> = lines.iter().map(|line| line.id).collect();
    assert_eq!(ids.len(), lines.len(), "each is there once");
}

async fn waiting(client: &Client) -> u32 {
    let inbox: Inbox = client.call("inbox", json!({})).await.expect("inbox");
    inbox.waiting
}

/// Those on the list that wait for a review.
async fn awaited(client: &Client) -> Vec<RequestId> {
    let lines: Vec<RequestLine> = client.call("requests", json!({ "again": false })).await.expect("the list");
    lines.iter().filter(|line| line.awaits_review).map(|line| line.id).collect()
}

/// The plan of `world`, run by somebody after their countdown.
async fn done_alone(app: &TestApp, world: &World) -> RequestId {
    let now = app.clock.now();
    let known = app.store.operation(world.operation).await.expect("operation");
    let plan = Plan { target: "alone".to_owned(), ..known.plan.clone() };
    let asked = request(plan.clone(), "glass", now);
    let operation = Operation {
        id: OperationId::from_uuid(Uuid::now_v7()),
        digest: plan.digest().expect("digest"),
        plan,
        proposed_by: "glass".to_owned(),
        ..known
    };
    app.store.propose(&operation, entry(now)).await.expect("proposed");
    app.store.add_request(&asked, entry(now)).await.expect("asked");
    let glass = RequestEvent::BreakGlass { fresh: true };
    app.store.decide(asked.id, "glass", &glass, now, entry(now)).await.expect("it counts down");
    let over = counted_down(now);
    assert_eq!(over.duration_since(now).as_secs(), COUNTDOWN_S);
    let event = RequestEvent::RunOut { seen: asked.subject.seen().clone(), operation: operation.id };
    app.store.start_agreed(asked.id, &event, over, vec![entry(over)]).await.expect("it runs");
    asked.id
}

async fn take_back(app: &TestApp, id: RequestId) {
    let now = app.clock.now();
    app.store.decide(id, "olga", &RequestEvent::Withdraw, now, entry(now)).await.expect("taken back");
}

fn entry(at: Timestamp) -> AuditEntry {
    AuditEntry::new(at, AuditCode::ApprovalRequested, "system".to_owned(), Outcome::Success)
}

fn request(plan: Plan, by: &str, at: Timestamp) -> Request {
    let seen = Seen { digest: plan.digest().expect("digest"), facts: facts_digest(&[]).expect("digest") };
    let cluster = plan.cluster;
    let subject =
        Subject::Plan { plan: Box::new(plan), seen, facts: Vec::new(), around: Vec::new(), blast: Blast::default() };
    Request {
        id: RequestId::from_uuid(Uuid::now_v7()),
        cluster,
        cluster_name: "prod".to_owned(),
        subject,
        agreement: Agreement::AnotherApprover,
        requested_by: by.to_owned(),
        requested_at: at,
        reason: "test".to_owned(),
        state: RequestState::Waiting,
    }
}
