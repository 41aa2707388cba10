//! The least that a durable insert costs: the rival of the audit in the benchmarks, with the same file settings.

use crate::codec::db;
use crate::open;
use engine::ports::StoreError;
use sqlx::SqlitePool;
use std::path::Path;

/// A table of numbered bytes and nothing else.
pub struct Bare(SqlitePool);

impl Bare {
    /// # Errors
    /// `Database` when the file cannot be made.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let writer = open::pool(1).connect_with(open::durable(path).create_if_missing(true)).await.map_err(db)?;
        sqlx::query("CREATE TABLE bare (idx INTEGER PRIMARY KEY, bytes BLOB NOT NULL)")
            .execute(&writer)
            .await
            .map_err(db)?;
        Ok(Self(writer))
    }

    /// One insert, on disk before it returns.
    ///
    /// # Errors
    /// `Database` when it fails.
    pub async fn insert(&self, bytes: &[u8]) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO bare (bytes) VALUES (?)").bind(bytes).execute(&self.0).await.map_err(db)?;
        Ok(())
    }
}
