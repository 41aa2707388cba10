//! Other sites cannot make a signed-in browser do anything.

use crate::app::{PASSWORD, TestApp};
use axum::http::StatusCode;
use engine::ports::{ClusterStore, UserStore};
use model::role::Role;
use serde_json::json;

const FOREIGN: [&[(&str, &str)]; 4] = [
    &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")],
    &[("sec-fetch-site", "same-site"), ("origin", "http://other.console.test")],
    // Browsers too old for Sec-Fetch-Site send the origin.
    &[("origin", "https://evil.test")],
    &[("origin", "null")],
];

#[tokio::test]
async fn a_post_from_another_site_is_refused_before_it_does_anything() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let before = app.store.users().await.expect("users").len();
    for headers in FOREIGN {
        for (function, input) in
            [("sign_out", json!({})), ("add_cluster", json!({ "name": "forged" })), ("me", json!({}))]
        {
            let answer = admin.post_with(function, &input, headers).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{function} with {headers:?}");
        }
    }
    assert_eq!(admin.me().await.expect("still signed in").name, "admin");
    assert!(app.store.clusters().await.expect("clusters").is_empty());
    assert_eq!(app.store.users().await.expect("users").len(), before);
}

#[tokio::test]
async fn another_site_cannot_sign_a_browser_in() {
    let app = TestApp::new().await;
    app.account("operator", Role::Operator).await;
    let client = app.anon();
    let input = json!({ "name": "operator", "password": PASSWORD });
    for headers in FOREIGN {
        let answer = client.post_with("sign_in", &input, headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(client.cookie().is_none());
    }
    // The page itself, and programs that are no browsers, are let in.
    assert_eq!(client.post_with("sign_in", &input, &[]).await.status, StatusCode::OK);
    assert_eq!(client.post("sign_in", &input).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_link_calls_no_server_function() {
    let app = TestApp::new().await;
    let operator = app.operator().await;
    for path in ["/api/sign_out", "/api/clusters", "/api/sign_in"] {
        let answer = operator.get(path).await;
        assert!(!answer.status.is_success(), "GET {path} answered {}", answer.status);
    }
    operator.me().await.expect("still signed in");
}
