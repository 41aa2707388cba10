//! The page of a request: what is not known is not shown as known, and what was so when it was asked is not shown as of now.

use crate::app::TestApp;
use crate::client::Client;
use crate::pages::pages;
use crate::world::World;
use axum::http::StatusCode;
use engine::ports::{ApprovalStore as _, Clock as _, ClusterStore as _};
use model::approval::{Blast, FactLine, Request, RequestState, Seen, Subject, facts_digest, material};
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::ids::RequestId;
use model::plan::Intent;
use model::planner::PlanWorld;
use uuid::Uuid;

const SAME: &str = "nothing changed since it was asked";

/// What the page of a request says, without the data that it carries along.
async fn said(app: &TestApp, request: RequestId) -> String {
    let operator = app.operator().await;
    let client = Client::new(pages(app), 210);
    client.set_cookie(&operator.cookie().expect("cookie"));
    let answer = client.get(&format!("/approvals/{request}")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let text = answer.text();
    let main = text.split("<main").nth(1).and_then(|rest| rest.split("</main>").next());
    main.unwrap_or_else(|| panic!("no page: {text}")).to_owned()
}

fn entry(app: &TestApp, code: AuditCode) -> AuditEntry {
    AuditEntry::new(app.clock.now(), code, "admin".into(), Outcome::Success)
}

/// A request for a join whose facts were all known when it was asked for; nobody watches its cluster.
async fn asked_when_all_was_known(app: &TestApp, world: &World) -> RequestId {
    let store = &app.store;
    let other = store.request(world.request).await.expect("a request");
    let cluster = store.cluster(world.cluster).await.expect("the cluster");
    let nodes = store.nodes(world.cluster).await.expect("its machine");
    let intent = Intent::JoinNodes { joiners: vec![world.node], member: world.node, links: Vec::new() };
    let blind = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: None, look: None };
    let known = |line: FactLine| FactLine { value: Some("7".into()), ..line };
    let facts: Vec<FactLine> = material(&intent, &blind, None).into_iter().map(known).collect();
    let Subject::Plan { mut plan, around, .. } = other.subject else { panic!("a plan") };
    plan.intent = intent;
    let seen = Seen { digest: plan.digest().expect("digest"), facts: facts_digest(&facts).expect("digest") };
    let blast = Blast { votes_now: Some(7), quorum_now: Some(4), ..Blast::default() };
    let request = Request {
        id: RequestId::from_uuid(Uuid::now_v7()),
        subject: Subject::Plan { plan, seen, facts, around, blast },
        state: RequestState::Waiting,
        ..other
    };
    store.add_request(&request, entry(app, AuditCode::ApprovalRequested)).await.expect("asked");
    request.id
}

#[tokio::test]
async fn where_the_console_sees_nothing_nothing_is_said_to_have_changed() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let request = asked_when_all_was_known(&app, &world).await;
    let page = said(&app, request).await;
    assert!(page.contains("cannot tell: ") && page.contains("not known now"), "{page}");
    assert!(!page.contains(SAME) && !page.contains("fact-changed"), "{page}");
    // The votes of then stand under that heading alone.
    assert_eq!(page.matches("votes 7, quorum 4").count(), 1, "{page}");
    let (then, now) = page.split_once("votes 7, quorum 4").expect("what it did then");
    assert!(then.contains("When asked") && now.contains("<h3>") && now.contains("not known"), "{page}");
}

#[tokio::test]
async fn of_a_cluster_that_is_gone_nothing_is_said_to_be_as_it_was() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    assert!(said(&app, world.request).await.contains(SAME), "there is nothing that it rests on");
    app.store.forget_cluster(world.cluster, entry(&app, AuditCode::ClusterForgotten)).await.expect("forgotten");
    let page = said(&app, world.request).await;
    assert!(page.contains("The console does not have this cluster any more"), "{page}");
    assert!(!page.contains(SAME), "{page}");
}
