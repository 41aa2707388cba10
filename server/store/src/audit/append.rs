//! The one place that writes to the audit.

use super::hash;
use crate::SqliteStore;
use crate::codec::{corrupt, db, number, signed};
use engine::audit::chain::{self, Hash};
use engine::ports::StoreError;
use model::audit::{AuditEntry, ChainedEntry};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use std::sync::{Arc, Mutex, PoisonError};

/// Entries in one statement, where there are many.
const ROWS: usize = 100;

/// Index and hash of the newest entry as far as this process knows: then an entry costs one statement.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownHead(Arc<Mutex<Option<(u64, Hash)>>>);

impl KnownHead {
    fn take(&self) -> Option<(u64, Hash)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, head: (u64, Hash)) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(head);
    }

    /// A transaction may append too, or be rolled back.
    pub fn forget(&self) {
        self.take();
    }
}

/// Appends by itself, in one statement where the head is known. Another process may have been faster; the trigger refuses it then,
/// and it is chained anew under the lock, where nobody is faster.
pub(super) async fn append(store: &SqliteStore, entry: AuditEntry) -> Result<ChainedEntry, StoreError> {
    if let Some((index, previous, hash)) = append_known(store, &entry).await? {
        return Ok(chained(index, entry, &previous, &hash));
    }
    let mut tx = store.write().await?;
    let (last, previous) = head(&mut tx).await?;
    let (index, bytes) = (last + 1, encoded(&entry)?);
    let hash = chain::entry_hash(&previous, &bytes, index);
    insert(&mut tx, index, &bytes, &previous, &hash).await?;
    tx.commit().await.map_err(db)?;
    store.known_head.set((index, hash));
    Ok(chained(index, entry, &previous, &hash))
}

/// Index, previous hash and hash; `None` where the head is not known, or not any more.
async fn append_known(store: &SqliteStore, entry: &AuditEntry) -> Result<Option<(u64, Hash, Hash)>, StoreError> {
    // There is one connection that writes, so nobody here appends at the same time.
    let mut writer = store.writer().await?;
    let Some((last, previous)) = store.known_head.take() else { return Ok(None) };
    let (index, bytes) = (last + 1, encoded(entry)?);
    let hash = chain::entry_hash(&previous, &bytes, index);
    if insert(&mut writer, index, &bytes, &previous, &hash).await.is_err() {
        return Ok(None);
    }
    store.known_head.set((index, hash));
    Ok(Some((index, previous, hash)))
}

fn encoded(entry: &AuditEntry) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(entry).map_err(|error| corrupt("audit entry", error))
}

/// Appends within the caller's transaction, which must hold the write lock: entry and change are kept together or not at all.
pub(crate) async fn append_in(tx: &mut SqliteConnection, entry: AuditEntry) -> Result<ChainedEntry, StoreError> {
    let (last, previous) = head(tx).await?;
    let index = last + 1;
    let bytes = encoded(&entry)?;
    let hash = chain::entry_hash(&previous, &bytes, index);
    insert(tx, index, &bytes, &previous, &hash).await?;
    Ok(chained(index, entry, &previous, &hash))
}

impl SqliteStore {
    /// Appends all of them in their order, in one transaction: for filling a database, not for what happens.
    ///
    /// # Errors
    /// `Database` when it cannot be written; then none of them is there.
    pub async fn fill_audit(&self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let (mut index, mut previous) = head(&mut tx).await?;
        for part in entries.chunks(ROWS) {
            let mut rows = Vec::with_capacity(part.len());
            for entry in part {
                index += 1;
                let bytes = encoded(entry)?;
                let hash = chain::entry_hash(&previous, &bytes, index);
                rows.push((signed("index", index)?, bytes, previous, hash));
                previous = hash;
            }
            let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO audit (idx, bytes, prev, hash) ");
            query.push_values(rows, |mut row, (index, bytes, previous, hash)| {
                row.push_bind(index).push_bind(bytes).push_bind(previous.to_vec()).push_bind(hash.to_vec());
            });
            query.build().execute(&mut *tx).await.map_err(db)?;
        }
        tx.commit().await.map_err(db)
    }
}

async fn insert(
    connection: &mut SqliteConnection,
    index: u64,
    bytes: &[u8],
    previous: &Hash,
    hash: &Hash,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO audit (idx, bytes, prev, hash) VALUES (?, ?, ?, ?)")
        .bind(signed("index", index)?)
        .bind(bytes)
        .bind(previous.as_slice())
        .bind(hash.as_slice())
        .execute(connection)
        .await
        .map_err(db)?;
    Ok(())
}

fn chained(index: u64, entry: AuditEntry, previous: &Hash, hash: &Hash) -> ChainedEntry {
    ChainedEntry { index, entry, previous: hex::encode(previous), hash: hex::encode(hash) }
}

/// Index and hash of the newest entry.
async fn head(tx: &mut SqliteConnection) -> Result<(u64, Hash), StoreError> {
    let newest = "SELECT idx, hash FROM audit ORDER BY idx DESC LIMIT 1";
    let row = match sqlx::query(newest).fetch_optional(&mut *tx).await.map_err(db)? {
        Some(row) => row,
        None => sqlx::query("SELECT idx, hash FROM audit_base").fetch_one(tx).await.map_err(db)?,
    };
    Ok((number(&row, "idx")?, hash(&row, "hash")?))
}
