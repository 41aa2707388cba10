//! The gate: the model's judgement over what this very transaction reads.

use super::policies;
use crate::codec::{db, from_word, json, number};
use engine::ports::StoreError;
use jiff::Timestamp;
use model::approval::{Court, Refused, Request, RequestEvent, RequestState, Subject};
use model::ids::{ClusterId, OperationId};
use model::plan::Plan;
use model::policy::Agreement;
use model::role::Role;
use sqlx::SqliteConnection;

/// The state after an event, or why it may not happen.
pub(super) async fn next(
    tx: &mut SqliteConnection,
    request: &Request,
    actor: &str,
    event: &RequestEvent,
    now: Timestamp,
) -> Result<RequestState, StoreError> {
    let agreement = match &request.subject {
        Subject::Policy { .. } => Agreement::AnotherAdmin,
        Subject::Plan { plan, .. } => {
            policies::of(tx, request.cluster).await?.rule(plan.intent.word(), plan.risk).agreement
        }
    };
    let approver = match &request.state {
        RequestState::Approved { by, .. } => role_of(tx, by, request.cluster).await?,
        _ => None,
    };
    let court = Court {
        actor,
        role: role_of(tx, actor, request.cluster).await?,
        approver,
        agreement,
        other_admins: other_admins(tx, request.cluster, actor).await?,
        now,
    };
    request.after(event, &court).map_err(|why| StoreError::Refused { why })
}

/// A change of the policy is asked for from the policy that is in force: what somebody else has changed in between is not
/// turned back unseen. When it is applied its facts are compared once more.
pub(super) async fn refuse_moved(tx: &mut SqliteConnection, request: &Request) -> Result<(), StoreError> {
    let Subject::Policy { before, .. } = &request.subject else { return Ok(()) };
    let now = policies::of(tx, request.cluster).await?;
    if now == *before { Ok(()) } else { Err(StoreError::Refused { why: Refused::PolicyMoved }) }
}

/// Whoever starts an operation without a request: the policy must not ask for anybody's agreement.
pub(crate) async fn refuse_unagreed(tx: &mut SqliteConnection, id: OperationId) -> Result<(), StoreError> {
    let row = sqlx::query("SELECT cluster, plan FROM operations WHERE id = ?")
        .bind(id.to_string())
        .fetch_one(&mut *tx)
        .await
        .map_err(db)?;
    let plan: Plan = json(&row, "plan")?;
    let agreement = policies::of(tx, plan.cluster).await?.rule(plan.intent.word(), plan.risk).agreement;
    match agreement {
        Agreement::Nobody => Ok(()),
        agreement => Err(StoreError::Refused { why: Refused::AgreementNeeded { agreement } }),
    }
}

/// The role on a cluster of an account that is not disabled.
pub(super) async fn role_of(
    tx: &mut SqliteConnection,
    name: &str,
    cluster: ClusterId,
) -> Result<Option<Role>, StoreError> {
    let rows = sqlx::query(
        "SELECT role FROM users WHERE name_key = ?1 AND disabled = 0
         UNION ALL
         SELECT user_roles.role FROM user_roles JOIN users ON users.id = user_roles.user_id
         WHERE users.name_key = ?1 AND users.disabled = 0 AND user_roles.cluster = ?2",
    )
    .bind(name.to_lowercase())
    .bind(cluster.to_string())
    .fetch_all(tx)
    .await
    .map_err(db)?;
    let mut best = None;
    for row in &rows {
        best = best.max(Some(from_word::<Role>(row, "role")?));
    }
    Ok(best)
}

/// Admins of a cluster, everywhere or on it, that could agree: accounts that are not disabled and have a password.
pub(super) async fn other_admins(tx: &mut SqliteConnection, cluster: ClusterId, but: &str) -> Result<u32, StoreError> {
    let row = sqlx::query(
        "SELECT COUNT(*) AS admins FROM users
         WHERE name_key <> ? AND disabled = 0 AND password_hash IS NOT NULL AND (role = 'admin' OR EXISTS
         (SELECT 1 FROM user_roles WHERE user_id = users.id AND cluster = ? AND user_roles.role = 'admin'))",
    )
    .bind(but.to_lowercase())
    .bind(cluster.to_string())
    .fetch_one(tx)
    .await
    .map_err(db)?;
    number(&row, "admins")
}
