//! Rows of requests.

use crate::codec::{corrupt, db, from_word, get, json, micros, parsed, refused, time, to_json, touched, word};
use engine::ports::StoreError;
use model::approval::{Request, RequestState, Seen, Subject, facts_digest};
use model::ids::RequestId;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

/// `Conflict` where the same person has asked for the same and it is still open.
pub(super) async fn insert(tx: &mut SqliteConnection, request: &Request) -> Result<(), StoreError> {
    if request.state != RequestState::Waiting {
        return Err(StoreError::Conflict { what: "request that does not wait" });
    }
    let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM clusters WHERE id = ?)")
        .bind(request.cluster.to_string())
        .fetch_one(&mut *tx)
        .await
        .map_err(db)?;
    if !known {
        return Err(StoreError::NotFound { what: "cluster" });
    }
    sqlx::query(
        "INSERT INTO requests (id, cluster, cluster_name, subject, digest, agreement, reason, requested_by, requested_at, state, state_json)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(request.id.to_string())
    .bind(request.cluster.to_string())
    .bind(&request.cluster_name)
    .bind(to_json("subject", &request.subject)?)
    .bind(request.subject.seen().digest.as_str())
    .bind(word("agreement", &request.agreement)?)
    .bind(&request.reason)
    .bind(&request.requested_by)
    .bind(micros(request.requested_at))
    .bind(request.state.word())
    .bind(to_json("state", &request.state)?)
    .execute(tx)
    .await
    .map_err(refused("open request for the same", "cluster"))?;
    Ok(())
}

pub(super) async fn set_state(
    tx: &mut SqliteConnection,
    id: RequestId,
    state: &RequestState,
) -> Result<(), StoreError> {
    let result = sqlx::query("UPDATE requests SET state = ?, state_json = ?, operation = ? WHERE id = ?")
        .bind(state.word())
        .bind(to_json("state", state)?)
        .bind(state.operation().map(|operation| operation.to_string()))
        .bind(id.to_string())
        .execute(tx)
        .await
        .map_err(refused("request of the operation", "operation"))?;
    touched(&result, "request")
}

pub(super) async fn one(tx: &mut SqliteConnection, id: RequestId) -> Result<Request, StoreError> {
    let row =
        sqlx::query("SELECT * FROM requests WHERE id = ?").bind(id.to_string()).fetch_optional(tx).await.map_err(db)?;
    request_of(&row.ok_or(StoreError::NotFound { what: "request" })?)
}

pub(super) async fn all(
    tx: &mut SqliteConnection,
    mut query: QueryBuilder<Sqlite>,
) -> Result<Vec<Request>, StoreError> {
    let rows = query.build().fetch_all(tx).await.map_err(db)?;
    rows.iter().map(request_of).collect()
}

fn request_of(row: &SqliteRow) -> Result<Request, StoreError> {
    let subject: Subject = json(row, "subject")?;
    check(&subject)?;
    Ok(Request {
        id: parsed(row, "id")?,
        cluster: parsed(row, "cluster")?,
        cluster_name: get(row, "cluster_name")?,
        subject,
        agreement: from_word(row, "agreement")?,
        requested_by: get(row, "requested_by")?,
        requested_at: time(row, "requested_at")?,
        reason: get(row, "reason")?,
        state: json(row, "state_json")?,
    })
}

/// What people agreed to is what the digests say, or the file is not as it was written.
fn check(subject: &Subject) -> Result<(), StoreError> {
    let unreadable = |error| corrupt("request", error);
    let own = match subject {
        Subject::Plan { plan, facts, .. } => {
            Seen { digest: plan.digest().map_err(unreadable)?, facts: facts_digest(facts).map_err(unreadable)? }
        }
        Subject::Policy { before, after, .. } => {
            Seen { digest: after.digest().map_err(unreadable)?, facts: before.digest().map_err(unreadable)? }
        }
    };
    if own == *subject.seen() { Ok(()) } else { Err(corrupt("request", "it does not have its digests")) }
}
