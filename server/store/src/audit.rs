//! The audit table: exact bytes in a hash chain, and columns derived from them to search by.

mod append;
mod derive;
mod derived;
mod keys;
mod lists;
mod period;
mod search;
mod segments;
mod verify;
mod whole;

#[cfg(test)]
mod tests;

pub(crate) use append::{KnownHead, append_in};
pub(crate) use lists::Lists;
pub use segments::FOLDER as ARCHIVE_FOLDER;
pub(crate) use segments::{Segments, enlist, folder};

use crate::SqliteStore;
use crate::codec::{corrupt, db, get, number, signed};
use async_trait::async_trait;
use engine::audit::chain::Hash;
use engine::ports::{AuditStore, StoreError};
use model::audit::{AuditEntry, AuditFilter, AuditPage, ChainState, ChainedEntry};
use sqlx::sqlite::SqliteRow;

#[async_trait]
impl AuditStore for SqliteStore {
    async fn append(&self, entry: AuditEntry) -> Result<ChainedEntry, StoreError> {
        append::append(self, entry).await
    }

    async fn find(&self, filter: &AuditFilter, limit: u32) -> Result<AuditPage, StoreError> {
        whole::find(self, filter, limit).await
    }

    async fn entry(&self, index: u64) -> Result<ChainedEntry, StoreError> {
        whole::entry(self, index).await
    }

    async fn entries(&self) -> Result<u64, StoreError> {
        verify::entries(self).await
    }

    async fn verify_after(&self, index: u64, hash: &str) -> Result<ChainState, StoreError> {
        whole::verify_after(self, index, hash).await
    }

    async fn derive(&self) -> Result<u64, StoreError> {
        derive::catch_up(self).await
    }

    /// Paired by `engine::audit::DETAIL_STARTED` of the later entry. No pair reaches into an archived part: none is closed while
    /// a command is without its end.
    async fn unpaired(&self) -> Result<Vec<ChainedEntry>, StoreError> {
        derive::catch_up(self).await?;
        let rows = sqlx::query(
            "SELECT audit.idx, bytes, prev, hash FROM audit JOIN audit_found AS began ON began.idx = audit.idx
             WHERE began.code = 'command_started'
                 AND NOT EXISTS (SELECT 1 FROM audit_found AS ended WHERE ended.started = began.idx)
             ORDER BY audit.idx",
        )
        .fetch_all(&self.readers)
        .await
        .map_err(db)?;
        rows.iter().filter_map(|row| readable(row).transpose()).collect()
    }
}

/// `None` where the bytes are no entry.
fn readable(row: &SqliteRow) -> Result<Option<ChainedEntry>, StoreError> {
    match chained(row) {
        Err(StoreError::Corrupt { .. }) => Ok(None),
        other => other.map(Some),
    }
}

/// Reads the entries of one file again, from one that has that hash (in hex).
pub(crate) async fn verify_file(store: &SqliteStore, after: u64, hash: &str) -> Result<ChainState, StoreError> {
    verify::verify(store, after, hash).await
}

/// The stored hash (in hex) of an entry of this file.
pub(crate) async fn hash_in(store: &SqliteStore, index: u64) -> Result<Option<String>, StoreError> {
    Ok(verify::hash_of(store, index).await?.map(hex::encode))
}

/// An entry of this file.
async fn entry_of(store: &SqliteStore, index: u64) -> Result<ChainedEntry, StoreError> {
    let row = sqlx::query("SELECT idx, bytes, prev, hash FROM audit WHERE idx = ?")
        .bind(signed("index", index)?)
        .fetch_optional(&store.readers)
        .await
        .map_err(db)?;
    chained(&row.ok_or(StoreError::NotFound { what: "audit entry" })?)
}

fn chained(row: &SqliteRow) -> Result<ChainedEntry, StoreError> {
    let entry = serde_json::from_slice(get(row, "bytes")?).map_err(|error| corrupt("audit entry", error))?;
    Ok(ChainedEntry {
        index: number(row, "idx")?,
        entry,
        previous: hex::encode(hash(row, "prev")?),
        hash: hex::encode(hash(row, "hash")?),
    })
}

fn hash(row: &SqliteRow, column: &'static str) -> Result<Hash, StoreError> {
    get::<&[u8]>(row, column)?.try_into().map_err(|error| corrupt(column, error))
}
