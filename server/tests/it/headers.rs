//! The headers that no answer may miss.

use crate::app::TestApp;
use crate::client::Answer;
use axum::http::StatusCode;
use serde_json::json;

const ALWAYS: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

fn protected(what: &str, answer: &Answer) {
    for (name, value) in ALWAYS {
        assert_eq!(answer.header(name), Some(value), "{what} ({})", answer.status);
    }
}

#[tokio::test]
async fn every_kind_of_answer_is_protected_and_never_kept() {
    let app = TestApp::new().await;
    let client = app.viewer().await;
    let forged = [("sec-fetch-site", "cross-site")];
    let answers = [
        ("page", client.get("/").await),
        ("unknown page", client.get("/no/such/page").await),
        ("answer", client.post("me", &json!({})).await),
        ("refusal", app.anon().post("me", &json!({})).await),
        ("unknown function", client.post("no_such_function", &json!({})).await),
        ("broken input", client.post("sign_in", &json!([1])).await),
        ("forged", client.post_with("me", &json!({}), &forged).await),
        ("stream refused", app.anon().get("/live/clusters/00000000-0000-0000-0000-000000000000").await),
        ("no id", client.get("/live/clusters/none").await),
        ("health", client.get("/health").await),
        ("missing file", client.get("/pkg/0/none").await),
    ];
    for (what, answer) in &answers {
        protected(what, answer);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
    }
}

#[tokio::test]
async fn files_of_the_site_are_protected_and_asked_for_once() {
    let app = TestApp::new().await;
    let client = app.anon();
    let address = format!("/{}/quorate.js", server::site::folder());
    let answer = client.get(&address).await;
    protected("file", &answer);
    if server::site::is_there() {
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(answer.header("content-type"), Some("text/javascript; charset=utf-8"));
        let tag = answer.header("etag").expect("a tag").to_owned();
        let request = client.request(axum::http::Method::GET, &address).header("if-none-match", tag);
        let again = client.send(request.body(axum::body::Body::empty()).expect("request")).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED);
        let other = client.get("/pkg/0123456789abcdef/quorate.js").await;
        assert_eq!(other.status, StatusCode::NOT_FOUND, "a file of another version");
    } else {
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_request_that_is_too_long_is_refused() {
    let app = TestApp::new().await;
    let name = "x".repeat(300 * 1024);
    let answer = app.anon().post("sign_in", &json!({ "name": name, "password": "" })).await;
    assert!(!answer.status.is_success(), "{}", answer.status);
    protected("too long", &answer);
}

#[tokio::test]
async fn health_says_that_the_store_answers() {
    let app = TestApp::new().await;
    let answer = app.anon().get("/health").await;
    assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, r#"{"status":"ok"}"#));
    app.store.close().await;
    let answer = app.anon().get("/health").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
}
