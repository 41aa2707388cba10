//! The audit taken away as a file, and questions that people keep.

use crate::app::TestApp;
use crate::process::quorate;
use axum::http::StatusCode;
use engine::audit::Person;
use engine::ports::AuditStore;
use model::audit::{AuditCode, AuditFilter, AuditPage, ChainedEntry, Outcome, SavedFilter};
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
    for asked in [
        "code=expected",
        "from=01.11.2026",
        "form=2026-11-01",
        "who=anna&who=bert",
        "words=a+b+c+d+e+f+g+h+i",
        "output=quorum",
        "output=quorum&from=2026-11-01",
        "output=a+b+c+d+e+f+g+h+i&from=2026-11-01&until=2026-11-02",
    ] {
        let refused = viewer.get(&format!("/audit/export?format=csv&{asked}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{asked}");
        assert!(refused.text().starts_with(&asked[..3]), "{asked}: {}", refused.text());
    }
    let none = AuditFilter { code: Some(AuditCode::AuditExported), ..AuditFilter::default() };
    assert_eq!(app.store.find(&none, 9).await.expect("found").total, 0);
}

/// An entry of that time, with what its command printed.
async fn printed(audit: &engine::audit::Recorder, at: &str, output: &str) {
    let mut entry = audit.entry(AuditCode::CommandFinished, &Person { name: "bert".into() }, Outcome::Success);
    entry.at = at.parse().expect("a time");
    entry.output = Some(output.to_owned());
    audit.write(entry).await.expect("written");
}

#[tokio::test]
async fn what_commands_printed_is_exported_as_the_page_shows_it() {
    let app = TestApp::new().await;
    let viewer = app.viewer().await;
    for (at, output) in [
        ("2025-11-21T23:59:59.999Z", "Quorate: No"),
        ("2025-11-22T00:00:00Z", "Quorate:   No"),
        ("2025-11-22T12:00:00Z", "Quorate: Yes"),
        ("2025-11-22T23:59:59.999Z", "QUORATE: NO"),
        ("2025-11-23T00:00:00Z", "Quorate: No"),
    ] {
        printed(&app.state.engine.audit, at, output).await;
    }
    let asked = "output=%22quorate:+no%22&from=2025-11-22&until=2025-11-22";
    let answer = viewer.get(&format!("/audit/export?format=jsonl&{asked}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let entries: Vec<ChainedEntry> =
        answer.text().lines().map(|line| serde_json::from_str(line).expect("an entry")).collect();
    let outputs: Vec<&str> = entries.iter().map(|one| one.entry.output.as_deref().unwrap_or_default()).collect();
    assert_eq!(outputs, ["QUORATE: NO", "Quorate:   No"], "all of the day, its last second too, and no other");
    let answer = viewer.get(&format!("/audit/export?format=csv&{asked}")).await;
    let mut reader = csv::Reader::from_reader(answer.body.as_ref());
    let rows: Vec<String> = reader.records().map(|row| row.expect("readable")[0].to_owned()).collect();
    assert_eq!(rows, entries.iter().map(|one| one.index.to_string()).collect::<Vec<_>>());

    let find = async |filter: serde_json::Value| {
        viewer.call::<AuditPage>("audit", json!({ "filter": filter, "again": false })).await
    };
    let (from, until) = ("2025-11-22T00:00:00Z", "2025-11-23T00:00:00Z");
    let page = find(json!({ "output": "\"quorate: no\"", "from": from, "until": until })).await.expect("found");
    assert_eq!((page.entries, page.cut), (entries, false));
    let endless = find(json!({ "output": "quorate", "from": from })).await.expect_err("refused");
    assert_eq!(endless.code, ProblemCode::FilterPeriod);
    let wordy = find(json!({ "words": "a b c d e f g h i" })).await.expect_err("refused");
    assert_eq!((wordy.code, wordy.params["max"].as_str()), (ProblemCode::FilterWords, "8"));
}

#[tokio::test]
async fn the_command_exports_the_same() {
    let folder = tempfile::tempdir().expect("folder");
    let house = server::serve::open(folder.path()).await.expect("opened");
    for who in ["anna", "bert"] {
        let entry = house.engine.audit.entry(AuditCode::SignedIn, &Person { name: who.into() }, Outcome::Success);
        house.engine.audit.write(entry).await.expect("written");
    }
    printed(&house.engine.audit, "2025-11-22T12:00:00Z", "Lost\nquorum").await;
    house.store.close().await;
    let export = async |args: &[&str]| {
        let mut command = quorate();
        command.args(["audit", "--data"]).arg(folder.path()).arg("export").args(args);
        command.output().await.expect("it runs")
    };
    let output = export(&["--filter", "output=\"lost quorum\"&from=2025-11-22&until=2025-11-22"]).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.lines().count() == 1 && text.contains("Lost\\nquorum"), "{text}");
    let output = export(&["--filter", "who=bert&code=signed_in"]).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let entries: Vec<ChainedEntry> = text.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect();
    assert_eq!(entries.iter().map(|one| one.entry.who.as_str()).collect::<Vec<_>>(), ["bert"]);
    let bad = export(&["--filter", "bert"]).await;
    assert!(!bad.status.success() && String::from_utf8_lossy(&bad.stderr).contains("NAME=VALUE"));
    for (filter, words) in [
        ("code=expected", "code=expected is not understood"),
        ("from=01.11.2026", "a day such as 2026-11-01"),
        ("who=bert&form=2026-11-01", "form is no part of a filter"),
        ("words=a b c d e f g h i", "words are 8 at most"),
        ("output=quorum&until=2026-11-01", "output is looked for within a period alone"),
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
