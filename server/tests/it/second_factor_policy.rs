//! Where the policy wants the second factor, the server does: through raw requests, whatever a page would ask.

use crate::app::PASSWORD;
use crate::approvals::Team;
use crate::client::Client;
use crate::second_factor::{Phone, enrol};
use app::api::{Me, PolicyAnswer};
use model::audit::AuditCode;
use model::problem::{Problem, ProblemCode};
use serde_json::{Value, json};

/// Which demand is missing, if any.
fn missing<T: std::fmt::Debug>(answer: &Result<T, Problem>) -> Option<&str> {
    let problem = answer.as_ref().err()?;
    assert_eq!(problem.code, ProblemCode::ConsentMissing, "{problem:?}");
    problem.params.get("missing").map(String::as_str)
}

async fn confirm(client: &Client, code: Option<String>) {
    let input = json!({ "password": PASSWORD, "code": code });
    client.call::<Me>("confirm_password", input).await.expect("confirmed");
}

/// Disruptive plans as if they were destructive.
fn strict() -> Value {
    json!({ "reason": true, "typed_target": true, "fresh_sign_in": true, "second_factor": true, "agreement": "another_approver" })
}

/// Time has gone on, and the nodes have been heard since.
async fn later(team: &Team) {
    team.site.app.clock.advance_minutes(6);
    team.heard().await;
}

async fn make_strict(team: &Team) {
    let policy = json!({ "protected": true, "classes": { "disruptive": strict() }, "actions": {} });
    assert!(team.set_policy(&team.admin, policy).await.expect("set").in_force);
    team.settled().await;
}

#[tokio::test]
async fn what_wants_the_second_factor_is_neither_asked_for_nor_agreed_to_nor_run_without() {
    let team = Team::ready().await;
    make_strict(&team).await;
    let (app, operator) = (&team.site.app, &team.site.operator);
    let (own, theirs) = (enrol(app, operator).await, enrol(app, &team.approver).await);
    later(&team).await;
    let digest = team.preview().await.digest;
    let asking = async || team.ask_with(operator, &digest, crate::approvals::consent()).await;
    assert_eq!(missing(&asking().await), Some("fresh-sign-in"));
    confirm(operator, None).await;
    assert_eq!(missing(&asking().await), Some("second-factor"));
    confirm(operator, Some(own.code(app, 0))).await;
    let id = asking().await.expect("asked");

    let approving = async || team.approver.call::<()>("approve", json!({ "id": id, "comment": "go" })).await;
    assert_eq!(missing(&approving().await), Some("fresh-sign-in"));
    confirm(&team.approver, None).await;
    assert_eq!(missing(&approving().await), Some("second-factor"));
    confirm(&team.approver, Some(theirs.code(app, 0))).await;
    approving().await.expect("approved");

    later(&team).await;
    let running = async || operator.call::<model::ids::OperationId>("run_approved", json!({ "id": id })).await;
    assert_eq!(missing(&running().await), Some("fresh-sign-in"));
    confirm(operator, None).await;
    assert_eq!(missing(&running().await), Some("second-factor"));
    assert_eq!(team.ran().await, 0);
    confirm(operator, Some(own.code(app, 0))).await;
    running().await.expect("it runs");
    let refused = team.audited(AuditCode::ApprovalRefused).await;
    let demand = refused.iter().filter(|entry| entry.details["problem"] == "consent_missing").count();
    assert_eq!(demand, 4, "refusals of the approver and of who runs it are in the audit: {refused:?}");
}

#[tokio::test]
async fn running_alone_and_changing_the_policy_want_it_always() {
    let team = Team::ready().await;
    let (app, approver) = (&team.site.app, &team.approver);
    let digest = team.preview().await.digest;
    let id = team.ask_with(approver, &digest, crate::approvals::consent()).await.expect("asked");
    let phone = enrol(app, approver).await;
    let admins = enrol(app, &team.admin).await;
    later(&team).await;
    let breaking = async || approver.call::<()>("break_glass", json!({ "id": id })).await;
    confirm(approver, None).await;
    assert_eq!(missing(&breaking().await), Some("second-factor"));
    confirm(approver, Some(phone.code(app, 0))).await;
    breaking().await.expect("counting");

    let open = json!({ "protected": false, "classes": {}, "actions": {} });
    let changing = async || team.set_policy(&team.admin, open.clone()).await;
    assert_eq!(missing(&changing().await), Some("fresh-sign-in"));
    confirm(&team.admin, None).await;
    assert_eq!(missing(&changing().await), Some("second-factor"));
    confirm(&team.admin, Some(Phone::with(&admins.secret).code(app, 0))).await;
    let answer: PolicyAnswer = changing().await.expect("set");
    assert!(answer.in_force);
}
