//! Operations and their journal.

mod rows;

use crate::SqliteStore;
use crate::approvals::refuse_unagreed;
use crate::audit::append_in;
use crate::codec::{db, json, micros, refused, signed, to_json, touched};
use async_trait::async_trait;
use engine::ports::{JournalEntry, OperationStore, Overtaking, StoreError};
use jiff::Timestamp;
use model::audit::AuditEntry;
use model::ids::{ClusterId, OperationId};
use model::operation::{Operation, OperationState, OutputLine, StepEvent, StepStatus};
use model::role::Role;
use serde::{Deserialize, Serialize};
use sqlx::{QueryBuilder, SqliteConnection};

/// The longest list, in rows.
const LIST_MAX: u32 = 1_000;
/// The longest piece of output that is read at once, in lines: more than an operation keeps.
const OUTPUT_MAX_LINES: u32 = 100_000;

const HELD: &str = "running operation";
const OVER: &str = "finished operation";

#[async_trait]
impl OperationStore for SqliteStore {
    async fn propose(&self, operation: &Operation, audit: AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        rows::insert(&mut tx, operation).await?;
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }

    async fn operation(&self, id: OperationId) -> Result<Operation, StoreError> {
        let mut tx = self.read().await?;
        rows::one(&mut tx, id).await
    }

    async fn operations(&self, cluster: Option<ClusterId>, limit: u32) -> Result<Vec<Operation>, StoreError> {
        let mut query = QueryBuilder::new("SELECT * FROM operations");
        if let Some(cluster) = cluster {
            query.push(" WHERE cluster = ").push_bind(cluster.to_string());
        }
        query.push(" ORDER BY proposed_at DESC, id DESC LIMIT ").push_bind(i64::from(limit.min(LIST_MAX)));
        let mut tx = self.read().await?;
        rows::all(&mut tx, query).await
    }

    /// Oldest first.
    async fn proposed(&self) -> Result<Vec<Operation>, StoreError> {
        let query = QueryBuilder::new("SELECT * FROM operations WHERE state = 'proposed' ORDER BY proposed_at, id");
        let mut tx = self.read().await?;
        rows::all(&mut tx, query).await
    }

    /// Oldest first.
    async fn unfinished(&self) -> Result<Vec<Operation>, StoreError> {
        let query = QueryBuilder::new(
            "SELECT * FROM operations WHERE state IN ('running', 'parked', 'pausing', 'paused') ORDER BY proposed_at, id",
        );
        let mut tx = self.read().await?;
        rows::all(&mut tx, query).await
    }

    /// Also `Conflict` where the operation is over: nothing follows that.
    async fn set_state(
        &self,
        id: OperationId,
        from: &OperationState,
        to: &OperationState,
        audit: Option<AuditEntry>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        if state_of(&mut tx, id).await? != *from {
            return Err(StoreError::Conflict { what: "another state of the operation" });
        }
        if from.is_over() {
            return Err(StoreError::Conflict { what: OVER });
        }
        if matches!((from, to), (OperationState::Proposed, OperationState::Running)) {
            refuse_unagreed(&mut tx, id).await?;
        }
        put_state(&mut tx, id, to, at).await?;
        append_all(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }

    /// Only of an operation that holds its cluster: `Conflict` else.
    async fn journal(&self, entry: &JournalEntry, audit: Option<AuditEntry>) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        if !state_of(&mut tx, entry.operation).await?.holds_cluster() {
            return Err(StoreError::Conflict { what: "operation that does not run" });
        }
        apply(&mut tx, entry).await?;
        record(&mut tx, entry).await?;
        append_all(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }

    async fn journal_of(&self, id: OperationId) -> Result<Vec<JournalEntry>, StoreError> {
        let rows = sqlx::query("SELECT entry FROM journal WHERE operation = ? ORDER BY seq")
            .bind(id.to_string())
            .fetch_all(&self.readers)
            .await
            .map_err(db)?;
        let read = |row| {
            json::<Recorded>(row, "entry").map(|r| JournalEntry {
                operation: id,
                step: r.step,
                at: r.at,
                event: r.event,
            })
        };
        rows.iter().map(read).collect()
    }

    async fn append_output(&self, id: OperationId, lines: &[OutputLine]) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        for line in lines {
            rows::insert_line(&mut tx, id, line).await?;
        }
        tx.commit().await.map_err(db)
    }

    /// Lines with a `seq` greater than `after_seq`, in order: the first line should have 1.
    async fn output_of(&self, id: OperationId, after_seq: u64, limit: u32) -> Result<Vec<OutputLine>, StoreError> {
        let rows = sqlx::query("SELECT * FROM operation_output WHERE operation = ? AND seq > ? ORDER BY seq LIMIT ?")
            .bind(id.to_string())
            .bind(signed("sequence", after_seq)?)
            .bind(i64::from(limit.min(OUTPUT_MAX_LINES)))
            .fetch_all(&self.readers)
            .await
            .map_err(db)?;
        rows.iter().map(rows::line_of).collect()
    }
}

