//! Invitations: one use, one role, half an hour.

use crate::app::{PASSWORD, TestApp};
use crate::client::Client;
use app::api::{Invite, Me};
use engine::audit::Person;
use engine::ports::UserStore;
use model::problem::{Problem, ProblemCode};
use model::role::Role;
use serde_json::json;

async fn invite(app: &TestApp, role: Role, name: Option<&str>) -> String {
    app.state.accounts.invite(&Person::system(), role, name).await.expect("invitation").to_string()
}

async fn accept(client: &Client, token: &str, name: &str, password: &str) -> Result<Me, Problem> {
    client.call("accept_invite", json!({ "token": token, "name": name, "password": password })).await
}

async fn look(app: &TestApp, token: &str) -> Result<Invite, Problem> {
    app.anon().call("look_at_invite", json!({ "token": token })).await
}

#[tokio::test]
async fn the_first_admin_comes_in_by_a_link_and_signs_in_with_their_own_password() {
    let app = TestApp::new().await;
    let token = invite(&app, Role::Admin, None).await;
    assert_eq!(look(&app, &token).await.expect("good"), Invite { role: Role::Admin, name: None });
    let client = app.anon();
    let me = accept(&client, &token, "first", PASSWORD).await.expect("accepted");
    assert_eq!((me.name.as_str(), me.access.everywhere), ("first", Role::Admin));
    // Signed in at once, and an admin indeed.
    client.call::<Vec<app::api::Person>>("people", json!({})).await.expect("an admin");
    app.anon().sign_in("first", PASSWORD).await.expect("the password works");
}

#[tokio::test]
async fn an_invitation_works_once() {
    let app = TestApp::new().await;
    let token = invite(&app, Role::Viewer, None).await;
    let (one, other) = (app.anon(), app.anon());
    let (one, other) = tokio::join!(accept(&one, &token, "one", PASSWORD), accept(&other, &token, "other", PASSWORD));
    let accepted = [one, other].into_iter().filter_map(Result::ok).count();
    assert_eq!(accepted, 1, "two people came in by one link");
    assert_eq!(app.store.users().await.expect("users").len(), 1);
    let third = accept(&app.anon(), &token, "third", PASSWORD).await.expect_err("used up");
    assert_eq!(third.code, ProblemCode::InviteInvalid);
    assert_eq!(look(&app, &token).await.expect_err("used up").code, ProblemCode::InviteInvalid);
}

#[tokio::test]
async fn an_invitation_expires_and_cannot_be_guessed() {
    let app = TestApp::new().await;
    let token = invite(&app, Role::Viewer, None).await;
    app.clock.advance_minutes(29);
    look(&app, &token).await.expect("still good");
    app.clock.advance_minutes(2);
    assert_eq!(look(&app, &token).await.expect_err("expired").code, ProblemCode::InviteInvalid);
    let late = accept(&app.anon(), &token, "late", PASSWORD).await.expect_err("expired");
    assert_eq!(late.code, ProblemCode::InviteInvalid);
    let guess = accept(&app.anon(), &"0".repeat(64), "guess", PASSWORD).await.expect_err("guessed");
    assert_eq!(guess.code, ProblemCode::InviteInvalid);
    assert!(app.store.users().await.expect("users").is_empty());
}

#[tokio::test]
async fn a_mistake_does_not_use_the_invitation_up() {
    let app = TestApp::new().await;
    app.account("taken", Role::Viewer).await;
    let token = invite(&app, Role::Operator, None).await;
    for (name, password, code) in [
        ("new", "too short", ProblemCode::PasswordTooShort),
        ("new", &"x".repeat(2_000), ProblemCode::PasswordTooShort),
        ("", PASSWORD, ProblemCode::UserNameInvalid),
        ("two words", PASSWORD, ProblemCode::UserNameInvalid),
        ("system", PASSWORD, ProblemCode::UserNameInvalid),
        ("<script>", PASSWORD, ProblemCode::UserNameInvalid),
        ("taken", PASSWORD, ProblemCode::UserNameTaken),
    ] {
        let refused = accept(&app.anon(), &token, name, password).await.expect_err("refused");
        assert_eq!(refused.code, code, "{name}");
    }
    let me = accept(&app.anon(), &token, "new", PASSWORD).await.expect("accepted");
    assert_eq!(me.access.everywhere, Role::Operator);
}

#[tokio::test]
async fn the_name_and_the_role_of_an_invitation_cannot_be_changed_by_the_guest() {
    let app = TestApp::new().await;
    let token = invite(&app, Role::Viewer, Some("ops-1")).await;
    assert_eq!(look(&app, &token).await.expect("good").name.as_deref(), Some("ops-1"));
    let client = app.anon();
    let input = json!({ "token": token, "name": "boss", "password": PASSWORD, "role": "admin" });
    let me: Me = client.call("accept_invite", input).await.expect("accepted");
    assert_eq!((me.name.as_str(), me.access.everywhere), ("ops-1", Role::Viewer));
    let people = client.call::<Vec<app::api::Person>>("people", json!({})).await.expect_err("a viewer");
    assert_eq!(people.code, ProblemCode::RoleTooLow);
}
