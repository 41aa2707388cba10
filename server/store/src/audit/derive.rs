//! Filling in what entries are found by. It follows the chain; whoever looks for something waits until it has caught up.

use super::derived::{Derived, words};
use super::keys::{keys, signs};
use super::lists;
use super::period::BLOCK;
use crate::SqliteStore;
use crate::codec::{db, get};
use engine::ports::StoreError;
use model::audit::AuditEntry;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

/// Entries in one transaction: other writers get their turn in between.
const BATCH: i64 = 2_000;
/// Entries in one statement.
const ROWS: usize = 100;

/// Derives what is behind; returns how many entries that were.
pub(super) async fn catch_up(store: &SqliteStore) -> Result<u64, StoreError> {
    let mut count = 0;
    while is_behind(store).await? {
        let mut tx = store.write().await?;
        let rows = behind(&mut tx).await?;
        let rows = rows.iter().map(of).collect::<Result<Vec<_>, _>>()?;
        for part in rows.chunks(ROWS) {
            found(part).build().execute(&mut *tx).await.map_err(db)?;
            indexed(part).build().execute(&mut *tx).await.map_err(db)?;
        }
        spans(&mut tx).await?;
        tx.commit().await.map_err(db)?;
        count += u64::try_from(rows.len()).unwrap_or(0);
        if rows.is_empty() {
            break;
        }
    }
    lists::close(store).await?;
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

/// An entry's index, and what it is found by: nothing, where its bytes are no entry. It has its place all the same, so that
/// those behind it are found.
type Found<'a> = (i64, Option<(Derived<'a>, String)>);

fn of(row: &SqliteRow) -> Result<Found<'_>, StoreError> {
    let found = get::<&[u8]>(row, "bytes").ok().and_then(|bytes| {
        let entry: AuditEntry = serde_json::from_slice(bytes).ok()?;
        Some((serde_json::from_slice(bytes).ok()?, words(&entry)))
    });
    Ok((get(row, "idx")?, found))
}

fn found(rows: &[Found<'_>]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("INSERT INTO audit_found (idx, at, code, started) ");
    query.push_values(rows, |mut row, (index, found)| {
        let (at, code, started) =
            found.as_ref().map_or((0, "", None), |(one, _)| (one.at(), one.code.as_str(), one.started()));
        row.push_bind(*index).push_bind(at).push_bind(code).push_bind(started);
    });
    query
}

fn indexed(rows: &[Found<'_>]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("INSERT INTO audit_index (rowid, keys, signs, words) ");
    query.push_values(rows, |mut row, (index, found)| {
        let words = found.as_ref().map_or("", |(_, words)| words);
        let keys = found.as_ref().map(|(derived, _)| keys(derived)).unwrap_or_default();
        row.push_bind(*index).push_bind(keys).push_bind(signs(words)).push_bind(words);
    });
    query
}

/// The times of the blocks that are full now; the first of a file may have begun in an archived part.
async fn spans(tx: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO audit_spans (block, earliest, latest)
         SELECT (idx - 1) / ?1, MIN(at), MAX(at) FROM audit_found
         WHERE idx > (SELECT COALESCE(MAX(block) + 1, 0) FROM audit_spans) * ?1
         GROUP BY (idx - 1) / ?1 HAVING MAX(idx) % ?1 = 0 ORDER BY 1",
    )
    .bind(BLOCK)
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}
