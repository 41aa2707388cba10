//! Signing in: what it tells, how often it may be tried, and what the browser gets.

use crate::app::{PASSWORD, TestApp};
use crate::client::Client;
use axum::http::StatusCode;
use futures::future::join_all;
use model::audit::AuditPage;
use model::problem::{Problem, ProblemCode};
use model::role::Role;
use serde_json::json;
use server::proxy::behind;
use std::collections::BTreeSet;

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_look_the_same() {
    let app = TestApp::new().await;
    app.account("operator", Role::Operator).await;
    app.account("gone", Role::Operator).await;
    let gone = engine::ports::UserStore::user_by_name(&app.store, "gone").await.expect("account");
    app.state.accounts.disable(&engine::audit::Person::system(), gone.id).await.expect("disabled");
    let client = app.anon();
    let mut answers = Vec::new();
    for (name, password) in [("operator", "wrong password"), ("nobody", PASSWORD), ("gone", PASSWORD), ("operator", "")]
    {
        let answer = client.post("sign_in", &json!({ "name": name, "password": password })).await;
        assert!(!answer.status.is_success() && client.cookie().is_none());
        answers.push((answer.status, answer.text()));
    }
    assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
    assert!(answers[0].1.contains(ProblemCode::WrongCredentials.as_str()));
}

#[tokio::test]
async fn a_refused_sign_in_stands_under_the_one_name_of_the_account() {
    let app = TestApp::new().await;
    app.clock.stop();
    app.account("operator", Role::Operator).await;
    for name in ["operator", "Operator", " OPERATOR ", "operator", "oPerator", "Nobody"] {
        app.anon().sign_in(name, "wrong password").await.expect_err("refused");
    }
    let reader = app.viewer().await;
    let page: AuditPage =
        reader.call("audit", json!({ "filter": { "code": "sign_in_refused" }, "again": false })).await.expect("audit");
    let whos: Vec<_> = page.entries.iter().map(|one| one.entry.who.as_str()).collect();
    assert_eq!(whos, ["unknown", "operator", "operator", "operator", "operator", "operator"]);
    let locked = &page.entries[1].entry.details["why"];
    assert_eq!(locked, "locked", "the one that had to wait, too");
}

#[tokio::test]
async fn a_name_that_nobody_has_waits_as_an_account_does() {
    let app = TestApp::new().await;
    app.account("operator", Role::Operator).await;
    let mut told = Vec::new();
    for name in ["operator", "nobody"] {
        let mut answers = Vec::new();
        for pause_s in [0, 0, 0, 0, 0, 6, 0, 6, 6] {
            app.clock.advance_seconds(pause_s);
            let refused = app.anon().sign_in(name, "wrong password").await.expect_err("refused");
            answers.push(refused.code);
        }
        told.push(answers);
    }
    assert_eq!(told[0], told[1]);
    assert!(told[0].contains(&ProblemCode::TooManyAttempts), "{told:?}");
}

#[tokio::test]
async fn an_account_waits_longer_after_every_failure() {
    let app = TestApp::new().await;
    app.account("operator", Role::Operator).await;
    for _ in 0..4 {
        let refused = app.anon().sign_in("operator", "wrong password").await.expect_err("refused");
        assert_eq!(refused.code, ProblemCode::WrongCredentials);
    }
    let waiting = app.anon().sign_in("operator", PASSWORD).await.expect_err("has to wait");
    assert_eq!(waiting.code, ProblemCode::TooManyAttempts);
    assert!(waiting.params.contains_key("seconds"), "{waiting:?}");
    app.clock.advance_seconds(6);
    app.anon().sign_in("operator", "wrong password").await.expect_err("refused");
    app.clock.advance_seconds(6);
    let waiting = app.anon().sign_in("operator", PASSWORD).await.expect_err("waits twice as long now");
    assert_eq!(waiting.code, ProblemCode::TooManyAttempts);
    app.clock.advance_seconds(6);
    app.anon().sign_in("operator", PASSWORD).await.expect("the wait is over");
    app.anon().sign_in("operator", "wrong password").await.expect_err("refused");
    app.anon().sign_in("operator", PASSWORD).await.expect("a success starts the count anew");
}

#[tokio::test]
async fn of_many_passwords_at_once_four_are_looked_at() {
    let app = TestApp::new().await;
    app.clock.stop();
    app.account("operator", Role::Operator).await;
    for name in ["operator", "nobody"] {
        let clients: Vec<_> = (0..16).map(|_| app.anon()).collect();
        let tries = clients.iter().map(|client| client.sign_in(name, "wrong password"));
        let codes: Vec<_> = join_all(tries).await.into_iter().map(|one| one.expect_err("refused").code).collect();
        let wrong = codes.iter().filter(|code| **code == ProblemCode::WrongCredentials).count();
        assert_eq!(wrong, 4, "{name}: {codes:?}");
        let waiting = app.anon().sign_in(name, PASSWORD).await.expect_err("has to wait");
        assert_eq!(waiting.code, ProblemCode::TooManyAttempts);
    }
}

