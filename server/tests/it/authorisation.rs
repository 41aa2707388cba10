//! Architecture invariant 5: every way in is in the authorisation table, and the table is what the server does.

use crate::app::{PASSWORD, TestApp};
use crate::client::Client;
use crate::world::World;
use axum::http::StatusCode;
use model::problem::ProblemCode;
use model::role::Role;
use server::authorisation::{FUNCTIONS, Needs, ROUTES};
use std::collections::BTreeSet;

#[test]
fn every_server_function_is_in_the_table_and_nothing_else_is() {
    let registered: BTreeSet<String> = leptos::server_fn::axum::server_fn_paths()
        .map(|(path, method)| {
            assert_eq!(method, axum::http::Method::POST, "{path} can be called by a link");
            path.strip_prefix("/api/").unwrap_or_else(|| panic!("{path} is not below /api/")).to_owned()
        })
        .collect();
    let table: BTreeSet<String> = FUNCTIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(table.len(), FUNCTIONS.len(), "a row stands twice");
    assert_eq!(registered, table);
}

#[test]
fn every_route_is_in_the_table_and_nothing_else_is() {
    let source = include_str!("../../src/routes.rs");
    let written: BTreeSet<&str> = source
        .split(".route(")
        .skip(1)
        .filter_map(|rest| rest.split('"').nth(1))
        .filter(|path| !path.starts_with("/api/"))
        .collect();
    let table: BTreeSet<&str> = ROUTES.iter().map(|(path, _)| *path).collect();
    assert_eq!(written, table);
}

#[tokio::test]
async fn without_a_session_only_what_needs_none_answers() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    for (function, needs) in FUNCTIONS {
        let code = code_of(&app.anon(), function, &world).await;
        match needs {
            Needs::Nothing => assert_ne!(code, Some(ProblemCode::NotSignedIn), "{function}"),
            Needs::SignedIn | Needs::Role(_) => assert_eq!(code, Some(ProblemCode::NotSignedIn), "{function}"),
        }
    }
}

#[tokio::test]
async fn each_role_may_call_what_the_table_says_and_no_more() {
    let app = TestApp::new().await;
    let mut refused = 0;
    for role in Role::ALL {
        let client = app.signed_in(role).await;
        for (function, needs) in FUNCTIONS {
            let needed = match needs {
                // It ends the session that the other calls need; `sessions.rs` tests it.
                Needs::Nothing => continue,
                Needs::SignedIn => Role::Viewer,
                Needs::Role(deed) => deed.needs(),
            };
            // Calls that succeed change the world: each finds a new one.
            let world = World::make(&app).await;
            let code = code_of(&client, function, &world).await;
            assert_ne!(code, Some(ProblemCode::NotSignedIn), "{function} as {role:?}");
            if role >= needed {
                assert_ne!(code, Some(ProblemCode::RoleTooLow), "{function} as {role:?}");
            } else {
                refused += 1;
                assert_eq!(code, Some(ProblemCode::RoleTooLow), "{function} as {role:?}");
            }
        }
    }
    assert!(refused > FUNCTIONS.len() / 2, "only {refused} refusals: the table asks for nothing");
}

#[tokio::test]
async fn a_role_on_one_cluster_opens_that_cluster_alone() {
    use engine::ports::UserStore;
    use model::audit::{AuditCode, AuditEntry, Outcome};
    let app = TestApp::new().await;
    let (mine, other) = (World::make(&app).await, World::make(&app).await);
    let viewer = app.viewer().await;
    let account = viewer.me().await.expect("me");
    let entry = AuditEntry::new(model::Timestamp::now(), AuditCode::RoleChanged, "admin".to_owned(), Outcome::Success);
    app.store.set_role(account.id, Some(mine.cluster), Role::Operator, entry).await.expect("role");
    let code = |world: World| {
        let viewer = &viewer;
        async move { code_of(viewer, "skip_qdevice", &world).await }
    };
    assert_eq!(code(mine).await, None);
    assert_eq!(code(other).await, Some(ProblemCode::RoleTooLow));
}

#[tokio::test]
async fn the_live_stream_needs_a_session_and_files_do_not() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let live = format!("/live/clusters/{}", world.cluster);
    assert_eq!(app.anon().open(&live).await.status(), StatusCode::UNAUTHORIZED);
    let viewer = app.viewer().await;
    assert_eq!(viewer.open(&live).await.status(), StatusCode::OK);
    let missing = format!("/live/clusters/{}", uuid::Uuid::nil());
    assert_eq!(viewer.open(&missing).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(app.anon().get("/health").await.status, StatusCode::OK);
    assert_eq!(app.anon().get("/pkg/0/no-such-file").await.status, StatusCode::NOT_FOUND);
    let icon = app.anon().get("/favicon.svg").await.status;
    assert!(matches!(icon, StatusCode::OK | StatusCode::NOT_FOUND), "{icon}");
}

/// The code of a refusal; `None` when the call was answered.
async fn code_of(client: &Client, function: &str, world: &World) -> Option<ProblemCode> {
    let called = client.call::<serde_json::Value>(function, world.input(function, PASSWORD)).await;
    called.err().map(|problem| problem.code)
}
