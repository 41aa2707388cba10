//! Filling in what entries are found by. It follows the chain; whoever looks for something waits until it has caught up.

use super::derived::Derived;
use crate::SqliteStore;
use crate::codec::{corrupt, db, get, number, signed};
use engine::ports::StoreError;
use model::audit::AuditEntry;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

/// Entries in one transaction: other writers get their turn in between.
const BATCH: i64 = 500;

/// Derives what is behind; returns how many entries that were.
pub(super) async fn catch_up(store: &SqliteStore) -> Result<u64, StoreError> {
    let mut count = 0;
    while is_behind(store).await? {
        let mut tx = store.write().await?;
        let rows = behind(&mut tx).await?;
        for row in &rows {
            insert(&mut tx, number(row, "idx")?, &of(row)?).await?;
        }
        tx.commit().await.map_err(db)?;
        count += u64::try_from(rows.len()).unwrap_or(0);
        if rows.is_empty() {
            break;
        }
    }
    Ok(count)
}

async fn is_behind(store: &SqliteStore) -> Result<bool, StoreError> {
    sqlx::query_scalar(
        "SELECT (SELECT COALESCE(MAX(idx), 0) FROM audit) > (SELECT COALESCE(MAX(idx), 0) FROM audit_found)",
    )
    .fetch_one(&store.readers)
    .await
    .map_err(db)
}

async fn behind(tx: &mut SqliteConnection) -> Result<Vec<SqliteRow>, StoreError> {
    sqlx::query(
        "SELECT idx, bytes FROM audit WHERE idx > (SELECT COALESCE(MAX(idx), 0) FROM audit_found) ORDER BY idx LIMIT ?",
    )
    .bind(BATCH)
    .fetch_all(tx)
    .await
    .map_err(db)
}

fn of(row: &SqliteRow) -> Result<Derived, StoreError> {
    let entry: AuditEntry =
        serde_json::from_slice(get(row, "bytes")?).map_err(|error| corrupt("audit entry", error))?;
    Derived::of(&entry)
}

async fn insert(tx: &mut SqliteConnection, index: u64, derived: &Derived) -> Result<(), StoreError> {
    let index = signed("index", index)?;
    sqlx::query(
        "INSERT INTO audit_found (idx, at, code, who, outcome, cluster, node, operation, step, risk, command, reason, exit, started, words)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(index)
    .bind(derived.at)
    .bind(&derived.code)
    .bind(&derived.who)
    .bind(&derived.outcome)
    .bind(&derived.cluster)
    .bind(&derived.node)
    .bind(&derived.operation)
    .bind(derived.step)
    .bind(&derived.risk)
    .bind(&derived.command)
    .bind(&derived.reason)
    .bind(derived.exit)
    .bind(derived.started)
    .bind(&derived.words)
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    sqlx::query("INSERT INTO audit_words (rowid, words) VALUES (?, ?)")
        .bind(index)
        .bind(&derived.words)
        .execute(tx)
        .await
        .map_err(db)?;
    Ok(())
}
