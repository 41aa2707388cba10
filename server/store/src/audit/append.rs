//! The one place that writes to the audit.

use super::derived::Derived;
use super::hash;
use crate::codec::{corrupt, db, number, signed};
use engine::audit::chain::{self, Hash};
use engine::ports::StoreError;
use model::audit::{AuditEntry, ChainedEntry};
use sqlx::SqliteConnection;

/// Appends within the caller's transaction, which must hold the write lock: entry and change are kept together or not at all.
pub(crate) async fn append_in(tx: &mut SqliteConnection, entry: AuditEntry) -> Result<ChainedEntry, StoreError> {
    let (last, previous) = head(tx).await?;
    let index = last + 1;
    let bytes = serde_json::to_vec(&entry).map_err(|error| corrupt("audit entry", error))?;
    let hash = chain::entry_hash(&previous, &bytes, index);
    let derived = Derived::of(&entry)?;
    sqlx::query(
        "INSERT INTO audit (idx, bytes, prev, hash, at, code, who, outcome, cluster, node, operation, step, risk, command, reason, exit, started, words)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(signed("index", index)?)
    .bind(&bytes)
    .bind(previous.as_slice())
    .bind(hash.as_slice())
    .bind(derived.at)
    .bind(derived.code)
    .bind(derived.who)
    .bind(derived.outcome)
    .bind(derived.cluster)
    .bind(derived.node)
    .bind(derived.operation)
    .bind(derived.step)
    .bind(derived.risk)
    .bind(derived.command)
    .bind(derived.reason)
    .bind(derived.exit)
    .bind(derived.started)
    .bind(derived.words)
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(ChainedEntry { index, entry, previous: hex::encode(previous), hash: hex::encode(hash) })
}

/// Index and hash of the newest entry.
async fn head(tx: &mut SqliteConnection) -> Result<(u64, Hash), StoreError> {
    let row =
        sqlx::query("SELECT idx, hash FROM audit ORDER BY idx DESC LIMIT 1").fetch_optional(tx).await.map_err(db)?;
    row.map_or(Ok((0, chain::GENESIS)), |row| Ok((number(&row, "idx")?, hash(&row, "hash")?)))
}
