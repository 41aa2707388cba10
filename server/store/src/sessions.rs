//! Browser sessions, found by the hash of their id.

use crate::SqliteStore;
use crate::codec::{corrupt, db, get, micros, refused, time, touched};
use async_trait::async_trait;
use engine::ports::{SessionRow, SessionStore, StoreError};
use jiff::Timestamp;
use model::ids::UserId;
use sqlx::sqlite::SqliteRow;

#[async_trait]
impl SessionStore for SqliteStore {
    async fn create_session(&self, row: &SessionRow) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("INSERT INTO sessions (id_hash, user_id, data, created_at, expires_at) VALUES (?, ?, ?, ?, ?)")
            .bind(row.id_hash.as_slice())
            .bind(row.user.map(|id| id.to_string()))
            .bind(&row.data)
            .bind(micros(row.created_at))
            .bind(micros(row.expires_at))
            .execute(&mut *tx)
            .await
            .map_err(refused("session", "user"))?;
        tx.commit().await.map_err(db)
    }

    /// Changes user, data and end. `NotFound` where the session has been ended meanwhile: saving must not bring it back.
    async fn save_session(&self, row: &SessionRow) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let result = sqlx::query("UPDATE sessions SET user_id = ?, data = ?, expires_at = ? WHERE id_hash = ?")
            .bind(row.user.map(|id| id.to_string()))
            .bind(&row.data)
            .bind(micros(row.expires_at))
            .bind(row.id_hash.as_slice())
            .execute(&mut *tx)
            .await
            .map_err(refused("session", "user"))?;
        touched(&result, "session")?;
        tx.commit().await.map_err(db)
    }

    async fn load_session(&self, id_hash: &[u8; 32], now: Timestamp) -> Result<Option<SessionRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM sessions WHERE id_hash = ? AND expires_at > ?")
            .bind(id_hash.as_slice())
            .bind(micros(now))
            .fetch_optional(&self.readers)
            .await
            .map_err(db)?;
        row.as_ref().map(session_of).transpose()
    }

    async fn delete_session(&self, id_hash: &[u8; 32]) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM sessions WHERE id_hash = ?")
            .bind(id_hash.as_slice())
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        tx.commit().await.map_err(db)
    }

    async fn delete_sessions_of(&self, user: UserId) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let result = sqlx::query("DELETE FROM sessions WHERE user_id = ?")
            .bind(user.to_string())
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        tx.commit().await.map_err(db)?;
        Ok(result.rows_affected())
    }

    async fn expire_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let result = sqlx::query("DELETE FROM sessions WHERE expires_at <= ?")
            .bind(micros(now))
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        tx.commit().await.map_err(db)?;
        Ok(result.rows_affected())
    }
}

fn session_of(row: &SqliteRow) -> Result<SessionRow, StoreError> {
    let user: Option<&str> = get(row, "user_id")?;
    Ok(SessionRow {
        id_hash: get::<&[u8]>(row, "id_hash")?.try_into().map_err(|error| corrupt("id_hash", error))?,
        user: user.map(str::parse).transpose().map_err(|error| corrupt("user_id", error))?,
        data: get(row, "data")?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
    })
}
