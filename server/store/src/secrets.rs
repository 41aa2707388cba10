//! Blobs that are sealed already; this crate never sees a key.

use crate::SqliteStore;
use crate::codec::{db, get};
use engine::ports::StoreError;

impl SqliteStore {
    /// Keeps a sealed blob under a name, in place of an earlier one.
    ///
    /// # Errors
    /// `Database` when it cannot be written.
    pub async fn put_sealed(&self, name: &str, sealed: &[u8]) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("INSERT INTO secrets (name, sealed) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed")
            .bind(name)
            .bind(sealed)
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        tx.commit().await.map_err(db)
    }

    /// The sealed blob of that name, if there is one.
    ///
    /// # Errors
    /// `Database` when it cannot be read.
    pub async fn sealed(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query("SELECT sealed FROM secrets WHERE name = ?")
            .bind(name)
            .fetch_optional(&self.readers)
            .await
            .map_err(db)?;
        row.map(|row| get(&row, "sealed")).transpose()
    }
}