#[tokio::test]
async fn one_address_cannot_try_without_end() {
    let app = TestApp::new().await;
    let attacker = app.anon();
    let tries = join_all((0..14).map(|number| {
        let input = json!({ "name": format!("user{number}"), "password": "guess" });
        let attacker = &attacker;
        async move { attacker.post("sign_in", &input).await }
    }))
    .await;
    let (limited, looked_at): (Vec<_>, Vec<_>) =
        tries.iter().partition(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS);
    assert!((1..=4).contains(&limited.len()), "{} were looked at", looked_at.len());
    for answer in limited {
        let told: Problem = app::api::read(&answer.text()).expect("words for the page");
        let seconds: u64 = told.params["seconds"].parse().expect("a number");
        assert_eq!(answer.header("retry-after"), Some(told.params["seconds"].as_str()));
        assert!(told.code == ProblemCode::TooManyAttempts && (1..=30).contains(&seconds), "{told:?}");
    }
    for function in ["accept_invite", "confirm_password"] {
        let input = json!({ "token": "x", "name": "y", "password": "z" });
        let statuses: Vec<_> = join_all((0..14).map(|_| attacker.post(function, &input))).await;
        let limited = statuses.iter().any(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS);
        assert!(limited, "{function} may be tried without end");
    }
    // Others, and everything that takes no password, go on.
    assert_ne!(attacker.post("me", &json!({})).await.status, StatusCode::TOO_MANY_REQUESTS);
    app.operator().await;
}

/// Fourteen tries of one browser at once; then whether another one is limited too.
async fn others_are_limited(client: &Client, attacker: &str, other: &str) -> bool {
    let posting = async |from: &str| {
        let headers = [("sec-fetch-site", "same-origin"), ("origin", "http://console.test"), ("x-forwarded-for", from)];
        let input = json!({ "name": "nobody", "password": "guess" });
        client.post_with("sign_in", &input, &headers).await.status
    };
    let tries = join_all((0..14).map(|_| posting(attacker))).await;
    assert!(tries.contains(&StatusCode::TOO_MANY_REQUESTS), "{tries:?}");
    posting(other).await == StatusCode::TOO_MANY_REQUESTS
}

#[tokio::test]
async fn behind_its_proxy_each_browser_has_its_own_address_and_nobody_else_is_believed() {
    let app = TestApp::new().await;
    // What stands before the proxy's own word may be made up.
    let (attacker, other) = ("192.0.2.200, 203.0.113.9", "203.0.113.9, 192.0.2.7");
    let all = [
        (Some("nginx"), 201, false),
        (Some("127.9.0.202"), 202, false),
        (Some("127.9.0.202"), 203, true),
        (None, 204, true),
    ];
    for (proxy, peer, limited) in all {
        let client = Client::new(behind(app.router(), proxy), peer);
        assert_eq!(others_are_limited(&client, attacker, other).await, limited, "{proxy:?} for {peer}");
    }
    let reader = app.viewer().await;
    let page: AuditPage =
        reader.call("audit", json!({ "filter": { "code": "sign_in_refused" }, "again": false })).await.expect("audit");
    let from: BTreeSet<_> = page.entries.iter().map(|one| one.entry.details["from"].as_str()).collect();
    assert_eq!(from, ["127.9.0.203", "127.9.0.204", "192.0.2.7", "203.0.113.9"].into());
}

#[tokio::test]
async fn the_cookie_is_for_this_site_and_no_script() {
    for (app, secure) in [(TestApp::new().await, false), (TestApp::secure().await, true)] {
        app.account("operator", Role::Operator).await;
        let answer = app.anon().post("sign_in", &json!({ "name": "operator", "password": PASSWORD })).await;
        let cookie = answer.header("set-cookie").expect("a cookie");
        assert!(cookie.starts_with("quorate_session="), "{cookie}");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        assert!(cookie.contains("Path=/") && !cookie.contains("Domain="), "{cookie}");
        assert_eq!(cookie.contains("Secure"), secure, "{cookie}");
    }
}

#[tokio::test]
async fn an_answer_never_carries_a_hash_or_the_password() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    for (function, input) in
        [("me", json!({})), ("people", json!({})), ("audit", json!({ "filter": {}, "again": false }))]
    {
        let text = admin.post(function, &input).await.text();
        assert!(text.contains("admin"), "{function} answered nothing: {text}");
        assert!(!text.contains("argon2") && !text.contains(PASSWORD), "{function}: {text}");
    }
}
