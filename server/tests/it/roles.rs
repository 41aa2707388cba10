//! Roles per cluster through raw requests: what a role opens, and who may give it.

use crate::app::{PASSWORD, TestApp};
use crate::client::Client;
use crate::second_factor::enrol;
use crate::world::World;
use app::api::{AccountView, RolesView};
use model::audit::{AuditCode, AuditPage};
use model::ids::{ClusterId, UserId};
use model::problem::{Problem, ProblemCode};
use model::role::Role;
use serde_json::json;

async fn give(by: &Client, id: UserId, cluster: Option<ClusterId>, role: Role) -> Result<(), Problem> {
    by.call("set_role", json!({ "id": id, "cluster": cluster, "role": role })).await
}

async fn take(by: &Client, id: UserId, cluster: ClusterId) -> Result<(), Problem> {
    by.call("drop_role", json!({ "id": id, "cluster": cluster })).await
}

async fn roles(by: &Client) -> Result<RolesView, Problem> {
    by.call("roles", json!({})).await
}

async fn id_of(client: &Client) -> UserId {
    client.me().await.expect("me").id
}

fn code<T: std::fmt::Debug>(answer: Result<T, Problem>) -> ProblemCode {
    answer.expect_err("refused").code
}

#[tokio::test]
async fn a_viewer_who_is_operator_on_one_cluster_may_act_there_and_nowhere_else() {
    let app = TestApp::new().await;
    let (mine, other) = (World::make(&app).await, World::make(&app).await);
    let (viewer, admin) = (app.viewer().await, app.admin().await);
    let id = id_of(&viewer).await;
    let acting = async |world: &World, function: &str| {
        let called = viewer.call::<serde_json::Value>(function, world.input(function, PASSWORD)).await;
        called.err().map(|problem| problem.code)
    };
    const DEEDS: [&str; 4] = ["skip_qdevice", "add_node", "run", "abandon"];
    for function in DEEDS {
        assert_eq!(acting(&mine, function).await, Some(ProblemCode::RoleTooLow), "{function}");
    }
    give(&admin, id, Some(mine.cluster), Role::Operator).await.expect("given");
    for function in DEEDS {
        assert_ne!(acting(&mine, function).await, Some(ProblemCode::RoleTooLow), "{function} on the own cluster");
        assert_eq!(acting(&other, function).await, Some(ProblemCode::RoleTooLow), "{function} on another one");
    }
    // What concerns no single cluster goes by the general role, and higher deeds by the role on the cluster.
    for function in ["add_cluster", "people", "forget_cluster", "change_policy", "break_glass"] {
        assert_eq!(acting(&mine, function).await, Some(ProblemCode::RoleTooLow), "{function}");
    }
    let own: AccountView = viewer.call("my_account", json!({})).await.expect("account");
    assert_eq!(
        (own.everywhere, own.clusters[0].cluster, own.clusters[0].role),
        (Role::Viewer, mine.cluster, Role::Operator)
    );
    take(&admin, id, mine.cluster).await.expect("taken away");
    for function in DEEDS {
        assert_eq!(acting(&mine, function).await, Some(ProblemCode::RoleTooLow), "{function} afterwards");
    }
    assert_eq!(code(take(&admin, id, mine.cluster).await), ProblemCode::NotFound);

    let page: AuditPage = admin
        .call("audit", json!({ "filter": { "code": AuditCode::RoleChanged }, "again": false }))
        .await
        .expect("audit");
    let told: Vec<_> = page
        .entries
        .iter()
        .map(|one| (&one.entry.details["before"][..], &one.entry.details["role"][..], one.entry.cluster))
        .collect();
    assert_eq!(told, [("operator", "none", Some(mine.cluster)), ("none", "operator", Some(mine.cluster))]);
    assert!(page.entries.iter().all(|one| one.entry.who == "admin" && one.entry.details["name"] == "viewer"));
}

