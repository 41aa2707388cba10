//! Files that leave the console: who gets them, and what they are.

use crate::app::TestApp;
use crate::world::World;
use axum::http::StatusCode;
use engine::ports::{Clock, DraftStore, PinStore};
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::host_key::{HostKey, Pin};
use model::preflight::Verdict;
use model::verify::{Verification, VerifyCell, VerifyCode, VerifyRow};
use serde_json::json;

fn plan_address(world: &World) -> String {
    let wish = json!({ "wish": "withdraw", "leave": [] }).to_string();
    let wish: String = wish.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("/export/clusters/{}/plan?wish={wish}&digest=0&language=en", world.cluster)
}

fn verification_address(world: &World, format: &str) -> String {
    format!("/export/clusters/{}/verification?format={format}&language=fr", world.cluster)
}

fn report(app: &TestApp) -> Verification {
    let cell = |what: &VerifyCode| VerifyCell {
        what: *what,
        verdict: Verdict::Pass,
        brief: None,
        disagreements: Vec::new(),
        evidence: Vec::new(),
    };
    let row = VerifyRow { node: "pve1".to_owned(), cells: VerifyCode::ALL.iter().map(cell).collect() };
    Verification { at: app.state.engine.clock.now(), rows: vec![row], agreed: true }
}

#[tokio::test]
async fn without_a_session_no_file_is_handed_out() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let operation = format!("/export/operations/{}", world.operation);
    for address in [plan_address(&world), verification_address(&world, "json"), operation] {
        let answer = app.anon().get(&address).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{address}");
        assert!(!answer.text().contains("#!/bin/sh"), "{address}");
    }
}

#[tokio::test]
async fn a_viewer_gets_what_was_run_and_not_what_might_be() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let viewer = app.viewer().await;
    assert_eq!(viewer.get(&plan_address(&world)).await.status, StatusCode::FORBIDDEN);
    let script = viewer.get(&format!("/export/operations/{}?language=en", world.operation)).await;
    assert_eq!(script.status, StatusCode::OK, "{}", script.text());
    assert!(script.text().starts_with("#!/bin/sh\n# "), "{}", script.text());
    let named = script.header("content-disposition").expect("a name");
    assert!(named.starts_with("attachment; filename=\"quorate-install_key-") && named.ends_with(".sh\""), "{named}");
    let unknown = format!("/export/operations/{}", uuid::Uuid::nil());
    assert_eq!(viewer.get(&unknown).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_plan_is_handed_out_as_it_was_seen_or_not_at_all() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let admin = app.admin().await;
    // A machine whose key was never confirmed is none that the console could leave.
    let key = HostKey { algorithm: "ssh-ed25519".into(), base64: "AAAA".into(), fingerprint: "SHA256:AAAA".into() };
    let pin = Pin { key, pinned_at: app.clock.now(), pinned_by: "admin".into() };
    let entry = AuditEntry::new(app.clock.now(), AuditCode::HostKeyPinned, "admin".into(), Outcome::Success);
    app.store.pin(world.node, &pin, entry).await.expect("pinned");
    let moved = admin.get(&plan_address(&world)).await;
    assert_eq!((moved.status, moved.text().as_str()), (StatusCode::CONFLICT, "plan_changed\n"));
    let garbage = format!("/export/clusters/{}/plan?wish=x&digest=0", world.cluster);
    assert_eq!(admin.get(&garbage).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_newest_verification_is_a_document_in_the_readers_language() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let viewer = app.viewer().await;
    let address = |format| verification_address(&world, format);
    assert_eq!(viewer.get(&address("json")).await.status, StatusCode::NOT_FOUND, "nobody has asked the nodes yet");
    let report = report(&app);
    app.state.engine.hub.set_verification(world.cluster, report.clone());
    let document = viewer.get(&address("markdown")).await;
    assert_eq!(
        (document.status, document.header("content-type")),
        (StatusCode::OK, Some("text/markdown; charset=utf-8"))
    );
    assert!(document.text().contains("# Vérification de"), "{}", document.text());
    let data = viewer.get(&address("json")).await;
    assert_eq!(serde_json::from_slice::<Verification>(&data.body).expect("the report"), report);
}

#[tokio::test]
async fn the_report_is_to_be_had_after_a_restart_too() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let viewer = app.viewer().await;
    let report = report(&app);
    // Nothing in memory, as after a start: only what was written down is there.
    app.store.keep_verification(world.cluster, "admin", &report).await.expect("kept");
    let data = viewer.get(&verification_address(&world, "json")).await;
    assert_eq!(serde_json::from_slice::<Verification>(&data.body).expect("the report"), report);
    let page: serde_json::Value = viewer.call("wizard", json!({ "cluster": world.cluster })).await.expect("the wizard");
    assert!(page["report_at"].is_string(), "{page}");

    // An older one that comes late does not take its place.
    let older = Verification { at: report.at - std::time::Duration::from_secs(60), rows: Vec::new(), agreed: false };
    app.store.keep_verification(world.cluster, "admin", &older).await.expect("kept");
    assert_eq!(app.store.verification(world.cluster).await.expect("read"), Some(report));
}
