//! Signed checkpoints of the audit, and questions to it that people keep.

use crate::SqliteStore;
use crate::codec::{corrupt, db, get, micros, number, refused, signed, time};
use async_trait::async_trait;
use engine::ports::{CheckpointStore, FilterStore, StoreError};
use model::audit::SavedFilter;
use model::checkpoint::Checkpoint;
use model::ids::UserId;
use sqlx::sqlite::SqliteRow;

#[async_trait]
impl CheckpointStore for SqliteStore {
    async fn keep_checkpoint(&self, one: &Checkpoint) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("INSERT INTO checkpoints (size, head, at, key, signature) VALUES (?, ?, ?, ?, ?)")
            .bind(signed("size", one.size)?)
            .bind(bytes("head", &one.head)?)
            .bind(micros(one.at))
            .bind(bytes("key", &one.key)?)
            .bind(bytes("signature", &one.signature)?)
            .execute(&mut *tx)
            .await
            .map_err(refused("checkpoint", "checkpoint"))?;
        tx.commit().await.map_err(db)
    }

    async fn last_checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        let row = sqlx::query("SELECT size, head, at, key, signature FROM checkpoints ORDER BY size DESC LIMIT 1")
            .fetch_optional(&self.readers)
            .await
            .map_err(db)?;
        row.as_ref().map(checkpoint).transpose()
    }

    async fn checkpoints_after(&self, size: u64, limit: u32) -> Result<Vec<Checkpoint>, StoreError> {
        let rows =
            sqlx::query("SELECT size, head, at, key, signature FROM checkpoints WHERE size > ? ORDER BY size LIMIT ?")
                .bind(signed("size", size)?)
                .bind(i64::from(limit))
                .fetch_all(&self.readers)
                .await
                .map_err(db)?;
        rows.iter().map(checkpoint).collect()
    }
}

#[async_trait]
impl FilterStore for SqliteStore {
    async fn saved_filters(&self, user: UserId) -> Result<Vec<SavedFilter>, StoreError> {
        let rows = sqlx::query("SELECT name, query FROM saved_filters WHERE user = ? ORDER BY name")
            .bind(user.to_string())
            .fetch_all(&self.readers)
            .await
            .map_err(db)?;
        rows.iter().map(|row| Ok(SavedFilter { name: get(row, "name")?, query: get(row, "query")? })).collect()
    }

    async fn save_filter(&self, user: UserId, filter: &SavedFilter) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("INSERT INTO saved_filters (user, name, query) VALUES (?, ?, ?) ON CONFLICT (user, name) DO UPDATE SET query = excluded.query")
            .bind(user.to_string())
            .bind(&filter.name)
            .bind(&filter.query)
            .execute(&mut *tx)
            .await
            .map_err(refused("filter", "account"))?;
        tx.commit().await.map_err(db)
    }

    async fn drop_filter(&self, user: UserId, name: &str) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM saved_filters WHERE user = ? AND name = ?")
            .bind(user.to_string())
            .bind(name)
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        tx.commit().await.map_err(db)
    }
}

fn bytes(what: &'static str, text: &str) -> Result<Vec<u8>, StoreError> {
    hex::decode(text).map_err(|error| corrupt(what, error))
}

fn checkpoint(row: &SqliteRow) -> Result<Checkpoint, StoreError> {
    let text = |column| get::<&[u8]>(row, column).map(hex::encode);
    Ok(Checkpoint {
        size: number(row, "size")?,
        head: text("head")?,
        at: time(row, "at")?,
        key: text("key")?,
        signature: text("signature")?,
    })
}
