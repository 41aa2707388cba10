//! A session begins new, and ends when it should.

use crate::app::{PASSWORD, TestApp};
use crate::client::Client;
use engine::audit::Person;
use engine::ports::UserStore;
use model::problem::ProblemCode;
use model::role::Role;
use serde_json::json;
use server::sessions::{ABSOLUTE_H, IDLE_MIN, Sessions};
use std::sync::Arc;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};

async fn ended(client: &Client) -> bool {
    match client.me().await {
        Ok(_) => false,
        Err(problem) => {
            assert_eq!(problem.code, ProblemCode::NotSignedIn);
            true
        }
    }
}

#[tokio::test]
async fn signing_in_changes_the_id_and_closes_the_old_one() {
    let app = TestApp::new().await;
    let client = app.operator().await;
    let first = client.cookie().expect("cookie");
    client.sign_in("operator", PASSWORD).await.expect("again");
    let second = client.cookie().expect("cookie");
    assert_ne!(first, second);
    let thief = app.anon();
    thief.set_cookie(&first);
    assert!(ended(&thief).await, "the id from before the sign-in still opens the door");
    // An id that somebody else chose is not taken over either.
    let planted = Id::default().to_string();
    let victim = app.anon();
    victim.set_cookie(&planted);
    victim.sign_in("operator", PASSWORD).await.expect("signed in");
    assert_ne!(victim.cookie().expect("cookie"), planted);
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server() {
    let app = TestApp::new().await;
    let client = app.operator().await;
    let cookie = client.cookie().expect("cookie");
    let other = app.anon();
    other.sign_in("operator", PASSWORD).await.expect("a second browser");
    client.call::<()>("sign_out", json!({})).await.expect("signed out");
    assert!(client.cookie().is_none(), "the browser was not told to forget the cookie");
    client.set_cookie(&cookie);
    assert!(ended(&client).await);
    assert!(!ended(&other).await, "the other browser's session has ended too");
}

#[tokio::test]
async fn disabling_an_account_ends_its_sessions() {
    let app = TestApp::new().await;
    let (operator, admin) = (app.operator().await, app.admin().await);
    let id = operator.me().await.expect("me").id;
    admin.call::<()>("disable_person", json!({ "id": id })).await.expect("disabled");
    assert!(ended(&operator).await);
    let again = app.anon().sign_in("operator", PASSWORD).await.expect_err("refused");
    assert_eq!(again.code, ProblemCode::WrongCredentials);
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it() {
    let app = TestApp::new().await;
    let client = app.operator().await;
    app.clock.advance_minutes(IDLE_MIN - 1);
    assert!(!ended(&client).await);
    app.clock.advance_minutes(IDLE_MIN - 1);
    assert!(!ended(&client).await, "the request in between did not count");
    app.clock.advance_minutes(IDLE_MIN + 1);
    assert!(ended(&client).await);
}

#[tokio::test]
async fn a_tab_that_only_looks_by_itself_does_not_keep_its_session() {
    let app = TestApp::new().await;
    let viewer = app.viewer().await;
    app.clock.advance_minutes(IDLE_MIN - 1);
    viewer.call::<app::api::Inbox>("inbox", json!({})).await.expect("it is still there");
    app.clock.advance_minutes(2);
    assert!(ended(&viewer).await);
}

#[tokio::test]
async fn a_session_ends_after_its_longest_time_however_busy_it_is() {
    let app = TestApp::new().await;
    let client = app.operator().await;
    let mut minutes = 0;
    while minutes + 25 < ABSOLUTE_H * 60 {
        app.clock.advance_minutes(25);
        minutes += 25;
        assert!(!ended(&client).await, "after {minutes} minutes");
    }
    app.clock.advance_minutes(25);
    assert!(ended(&client).await);
}

#[tokio::test]
async fn a_sign_in_is_fresh_for_some_minutes_and_the_password_renews_it() {
    let app = TestApp::new().await;
    let client = app.operator().await;
    assert!(client.me().await.expect("me").shown.password);
    app.clock.advance_minutes(6);
    assert!(!client.me().await.expect("me").shown.password);
    let wrong = client.call::<app::api::Me>("confirm_password", json!({ "password": "wrong" })).await;
    assert_eq!(wrong.expect_err("refused").code, ProblemCode::WrongCredentials);
    assert!(!client.me().await.expect("me").shown.password);
    client.call::<app::api::Me>("confirm_password", json!({ "password": PASSWORD })).await.expect("renewed");
    assert!(client.me().await.expect("me").shown.password);
    app.clock.advance_minutes(-1);
    assert!(client.me().await.expect("me").shown.password, "a clock that was corrected");
    app.clock.advance_minutes(-1);
    assert!(!client.me().await.expect("me").shown.password, "nobody knows how long ago that was");
    app.clock.advance_minutes(-59);
    assert!(ended(&client).await, "nor how old the session is");
}

#[tokio::test]
async fn a_request_that_was_under_way_does_not_bring_an_ended_session_back() {
    let app = TestApp::new().await;
    app.account("operator", Role::Operator).await;
    let sessions = Sessions::new(Arc::new(app.store.clone()), app.clock.clone());
    let user = app.store.user_by_name("operator").await.expect("account");
    let now = model::Timestamp::now();
    let account = json!({ "user": user.id, "signed_in_at": now, "fresh_at": now, "touched_at": now });
    let mut record = Record {
        id: Id::default(),
        data: [(server::sessions::ACCOUNT.to_owned(), account)].into(),
        expiry_date: time::OffsetDateTime::now_utc() + time::Duration::minutes(5),
    };
    sessions.create(&mut record).await.expect("created");
    assert!(sessions.load(&record.id).await.expect("loaded").is_some());
    app.state.accounts.disable(&Person::system(), user.id).await.expect("disabled");
    sessions.save(&record).await.expect("the answer itself is still good");
    assert!(sessions.load(&record.id).await.expect("loaded").is_none());
}
