//! Reading the whole audit again and comparing everything with everything.

use super::derived::Derived;
use super::hash;
use crate::SqliteStore;
use crate::codec::{db, get, number, signed};
use engine::audit::chain::{self, Hash};
use engine::ports::StoreError;
use model::audit::{AuditEntry, ChainState};
use sqlx::sqlite::SqliteRow;

/// Rows read at once.
const BLOCK_ROWS: i64 = 1_000;

/// What it cannot see: entries missing at the very end, or a chain computed anew as a whole. Checkpoints kept elsewhere show those.
pub(super) async fn verify(store: &SqliteStore) -> Result<ChainState, StoreError> {
    let mut index = 0_u64;
    let mut head = chain::GENESIS;
    loop {
        let rows = block(store, index).await?;
        if rows.is_empty() {
            return Ok(ChainState::Whole { entries: index, verified_at: store.now(), head: hex::encode(head) });
        }
        for row in &rows {
            index += 1;
            match follow(row, index, &head) {
                Some(next) => head = next,
                None => return broken(store, index).await,
            }
        }
    }
}

async fn block(store: &SqliteStore, after: u64) -> Result<Vec<SqliteRow>, StoreError> {
    sqlx::query(
        "SELECT idx, bytes, prev, hash, at, code, who, outcome, cluster, node, operation, step, risk, command, reason, exit, started, words
         FROM audit WHERE idx > ? ORDER BY idx LIMIT ?",
    )
    .bind(signed("index", after)?)
    .bind(BLOCK_ROWS)
    .fetch_all(&store.readers)
    .await
    .map_err(db)
}

/// The row's hash if the row is what must follow; a row that cannot even be read is as bad as a wrong one.
fn follow(row: &SqliteRow, index: u64, previous: &Hash) -> Option<Hash> {
    let bytes: &[u8] = get(row, "bytes").ok()?;
    let entry: AuditEntry = serde_json::from_slice(bytes).ok()?;
    let expected = chain::entry_hash(previous, bytes, index);
    let whole = number::<u64>(row, "idx").ok()? == index
        && hash(row, "prev").ok()? == *previous
        && hash(row, "hash").ok()? == expected
        && Derived::stored(row).ok()? == Derived::of(&entry).ok()?;
    whole.then_some(expected)
}

async fn broken(store: &SqliteStore, at_index: u64) -> Result<ChainState, StoreError> {
    let entries: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM audit").fetch_one(&store.readers).await.map_err(db)?;
    Ok(ChainState::Broken { at_index, entries: u64::try_from(entries).unwrap_or(0), verified_at: store.now() })
}