#[tokio::test]
async fn only_admins_give_roles_and_an_admin_of_one_cluster_gives_those_of_that_one() {
    let app = TestApp::new().await;
    let (mine, other) = (World::make(&app).await, World::make(&app).await);
    let (viewer, approver, admin) = (app.viewer().await, app.approver().await, app.admin().await);
    let (id, local) = (id_of(&viewer).await, id_of(&approver).await);
    for cluster in [None, Some(mine.cluster)] {
        assert_eq!(code(give(&approver, local, cluster, Role::Admin).await), ProblemCode::RoleTooLow);
    }
    assert_eq!(code(roles(&approver).await), ProblemCode::RoleTooLow);
    give(&admin, local, Some(mine.cluster), Role::Admin).await.expect("admin of one cluster");

    give(&approver, id, Some(mine.cluster), Role::Operator).await.expect("their own cluster");
    assert_eq!(code(give(&approver, id, Some(other.cluster), Role::Operator).await), ProblemCode::RoleTooLow);
    assert_eq!(code(give(&approver, id, None, Role::Operator).await), ProblemCode::RoleTooLow);
    assert_eq!(code(give(&approver, local, None, Role::Admin).await), ProblemCode::RoleTooLow);
    give(&admin, id, Some(other.cluster), Role::Approver).await.expect("given");
    let seen = roles(&approver).await.expect("roles");
    assert!(!seen.everywhere);
    assert_eq!(seen.clusters.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [mine.cluster]);
    let person = seen.people.iter().find(|one| one.id == id).expect("listed");
    assert_eq!(person.access.clusters, [(mine.cluster, Role::Operator)].into(), "roles of another cluster are shown");
    let all = roles(&admin).await.expect("roles");
    assert!(all.everywhere && all.clusters.len() == 2 && all.people.len() == 3);

    let nobody = UserId::from_uuid(uuid::Uuid::nil());
    let nowhere = ClusterId::from_uuid(uuid::Uuid::nil());
    assert_eq!(code(give(&admin, nobody, None, Role::Viewer).await), ProblemCode::NotFound);
    assert_eq!(code(give(&admin, id, Some(nowhere), Role::Viewer).await), ProblemCode::NotFound);
}

#[tokio::test]
async fn the_last_admin_cannot_be_taken_away() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let own = id_of(&admin).await;
    let disabling = async |id: UserId| admin.call::<()>("disable_person", json!({ "id": id })).await;
    for role in [Role::Viewer, Role::Operator, Role::Approver] {
        assert_eq!(code(give(&admin, own, None, role).await), ProblemCode::LastAdmin, "{role:?}");
    }
    assert_eq!(code(disabling(own).await), ProblemCode::LastAdmin);
    admin.me().await.expect("still signed in");
    app.account("second", Role::Admin).await;
    let second = app.anon();
    second.sign_in("second", PASSWORD).await.expect("signed in");
    let (one, other) =
        tokio::join!(give(&admin, own, None, Role::Viewer), give(&second, id_of(&second).await, None, Role::Viewer));
    assert!(one.is_ok() ^ other.is_ok(), "{one:?} {other:?}");
    assert_eq!(one.and(other).expect_err("the later one").code, ProblemCode::LastAdmin);
}

#[tokio::test]
async fn disabling_somebody_needs_a_sign_in_of_the_last_minutes_with_the_second_factor() {
    let app = TestApp::new().await;
    let (viewer, admin) = (app.viewer().await, app.admin().await);
    let id = id_of(&viewer).await;
    let phone = enrol(&app, &admin).await;
    app.clock.advance_minutes(6);
    let missing = async |code: Option<String>| {
        if let Some(code) = code {
            let input = json!({ "password": PASSWORD, "code": code });
            admin.call::<app::api::Me>("confirm_password", input).await.expect("confirmed");
        }
        let answer = admin.call::<()>("disable_person", json!({ "id": id })).await;
        answer.err().and_then(|problem| problem.params.get("missing").cloned())
    };
    assert_eq!(missing(None).await.as_deref(), Some("fresh-sign-in"));
    assert_eq!(missing(Some(String::new())).await.as_deref(), Some("second-factor"));
    viewer.me().await.expect("still there");
    assert_eq!(missing(Some(phone.code(&app, 0))).await, None);
    assert_eq!(code(viewer.me().await), ProblemCode::NotSignedIn);
}

#[tokio::test]
async fn giving_roles_needs_a_sign_in_of_the_last_minutes_with_the_second_factor() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let (viewer, admin) = (app.viewer().await, app.admin().await);
    let id = id_of(&viewer).await;
    let phone = enrol(&app, &admin).await;
    app.clock.advance_minutes(6);
    let missing = async |code: Option<String>| {
        if let Some(code) = code {
            let input = json!({ "password": PASSWORD, "code": code });
            admin.call::<app::api::Me>("confirm_password", input).await.expect("confirmed");
        }
        let [given, taken] = [give(&admin, id, None, Role::Operator).await, take(&admin, id, world.cluster).await];
        [given, taken].map(|answer| answer.err().and_then(|problem| problem.params.get("missing").cloned()))
    };
    assert_eq!(missing(None).await, [Some("fresh-sign-in".into()), Some("fresh-sign-in".into())]);
    assert_eq!(missing(Some(String::new())).await, [Some("second-factor".into()), Some("second-factor".into())]);
    assert_eq!(missing(Some(phone.code(&app, 0))).await, [None, None]);
    assert_eq!(viewer.me().await.expect("me").access.everywhere, Role::Operator);
}
