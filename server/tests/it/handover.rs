//! One draft, several people: who changes it is told, and whoever comes second overwrites nothing.

use crate::app::{PASSWORD, TestApp};
use crate::client::Client;
use crate::world::World;
use engine::ports::{AuditStore, DraftStore};
use model::audit::{AuditCode, AuditFilter};
use model::problem::{Problem, ProblemCode};
use model::role::Role;
use model::wizard::Draft;
use serde_json::{Value, json};

async fn operator(app: &TestApp, name: &str) -> Client {
    app.account(name, Role::Operator).await;
    let client = app.anon();
    client.sign_in(name, PASSWORD).await.expect("signed in");
    client
}

async fn skip(client: &Client, world: &World, revision: u64) -> Result<Draft, Problem> {
    client.call("skip_qdevice", json!({ "cluster": world.cluster, "revision": revision })).await
}

#[tokio::test]
async fn of_two_at_the_same_draft_the_second_is_told_who_was_first_and_may_go_on_from_there() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let (anna, olga) = (operator(&app, "anna").await, operator(&app, "olga").await);
    // Both have the page open.
    for client in [&anna, &olga] {
        let page: Value = client.call("wizard", json!({ "cluster": world.cluster })).await.expect("the wizard");
        assert_eq!(page["draft"]["revision"], 0);
    }
    let saved = skip(&anna, &world, 0).await.expect("the first");
    assert_eq!((saved.revision, saved.touched_by.as_deref()), (1, Some("anna")));

    let refused = skip(&olga, &world, 0).await.expect_err("the second");
    assert_eq!(refused.code, ProblemCode::WorldChanged);
    assert_eq!(refused.params.get("by").map(String::as_str), Some("anna"));
    assert_eq!(app.store.draft(world.cluster).await.expect("the draft"), saved, "nothing was overwritten");

    // What she had stands on her page; with the draft as it is now she goes on.
    let page: Value = olga.call("wizard", json!({ "cluster": world.cluster })).await.expect("the wizard");
    assert_eq!((&page["draft"]["revision"], &page["draft"]["touched_by"]), (&json!(1), &json!("anna")));
    let saved = skip(&olga, &world, 1).await.expect("hers");
    assert_eq!((saved.revision, saved.touched_by.as_deref()), (2, Some("olga")));

    let filter = AuditFilter { code: Some(AuditCode::QdeviceSkipped), ..AuditFilter::default() };
    let found = app.store.find(&filter, 10).await.expect("the audit").entries;
    let who: Vec<&str> = found.iter().rev().map(|one| one.entry.who.as_str()).collect();
    assert_eq!(who, ["anna", "olga"], "each decision once, by whoever made it");
}

#[tokio::test]
async fn of_many_at_once_exactly_one_is_first() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let mut people = Vec::new();
    for name in ["anna", "olga", "ivan", "mara"] {
        people.push(operator(&app, name).await);
    }
    let answers = futures::future::join_all(people.iter().map(|client| skip(client, &world, 0))).await;
    let (saved, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((saved.len(), refused.len()), (1, 3));
    let first = saved.into_iter().next().and_then(Result::ok).and_then(|draft| draft.touched_by).expect("somebody");
    for refusal in refused {
        let problem = refusal.expect_err("refused");
        assert_eq!((problem.code, problem.params.get("by")), (ProblemCode::WorldChanged, Some(&first)));
    }
}

#[tokio::test]
async fn a_viewer_sees_whose_draft_it_is_and_changes_nothing() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    skip(&operator(&app, "anna").await, &world, 0).await.expect("saved");
    let viewer = app.viewer().await;
    let page: Value = viewer.call("wizard", json!({ "cluster": world.cluster })).await.expect("the wizard");
    assert_eq!(page["draft"]["touched_by"], json!("anna"));
    assert_eq!(skip(&viewer, &world, 1).await.expect_err("not hers").code, ProblemCode::RoleTooLow);
}
