//! Second factors: sealed secrets, and hashes of recovery codes; this crate never sees a key.

use crate::SqliteStore;
use crate::audit::append_in;
use crate::codec::{db, get, micros, number, refused, signed, time, time_or_none, touched};
use crate::users::end_sessions;
use async_trait::async_trait;
use engine::ports::{FactorReset, SecondFactorStore, StoreError, StoredFactor};
use jiff::Timestamp;
use model::audit::AuditEntry;
use model::ids::UserId;
use sqlx::SqliteConnection;

const WHAT: &str = "second factor";

#[async_trait]
impl SecondFactorStore for SqliteStore {
    async fn second_factor(&self, user: UserId) -> Result<Option<StoredFactor>, StoreError> {
        let row = sqlx::query(
            "SELECT *, (SELECT COUNT(*) FROM recovery_codes WHERE recovery_codes.user_id = ?1 AND used_at IS NULL) AS left_over
             FROM second_factors WHERE user_id = ?1",
        )
        .bind(user.to_string())
        .fetch_optional(&self.readers)
        .await
        .map_err(db)?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(StoredFactor {
            sealed: get(&row, "sealed")?,
            begun_at: time(&row, "begun_at")?,
            enrolled_at: time_or_none(&row, "enrolled_at")?,
            last_step: number(&row, "last_step")?,
            recovery_left: number(&row, "left_over")?,
        }))
    }

    async fn begin_factor(&self, user: UserId, sealed: &[u8], now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let result = sqlx::query(
            "INSERT INTO second_factors (user_id, sealed, begun_at, enrolled_at, last_step) VALUES (?, ?, ?, NULL, 0)
             ON CONFLICT (user_id) DO UPDATE SET sealed = excluded.sealed, begun_at = excluded.begun_at
             WHERE enrolled_at IS NULL",
        )
        .bind(user.to_string())
        .bind(sealed)
        .bind(micros(now))
        .execute(&mut *tx)
        .await
        .map_err(refused(WHAT, "user"))?;
        if result.rows_affected() == 0 {
            return Err(StoreError::Conflict { what: WHAT });
        }
        tx.commit().await.map_err(db)
    }

    async fn enrol_factor(
        &self,
        user: UserId,
        sealed: &[u8],
        step: u64,
        recovery: &[[u8; 32]],
        now: Timestamp,
        audit: AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let result = sqlx::query(
            "UPDATE second_factors SET enrolled_at = ?, last_step = ?
             WHERE user_id = ? AND sealed = ? AND enrolled_at IS NULL",
        )
        .bind(micros(now))
        .bind(signed("last_step", step)?)
        .bind(user.to_string())
        .bind(sealed)
        .execute(&mut *tx)
        .await
        .map_err(db)?;
        if result.rows_affected() == 0 {
            return Err(StoreError::Conflict { what: WHAT });
        }
        for code in recovery {
            sqlx::query("INSERT INTO recovery_codes (user_id, code_hash) VALUES (?, ?)")
                .bind(user.to_string())
                .bind(code.as_slice())
                .execute(&mut *tx)
                .await
                .map_err(refused("recovery code", WHAT))?;
        }
        forget_reset(&mut tx, user).await?;
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }

    async fn use_step(&self, user: UserId, step: u64) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let result = sqlx::query(
            "UPDATE second_factors SET last_step = ?1 WHERE user_id = ?2 AND last_step < ?1 AND enrolled_at IS NOT NULL",
        )
        .bind(signed("last_step", step)?)
        .bind(user.to_string())
        .execute(&mut *tx)
        .await
        .map_err(db)?;
        tx.commit().await.map_err(db)?;
        Ok(result.rows_affected() == 1)
    }

    async fn use_recovery_code(
        &self,
        user: UserId,
        code_hash: &[u8; 32],
        now: Timestamp,
        mut audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let result = sqlx::query(
            "UPDATE recovery_codes SET used_at = ? WHERE user_id = ? AND code_hash = ? AND used_at IS NULL",
        )
        .bind(micros(now))
        .bind(user.to_string())
        .bind(code_hash.as_slice())
        .execute(&mut *tx)
        .await
        .map_err(db)?;
        if result.rows_affected() == 0 {
            return Ok(false);
        }
        let row = sqlx::query("SELECT COUNT(*) AS left_over FROM recovery_codes WHERE user_id = ? AND used_at IS NULL")
            .bind(user.to_string())
            .fetch_one(&mut *tx)
            .await
            .map_err(db)?;
        audit.details.insert("left".to_owned(), number::<u32>(&row, "left_over")?.to_string());
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)?;
        Ok(true)
    }

    async fn remove_factor(&self, user: UserId, audit: AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        delete(&mut tx, user).await?;
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }

    async fn reset_factor(&self, user: UserId, by: &str, now: Timestamp, audit: AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        delete(&mut tx, user).await?;
        end_sessions(&mut tx, user).await?;
        sqlx::query(
            "INSERT INTO second_factor_resets (user_id, reset_by, reset_at) VALUES (?, ?, ?)
             ON CONFLICT (user_id) DO UPDATE SET reset_by = excluded.reset_by, reset_at = excluded.reset_at",
        )
        .bind(user.to_string())
        .bind(by)
        .bind(micros(now))
        .execute(&mut *tx)
        .await
        .map_err(refused("reset", "user"))?;
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }

    async fn factor_reset(&self, user: UserId) -> Result<Option<FactorReset>, StoreError> {
        let row = sqlx::query("SELECT reset_by, reset_at FROM second_factor_resets WHERE user_id = ?")
            .bind(user.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(db)?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(FactorReset { by: get(&row, "reset_by")?, at: time(&row, "reset_at")? }))
    }

    async fn forget_factor_reset(&self, user: UserId) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        forget_reset(&mut tx, user).await?;
        tx.commit().await.map_err(db)
    }
}

/// Whether a code is asked for at sign-in.
pub(crate) async fn is_enrolled(tx: &mut SqliteConnection, user: UserId) -> Result<bool, StoreError> {
    let row = sqlx::query(
        "SELECT EXISTS (SELECT 1 FROM second_factors WHERE user_id = ? AND enrolled_at IS NOT NULL) AS enrolled",
    )
    .bind(user.to_string())
    .fetch_one(tx)
    .await
    .map_err(db)?;
    get(&row, "enrolled")
}

/// Its recovery codes go with it.
async fn delete(tx: &mut SqliteConnection, user: UserId) -> Result<(), StoreError> {
    let result = sqlx::query("DELETE FROM second_factors WHERE user_id = ? AND enrolled_at IS NOT NULL")
        .bind(user.to_string())
        .execute(tx)
        .await
        .map_err(db)?;
    touched(&result, WHAT)
}

async fn forget_reset(tx: &mut SqliteConnection, user: UserId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM second_factor_resets WHERE user_id = ?")
        .bind(user.to_string())
        .execute(tx)
        .await
        .map_err(db)?;
    Ok(())
}