/// A journal entry as stored; the operation is in its own column.
#[derive(Serialize, Deserialize)]
struct Recorded {
    step: u16,
    at: Timestamp,
    event: StepEvent,
}

async fn append_all(tx: &mut SqliteConnection, audit: Option<AuditEntry>) -> Result<(), StoreError> {
    if let Some(entry) = audit {
        append_in(tx, entry).await?;
    }
    Ok(())
}

/// An operation that waits to be started, as a request's gate needs it.
pub(crate) async fn begun_by(tx: &mut SqliteConnection, id: OperationId) -> Result<Operation, StoreError> {
    let operation = rows::one(tx, id).await?;
    match operation.state {
        OperationState::Proposed => Ok(operation),
        _ => Err(StoreError::Conflict { what: "another state of the operation" }),
    }
}

/// Takes the cluster's place; the caller has passed the gate in this transaction.
pub(crate) async fn mark_running(tx: &mut SqliteConnection, id: OperationId) -> Result<(), StoreError> {
    put_state(tx, id, &OperationState::Running, Timestamp::UNIX_EPOCH).await
}

/// Ends an operation in favour of `by`, as the person who runs that may.
pub(crate) async fn overtake(
    tx: &mut SqliteConnection,
    overtaking: &Overtaking,
    by: &Operation,
    role: Role,
    at: Timestamp,
) -> Result<(), StoreError> {
    let operation = rows::one(tx, overtaking.operation).await?;
    let for_it = matches!(&overtaking.to, OperationState::Overtaken { by: other, .. } if *other == by.id);
    if operation.state != overtaking.from || operation.cluster != by.cluster || !for_it {
        return Err(StoreError::Conflict { what: "another state of the operation" });
    }
    let may = operation.may_be_overtaken(&by.plan.intent, &by.proposed_by, role);
    may.map_err(|_| StoreError::Conflict { what: "end that this person may not give it" })?;
    put_state(tx, operation.id, &overtaking.to, at).await
}

/// `at` counts where it is over.
async fn put_state(
    tx: &mut SqliteConnection,
    id: OperationId,
    to: &OperationState,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE operations SET state = ?, state_json = ?, finished_at = ? WHERE id = ?")
        .bind(to.word())
        .bind(to_json("state", to)?)
        .bind(to.is_over().then(|| micros(at)))
        .bind(id.to_string())
        .execute(tx)
        .await
        .map_err(refused(HELD, "operation"))?;
    Ok(())
}

async fn state_of(tx: &mut SqliteConnection, id: OperationId) -> Result<OperationState, StoreError> {
    let row = sqlx::query("SELECT state_json FROM operations WHERE id = ?")
        .bind(id.to_string())
        .fetch_optional(tx)
        .await
        .map_err(db)?;
    json(&row.ok_or(StoreError::NotFound { what: "operation" })?, "state_json")
}

/// Moves the step to the status that follows.
async fn apply(tx: &mut SqliteConnection, entry: &JournalEntry) -> Result<(), StoreError> {
    let row = sqlx::query("SELECT status FROM operation_steps WHERE operation = ? AND step = ?")
        .bind(entry.operation.to_string())
        .bind(entry.step)
        .fetch_optional(&mut *tx)
        .await
        .map_err(db)?;
    let status: StepStatus = json(&row.ok_or(StoreError::NotFound { what: "step" })?, "status")?;
    let next =
        status.after(&entry.event, entry.at).map_err(|_| StoreError::Conflict { what: "other status of the step" })?;
    let result = sqlx::query("UPDATE operation_steps SET status = ? WHERE operation = ? AND step = ?")
        .bind(to_json("status", &next)?)
        .bind(entry.operation.to_string())
        .bind(entry.step)
        .execute(tx)
        .await
        .map_err(db)?;
    touched(&result, "step")
}

async fn record(tx: &mut SqliteConnection, entry: &JournalEntry) -> Result<(), StoreError> {
    let recorded = Recorded { step: entry.step, at: entry.at, event: entry.event.clone() };
    sqlx::query(
        "INSERT INTO journal (operation, seq, step, entry)
         SELECT ?1, COALESCE(MAX(seq), 0) + 1, ?2, ?3 FROM journal WHERE operation = ?1",
    )
    .bind(entry.operation.to_string())
    .bind(entry.step)
    .bind(to_json("journal entry", &recorded)?)
    .execute(tx)
    .await
    .map_err(refused("journal entry", "operation"))?;
    Ok(())
}
