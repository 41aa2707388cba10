//! Pausing and overtaking through raw requests: what a page would not offer is refused.

use crate::app::{PASSWORD, TestApp};
use crate::world::World;
use engine::ports::{Clock, OperationStore};
use model::lowering::Lowerings;
use model::operation::OperationState;
use model::problem::{Problem, ProblemCode};
use model::role::Role;
use serde_json::{Value, json};

fn code<T: std::fmt::Debug>(result: Result<T, Problem>) -> ProblemCode {
    result.expect_err("refused").code
}

#[tokio::test]
async fn what_does_not_run_or_cannot_go_on_later_is_not_paused() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let operator = app.operator().await;
    let pause = async || operator.call::<()>("pause", json!({ "id": world.operation })).await;
    assert_eq!(code(pause().await), ProblemCode::NotRunning, "it has not begun");
    let now = app.clock.now();
    app.store
        .set_state(world.operation, &OperationState::Proposed, &OperationState::Running, None, now)
        .await
        .expect("it runs");
    assert_eq!(code(pause().await), ProblemCode::PauseNotThis, "nobody keeps its password");
    app.store
        .set_state(world.operation, &OperationState::Running, &OperationState::Done, None, now)
        .await
        .expect("it is done");
    assert_eq!(code(pause().await), ProblemCode::OperationOver);
    let viewer = app.viewer().await;
    assert_eq!(code(viewer.call::<()>("pause", json!({ "id": world.operation })).await), ProblemCode::RoleTooLow);
}

#[tokio::test]
async fn only_its_owner_and_approvers_let_it_pause_or_give_it_up() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let stops = async |name: &str, role: Role, function: &str| {
        app.account(name, role).await;
        let client = app.anon();
        client.sign_in(name, PASSWORD).await.expect("signed in");
        client.call::<()>(function, world.input(function, PASSWORD)).await.map_err(|problem| problem.code)
    };
    for function in ["pause", "abandon"] {
        assert_eq!(stops("bert", Role::Operator, function).await, Err(ProblemCode::StopNotYours), "{function}");
    }
    let own = code(app.operator().await.call::<()>("pause", world.input("pause", PASSWORD)).await);
    assert_eq!(own, ProblemCode::NotRunning, "hers, and it has not begun");
    assert_eq!(stops("vera", Role::Approver, "pause").await, Err(ProblemCode::NotRunning));
    assert_eq!(stops("vera", Role::Approver, "abandon").await, Ok(()));
}

fn input(world: &World, alone: bool) -> Value {
    json!({ "request": world.request, "operation": world.operation, "reason": "at night", "alone": alone })
}

#[tokio::test]
async fn only_who_asked_takes_a_place_and_alone_only_an_approver() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let overtake = async |name: &str, role: Role, alone: bool| {
        app.account(name, role).await;
        let client = app.anon();
        client.sign_in(name, PASSWORD).await.expect("signed in");
        code(client.call::<Value>("overtake", input(&world, alone)).await)
    };
    assert_eq!(overtake("bert", Role::Operator, false).await, ProblemCode::RequestNotYours);
    assert_eq!(overtake("vera", Role::Viewer, false).await, ProblemCode::RoleTooLow);
    assert_eq!(overtake("bert", Role::Operator, true).await, ProblemCode::RoleTooLow);
    // It is hers, and nobody has agreed to it.
    assert_eq!(overtake("olga", Role::Operator, false).await, ProblemCode::RequestOver);
    let operation = app.store.operation(world.operation).await.expect("the operation");
    assert_eq!(operation.state, OperationState::Proposed, "nothing has ended");
}

#[tokio::test]
async fn who_ran_expected_is_told_to_everybody_who_may_read_the_audit() {
    let app = TestApp::new().await;
    let viewer = app.viewer().await;
    let told: Lowerings = viewer.call("lowerings", json!({ "before": null, "again": true })).await.expect("an answer");
    assert_eq!(told, Lowerings::default());
    let page = viewer.get("/audit/expected").await;
    assert!(page.status.is_success(), "{}", page.status);
}
