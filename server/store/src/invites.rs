//! Invitations: one token, one account.

use crate::codec::{db, from_word, get, micros, refused, touched};
use engine::ports::StoreError;
use jiff::Timestamp;
use model::role::Role;
use sqlx::{SqliteConnection, SqliteExecutor};

const WHAT: &str = "invitation";

pub(crate) async fn insert(
    tx: &mut SqliteConnection,
    token_hash: &[u8; 32],
    role: Role,
    name: Option<&str>,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO invites (token_hash, role, name, expires_at) VALUES (?, ?, ?, ?)")
        .bind(token_hash.as_slice())
        .bind(role.as_str())
        .bind(name)
        .bind(micros(expires_at))
        .execute(tx)
        .await
        .map_err(refused(WHAT, WHAT))?;
    Ok(())
}

/// Role and fixed name; `NotFound` where the token is unknown, used or expired: the three look the same to a stranger.
pub(crate) async fn valid(
    from: impl SqliteExecutor<'_>,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<(Role, Option<String>), StoreError> {
    let row = sqlx::query("SELECT role, name FROM invites WHERE token_hash = ? AND used_at IS NULL AND expires_at > ?")
        .bind(token_hash.as_slice())
        .bind(micros(now))
        .fetch_optional(from)
        .await
        .map_err(db)?;
    let row = row.ok_or(StoreError::NotFound { what: WHAT })?;
    Ok((from_word(&row, "role")?, get(&row, "name")?))
}

pub(crate) async fn use_up(tx: &mut SqliteConnection, token_hash: &[u8; 32], now: Timestamp) -> Result<(), StoreError> {
    let result = sqlx::query("UPDATE invites SET used_at = ? WHERE token_hash = ? AND used_at IS NULL")
        .bind(micros(now))
        .bind(token_hash.as_slice())
        .execute(tx)
        .await
        .map_err(db)?;
    touched(&result, WHAT)
}
