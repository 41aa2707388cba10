//! The audit taken away as a file, and questions that people keep.

use crate::app::TestApp;
use crate::process::quorate;
use axum::http::StatusCode;
use engine::audit::Person;
use engine::ports::AuditStore;
use model::audit::{AuditCode, AuditFilter, ChainedEntry, Outcome, SavedFilter};
use model::problem::ProblemCode;
use serde_json::json;

/// More than are read at once, so that pages have to follow each other.
const MANY: usize = 1_203;

async fn filled(app: &TestApp) {
    for number in 0..MANY {
        let who = Person { name: format!("ops-{}", number % 2) };
        let mut entry = app.state.engine.audit.entry(AuditCode::PlanProposed, &who, Outcome::Success);
        entry.reason = Some(format!("=1+1, \"{number}\"\nnext line"));
        app.state.engine.audit.write(entry).await.expect("written");
    }
}

#[tokio::test]
async fn exactly_what_is_filtered_is_exported_and_that_is_written_down() {
    let app = TestApp::new().await;
    let viewer = app.viewer().await;
    filled(&app).await;
    let answer = viewer.get("/audit/export?format=jsonl&who=ops-1&code=plan_proposed").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert!(answer.header("content-disposition").is_some_and(|value| value.contains("quorate-audit.jsonl")));
    let entries: Vec<ChainedEntry> =
        answer.text().lines().map(|line| serde_json::from_str(line).expect("an entry")).collect();
    assert_eq!(entries.len(), MANY / 2);
    assert!(entries.iter().all(|one| one.entry.who == "ops-1"));
    assert!(entries.windows(2).all(|pair| pair[0].index > pair[1].index), "newest first, none twice");

    let answer = viewer.get("/audit/export?format=csv").await;
    let mut reader = csv::Reader::from_reader(answer.body.as_ref());
    assert_eq!(reader.headers().expect("a head").iter().collect::<Vec<_>>(), server::audit_export::COLUMNS);
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("readable");
    let before = app.store.entries().await.expect("counted") - 1;
    assert_eq!(rows.len() as u64, before, "all there were when it began, and not the note of the export itself");
    let reasons = rows.iter().filter(|row| row[14].starts_with("'=1+1, \"")).count();
    assert_eq!(reasons, MANY, "what would run in a spreadsheet is disarmed");

    let exported = AuditFilter { code: Some(AuditCode::AuditExported), ..AuditFilter::default() };
    let noted = app.store.find(&exported, 9).await.expect("found").entries;
    assert_eq!(noted.len(), 2);
    assert_eq!((noted[1].entry.who.as_str(), &noted[1].entry.details["format"][..]), ("viewer", "jsonl"));
    assert!(noted[1].entry.details["filter"].contains("ops-1"));
}

#[tokio::test]
async fn nobody_without_a_session_or_with_a_slip_takes_anything_away() {
    let app = TestApp::new().await;
    assert_eq!(app.anon().get("/audit/export?format=csv").await.status, StatusCode::UNAUTHORIZED);
    let viewer = app.viewer().await;
    assert_eq!(viewer.get("/audit/export?format=pdf").await.status, StatusCode::BAD_REQUEST);
    for asked in ["code=expected", "from=01.11.2026", "form=2026-11-01", "who=anna&who=bert"] {
        let refused = viewer.get(&format!("/audit/export?format=csv&{asked}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{asked}");
        assert!(refused.text().starts_with(&asked[..3]), "{asked}: {}", refused.text());
    }
    let none = AuditFilter { code: Some(AuditCode::AuditExported), ..AuditFilter::default() };
    assert_eq!(app.store.find(&none, 9).await.expect("found").total, 0);
}

#[tokio::test]
async fn the_command_exports_the_same() {
    let folder = tempfile::tempdir().expect("folder");
    let house = server::serve::open(folder.path()).await.expect("opened");
    for who in ["anna", "bert"] {
        let entry = house.engine.audit.entry(AuditCode::SignedIn, &Person { name: who.into() }, Outcome::Success);
        house.engine.audit.write(entry).await.expect("written");
    }
    house.store.close().await;
    let export = async |args: &[&str]| {
        let mut command = quorate();
        command.args(["audit", "--data"]).arg(folder.path()).arg("export").args(args);
        command.output().await.expect("it runs")
    };
    let output = export(&["--filter", "who=bert"]).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let entries: Vec<ChainedEntry> = text.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect();
    assert_eq!(entries.iter().map(|one| one.entry.who.as_str()).collect::<Vec<_>>(), ["bert"]);
    let bad = export(&["--filter", "bert"]).await;
    assert!(!bad.status.success() && String::from_utf8_lossy(&bad.stderr).contains("NAME=VALUE"));
    for (filter, words) in [
        ("code=expected", "code=expected is not understood"),
        ("from=01.11.2026", "a day such as 2026-11-01"),
        ("who=bert&form=2026-11-01", "form is no part of a filter"),
    ] {
        let bad = export(&["--filter", filter]).await;
        let said = String::from_utf8_lossy(&bad.stderr).into_owned();
        assert_eq!(bad.status.code(), Some(1), "{said}");
        assert!(bad.stdout.is_empty() && said.contains(words), "{said}");
    }
}

#[tokio::test]
async fn questions_belong_to_the_person_who_keeps_them() {
    let app = TestApp::new().await;
    let (viewer, operator) = (app.viewer().await, app.operator().await);
    let keep = |name: &str, query: &str| json!({ "name": name, "query": query });
    viewer.call::<()>("save_filter", keep(" night shift ", "who=ops-1")).await.expect("kept");
    viewer.call::<()>("save_filter", keep("night shift", "who=ops-2")).await.expect("replaced");
    let kept: Vec<SavedFilter> = viewer.call("saved_filters", json!({})).await.expect("read");
    assert_eq!(kept, [SavedFilter { name: "night shift".into(), query: "who=ops-2".into() }]);
    assert!(operator.call::<Vec<SavedFilter>>("saved_filters", json!({})).await.expect("read").is_empty());
    for name in ["  ".to_owned(), "x".repeat(61)] {
        let refused = viewer.call::<()>("save_filter", keep(&name, "who=ops-1")).await.expect_err("refused");
        assert_eq!(refused.code, ProblemCode::FilterName);
    }
    for number in 1..50 {
        viewer.call::<()>("save_filter", keep(&number.to_string(), "risk=destructive")).await.expect("kept");
    }
    let refused = viewer.call::<()>("save_filter", keep("one more", "who=ops-1")).await.expect_err("full");
    assert_eq!(refused.code, ProblemCode::FiltersFull);
    viewer.call::<()>("drop_filter", json!({ "name": "night shift" })).await.expect("forgotten");
    viewer.call::<()>("save_filter", keep("one more", "who=ops-1")).await.expect("there is room again");
}
