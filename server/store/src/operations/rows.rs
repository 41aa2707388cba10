//! Rows of operations, steps and output lines.

use crate::codec::{corrupt, db, get, json, micros, number, parsed, refused, signed, time, time_or_none, to_json};
use engine::ports::StoreError;
use model::digest::Digest;
use model::ids::OperationId;
use model::operation::{Operation, OutputLine, StepStatus};
use model::plan::PLAN_DIGEST_DOMAIN;
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

/// The row and its steps.
pub(super) async fn insert(tx: &mut SqliteConnection, operation: &Operation) -> Result<(), StoreError> {
    let plan = to_json("plan", &operation.plan)?;
    check_digest(&plan, operation.digest.as_str())?;
    if operation.steps.len() != operation.plan.steps.len() {
        return Err(corrupt("operation", "it has not one status for each step of its plan"));
    }
    require_cluster(tx, operation).await?;
    sqlx::query(
        "INSERT INTO operations (id, cluster, plan, digest, reason, proposed_by, proposed_at, state, state_json, finished_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(operation.id.to_string())
    .bind(operation.cluster.to_string())
    .bind(plan)
    .bind(operation.digest.as_str())
    .bind(&operation.reason)
    .bind(&operation.proposed_by)
    .bind(micros(operation.proposed_at))
    .bind(operation.state.word())
    .bind(to_json("state", &operation.state)?)
    .bind(operation.finished_at.map(micros))
    .execute(&mut *tx)
    .await
    .map_err(refused("operation", "cluster"))?;
    for (status, step) in operation.steps.iter().zip(0_i64..) {
        sqlx::query("INSERT INTO operation_steps (operation, step, status) VALUES (?, ?, ?)")
            .bind(operation.id.to_string())
            .bind(step)
            .bind(to_json("status", status)?)
            .execute(&mut *tx)
            .await
            .map_err(db)?;
    }
    Ok(())
}

pub(super) async fn one(tx: &mut SqliteConnection, id: OperationId) -> Result<Operation, StoreError> {
    let row = sqlx::query("SELECT * FROM operations WHERE id = ?")
        .bind(id.to_string())
        .fetch_optional(&mut *tx)
        .await
        .map_err(db)?;
    operation_of(tx, &row.ok_or(StoreError::NotFound { what: "operation" })?).await
}

pub(super) async fn all(
    tx: &mut SqliteConnection,
    mut query: QueryBuilder<Sqlite>,
) -> Result<Vec<Operation>, StoreError> {
    let rows = query.build().fetch_all(&mut *tx).await.map_err(db)?;
    let mut operations = Vec::with_capacity(rows.len());
    for row in &rows {
        operations.push(operation_of(tx, row).await?);
    }
    Ok(operations)
}

pub(super) async fn insert_line(
    tx: &mut SqliteConnection,
    id: OperationId,
    line: &OutputLine,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO operation_output (operation, seq, step, at, error, text) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(id.to_string())
        .bind(signed("sequence", line.seq)?)
        .bind(line.step)
        .bind(micros(line.at))
        .bind(line.error)
        .bind(&line.text)
        .execute(tx)
        .await
        .map_err(refused("line of output", "operation"))?;
    Ok(())
}

pub(super) fn line_of(row: &SqliteRow) -> Result<OutputLine, StoreError> {
    Ok(OutputLine {
        seq: number(row, "seq")?,
        step: number(row, "step")?,
        at: time(row, "at")?,
        error: get(row, "error")?,
        text: get(row, "text")?,
    })
}

/// The column has no foreign key, but nothing new may be proposed for a cluster that is gone.
async fn require_cluster(tx: &mut SqliteConnection, operation: &Operation) -> Result<(), StoreError> {
    let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM clusters WHERE id = ?)")
        .bind(operation.cluster.to_string())
        .fetch_one(tx)
        .await
        .map_err(db)?;
    if known { Ok(()) } else { Err(StoreError::NotFound { what: "cluster" }) }
}

async fn operation_of(tx: &mut SqliteConnection, row: &SqliteRow) -> Result<Operation, StoreError> {
    let id: OperationId = parsed(row, "id")?;
    let digest: &str = get(row, "digest")?;
    check_digest(get(row, "plan")?, digest)?;
    Ok(Operation {
        id,
        cluster: parsed(row, "cluster")?,
        plan: json(row, "plan")?,
        digest: read_digest(digest)?,
        reason: get(row, "reason")?,
        proposed_by: get(row, "proposed_by")?,
        proposed_at: time(row, "proposed_at")?,
        state: json(row, "state_json")?,
        steps: steps_of(tx, id).await?,
        finished_at: time_or_none(row, "finished_at")?,
    })
}

async fn steps_of(tx: &mut SqliteConnection, id: OperationId) -> Result<Vec<StepStatus>, StoreError> {
    let rows = sqlx::query("SELECT status FROM operation_steps WHERE operation = ? ORDER BY step")
        .bind(id.to_string())
        .fetch_all(tx)
        .await
        .map_err(db)?;
    rows.iter().map(|row| json(row, "status")).collect()
}

/// Over the stored bytes, not over a plan read and written again: those are what was approved.
fn check_digest(plan: &str, digest: &str) -> Result<(), StoreError> {
    let mut hasher = Sha256::new();
    hasher.update(PLAN_DIGEST_DOMAIN.as_bytes());
    hasher.update([0]);
    hasher.update(plan.as_bytes());
    if hex::encode(hasher.finalize()) == digest { Ok(()) } else { Err(corrupt("plan", "it does not have its digest")) }
}

fn read_digest(text: &str) -> Result<Digest, StoreError> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|error| corrupt("digest", error))
}
