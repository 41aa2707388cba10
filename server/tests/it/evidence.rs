//! The raw answer behind a fact, and the words where there is none.

use crate::app::TestApp;
use crate::world::World;
use app::api::{ClusterView, FactSource};
use engine::limits::EVIDENCE_QUEUE_MAX;
use engine::ports::{ApprovalStore, Clock, EvidenceStore};
use model::Timestamp;
use model::approval::RequestEvent;
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::observation::{Evidence, EvidenceLine};
use model::problem::{Problem, ProblemCode};
use model::reading::{Behind, ReadingCode};
use model::role::Role;
use serde_json::json;

const PRINTED: &str = "Quorum information\n------------------\nNodes:            1\nNode ID:          1\nRing ID:          1.11\n\
    Quorate:          No\n\nVotequorum information\n----------------------\nExpected votes:   3\nHighest expected: 3\n\
    Total votes:      1\nQuorum:           2 Activity blocked\nFlags:            \n\nMembership information\n\
    ----------------------\n    Nodeid      Votes Name\n         1          1 pve1 (local)";

fn seen(at: Timestamp) -> Evidence {
    let line = |text: &str| EvidenceLine { text: text.to_owned(), guilty: false };
    Evidence {
        node: "pve1".into(),
        command: pve::quorumtool::status().display(),
        exit: Some(2),
        at,
        millis: 40,
        lines: PRINTED.lines().map(line).collect(),
        cut: false,
    }
}

async fn behind(app: &TestApp, world: &World, evidence: &Evidence, at: Timestamp) -> Result<Behind, Problem> {
    let source = json!({ "node": evidence.node, "command": evidence.command, "at": at });
    app.viewer().await.call("evidence_behind", json!({ "cluster": world.cluster, "source": source })).await
}

#[tokio::test]
async fn a_fact_leads_to_what_the_node_printed_and_what_was_made_of_it() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let evidence = seen(app.clock.now());
    // Not on disk yet, as for a fact that has just come onto the screen.
    app.state.engine.evidence.keep(world.cluster, evidence.clone());
    let asked = engine::evidence::asked(evidence.at, evidence.millis);
    let found = behind(&app, &world, &evidence, asked).await.expect("kept");
    let micros = |at: Timestamp| at.as_microsecond();
    assert_eq!((found.evidence.lines.len(), found.evidence.exit, found.evidence.millis), (19, Some(2), 40));
    assert_eq!((micros(found.evidence.at), found.times), (micros(evidence.at), 1));
    let codes: Vec<ReadingCode> = found.readings.iter().map(|reading| reading.code).collect();
    assert_eq!(codes, [ReadingCode::NotQuorate, ReadingCode::Ring]);
    assert_eq!(found.readings[1].params["members"], "pve1");
}

#[tokio::test]
async fn evidence_that_is_not_there_says_why() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let evidence = seen(app.clock.now());
    app.store.keep_all(&[(world.cluster, evidence.clone())]).await.expect("kept");
    let code = async |at| behind(&app, &world, &evidence, at).await.map_err(|problem| problem.code);
    assert!(code(evidence.at).await.is_ok());
    let hour = jiff::Span::new().hours(1);
    assert_eq!(code(evidence.at.checked_add(hour).expect("time")).await, Err(ProblemCode::EvidenceUnknown));
    app.clock.advance_minutes(15 * 24 * 60);
    app.store.expire(app.clock.now()).await.expect("expired");
    let gone = behind(&app, &world, &evidence, evidence.at).await.expect_err("removed by its age");
    assert_eq!((gone.code, gone.params["days"].as_str()), (ProblemCode::EvidenceExpired, "14"));
}

#[tokio::test]
async fn what_an_approval_rests_on_is_kept_with_it_and_can_be_opened() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let evidence = seen(app.clock.now());
    app.store.keep_all(&[(world.cluster, evidence.clone())]).await.expect("kept");
    let relied = async || -> Vec<FactSource> {
        app.viewer().await.call("relied_on", json!({ "request": world.request })).await.expect("relied on")
    };
    assert!(relied().await.is_empty(), "it was asked for before");
    app.account("paul", Role::Approver).await;
    let request = app.store.request(world.request).await.expect("request");
    let event = RequestEvent::Approve { seen: request.subject.seen().clone(), comment: String::new() };
    let now = app.clock.now();
    let entry = AuditEntry::new(now, AuditCode::ApprovalGiven, "paul".to_owned(), Outcome::Success);
    app.store.decide(request.id, "paul", &event, now, entry).await.expect("approved");
    app.clock.advance_minutes(15 * 24 * 60);
    app.store.expire(app.clock.now()).await.expect("expired");
    let sources = relied().await;
    let [source] = &sources[..] else { panic!("one answer: {sources:?}") };
    assert_eq!((source.node.as_str(), &source.command), ("pve1", &evidence.command));
    let found = behind(&app, &world, &evidence, source.at).await.expect("it outlives its time");
    assert_eq!((found.request, found.evidence.lines), (Some(request.id), evidence.lines));
}

#[tokio::test]
async fn answers_that_were_dropped_are_told_on_the_page_of_their_cluster_alone() {
    const TOO_MANY: usize = 7;
    let app = TestApp::new().await;
    let (world, other) = (World::make(&app).await, World::make(&app).await);
    let first = app.clock.now();
    // Nothing is awaited in between, so nothing reaches the disk.
    for number in 0..EVIDENCE_QUEUE_MAX + TOO_MANY {
        let at = first + jiff::SignedDuration::from_secs(i64::try_from(number).expect("a number"));
        app.state.engine.evidence.keep(world.cluster, seen(at));
    }
    let view =
        async |id| -> ClusterView { app.viewer().await.call("cluster", json!({ "id": id })).await.expect("a cluster") };
    let gap = view(world.cluster).await.gap.expect("some were dropped");
    assert_eq!((gap.answers, gap.since), (u64::try_from(TOO_MANY).expect("a number"), first));
    assert_eq!(view(other.cluster).await.gap, None);
    let missing = behind(&app, &world, &seen(first), first).await.expect_err("dropped");
    assert_eq!(missing.code, ProblemCode::EvidenceDropped);
}
