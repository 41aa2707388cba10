//! Accounts.

use crate::SqliteStore;
use crate::audit::append_in;
use crate::codec::{db, from_word, get, micros, number, parsed, refused, time, time_or_none, touched};
use crate::{invites, second_factors};
use async_trait::async_trait;
use engine::ports::{StoreError, StoredUser, UserStore, WaitAfter};
use jiff::Timestamp;
use model::audit::AuditEntry;
use model::ids::{ClusterId, UserId};
use model::role::{Access, Role};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use std::collections::BTreeMap;

#[async_trait]
impl UserStore for SqliteStore {
    /// In order of their names.
    async fn users(&self) -> Result<Vec<StoredUser>, StoreError> {
        let mut tx = self.read().await?;
        let rows = sqlx::query("SELECT * FROM users ORDER BY name_key").fetch_all(&mut *tx).await.map_err(db)?;
        let mut users = Vec::with_capacity(rows.len());
        for row in &rows {
            users.push(user_of(&mut tx, row).await?);
        }
        Ok(users)
    }

    async fn user(&self, id: UserId) -> Result<StoredUser, StoreError> {
        let mut tx = self.read().await?;
        let row = sqlx::query("SELECT * FROM users WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&mut *tx)
            .await
            .map_err(db)?;
        user_of(&mut tx, &row.ok_or(StoreError::NotFound { what: "user" })?).await
    }

    /// Upper and lower case are the same.
    async fn user_by_name(&self, name: &str) -> Result<StoredUser, StoreError> {
        let mut tx = self.read().await?;
        let row = sqlx::query("SELECT * FROM users WHERE name_key = ?")
            .bind(key(name))
            .fetch_optional(&mut *tx)
            .await
            .map_err(db)?;
        user_of(&mut tx, &row.ok_or(StoreError::NotFound { what: "user" })?).await
    }

    async fn add_user(&self, user: &StoredUser, audit: AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        insert(&mut tx, user).await?;
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }

    /// Also ends all sessions: who knew the old password is out. The count of failures stays, for it guards the second
    /// factor too.
    async fn set_password(&self, id: UserId, hash: &str, audit: AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let result = sqlx::query("UPDATE users SET password_hash = ? WHERE id = ?")
            .bind(hash)
            .bind(id.to_string())
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        touched(&result, "user")?;
        end_sessions(&mut tx, id).await?;
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }

    async fn set_role(
        &self,
        id: UserId,
        cluster: Option<ClusterId>,
        role: Role,
        audit: AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        match cluster {
            None => {
                if role != Role::Admin {
                    keep_an_admin(&mut tx, id).await?;
                }
                let update =
                    sqlx::query("UPDATE users SET role = ? WHERE id = ?").bind(role.as_str()).bind(id.to_string());
                touched(&update.execute(&mut *tx).await.map_err(db)?, "user")?;
            }
            Some(cluster) => set_cluster_role(&mut tx, id, cluster, role).await?,
        }
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }

    async fn drop_role(&self, id: UserId, cluster: ClusterId, audit: AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let result = sqlx::query("DELETE FROM user_roles WHERE user_id = ? AND cluster = ?")
            .bind(id.to_string())
            .bind(cluster.to_string())
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        touched(&result, "role")?;
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }

    async fn disable(&self, id: UserId, audit: AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        keep_an_admin(&mut tx, id).await?;
        let result = sqlx::query("UPDATE users SET disabled = 1 WHERE id = ?")
            .bind(id.to_string())
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        touched(&result, "user")?;
        end_sessions(&mut tx, id).await?;
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }

    async fn note_sign_in(&self, id: UserId, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let result = sqlx::query("UPDATE users SET last_sign_in = ?, failures = 0, locked_until = NULL WHERE id = ?")
            .bind(micros(at))
            .bind(id.to_string())
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        touched(&result, "user")?;
        tx.commit().await.map_err(db)
    }

    /// The wait is that of the count which this transaction writes, whatever others have counted meanwhile.
    async fn note_failure(&self, id: UserId, at: Timestamp, wait: WaitAfter) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let row = sqlx::query("UPDATE users SET failures = failures + 1 WHERE id = ? RETURNING failures")
            .bind(id.to_string())
            .fetch_optional(&mut *tx)
            .await
            .map_err(db)?;
        let failures: u32 = number(&row.ok_or(StoreError::NotFound { what: "user" })?, "failures")?;
        if let Some(until) = wait(failures, at) {
            sqlx::query("UPDATE users SET locked_until = MAX(COALESCE(locked_until, ?1), ?1) WHERE id = ?2")
                .bind(micros(until))
                .bind(id.to_string())
                .execute(&mut *tx)
                .await
                .map_err(db)?;
        }
        tx.commit().await.map_err(db)
    }

    async fn add_invite(
        &self,
        token_hash: &[u8; 32],
        role: Role,
        name: Option<&str>,
        expires_at: Timestamp,
        audit: AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        invites::insert(&mut tx, token_hash, role, name, expires_at).await?;
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }

    async fn invite(&self, token_hash: &[u8; 32], now: Timestamp) -> Result<(Role, Option<String>), StoreError> {
        invites::valid(&self.readers, token_hash, now).await
    }

    /// `Conflict` where the name is taken, or the account is not the one that was invited; the token stays unused then.
    async fn accept_invite(
        &self,
        token_hash: &[u8; 32],
        user: &StoredUser,
        now: Timestamp,
        audit: AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let (role, name) = invites::valid(&mut *tx, token_hash, now).await?;
        if user.access != Access::everywhere(role) || name.is_some_and(|name| name != user.name) {
            return Err(StoreError::Conflict { what: "other role or name in the invitation" });
        }
        invites::use_up(&mut tx, token_hash, now).await?;
        insert(&mut tx, user).await?;
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }
}

fn key(name: &str) -> String {
    name.to_lowercase()
}

async fn insert(tx: &mut SqliteConnection, user: &StoredUser) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO users (id, name, name_key, password_hash, role, disabled, created_at, last_sign_in, failures, locked_until)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(user.id.to_string())
    .bind(&user.name)
    .bind(key(&user.name))
    .bind(&user.password_hash)
    .bind(user.access.everywhere.as_str())
    .bind(user.disabled)
    .bind(micros(user.created_at))
    .bind(user.last_sign_in.map(micros))
    .bind(user.failures)
    .bind(user.locked_until.map(micros))
    .execute(&mut *tx)
    .await
    .map_err(refused("user of that name", "user"))?;
    for (cluster, role) in &user.access.clusters {
        set_cluster_role(tx, user.id, *cluster, *role).await?;
    }
    Ok(())
}

/// Of one account, everywhere.
pub(crate) async fn end_sessions(tx: &mut SqliteConnection, user: UserId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM sessions WHERE user_id = ?").bind(user.to_string()).execute(tx).await.map_err(db)?;
    Ok(())
}

/// Refuses what would leave nobody who is admin everywhere and can sign in; who is none can go.
async fn keep_an_admin(tx: &mut SqliteConnection, without: UserId) -> Result<(), StoreError> {
    let rows =
        sqlx::query("SELECT id FROM users WHERE role = 'admin' AND disabled = 0 AND password_hash IS NOT NULL LIMIT 2")
            .fetch_all(tx)
            .await
            .map_err(db)?;
    match rows.as_slice() {
        [only] if parsed::<UserId>(only, "id")? == without => Err(StoreError::Conflict { what: "last admin" }),
        _ => Ok(()),
    }
}

async fn set_cluster_role(
    tx: &mut SqliteConnection,
    user: UserId,
    cluster: ClusterId,
    role: Role,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO user_roles (user_id, cluster, role) VALUES (?, ?, ?)
         ON CONFLICT (user_id, cluster) DO UPDATE SET role = excluded.role",
    )
    .bind(user.to_string())
    .bind(cluster.to_string())
    .bind(role.as_str())
    .execute(tx)
    .await
    .map_err(refused("role", "user or cluster"))?;
    Ok(())
}

async fn user_of(tx: &mut SqliteConnection, row: &SqliteRow) -> Result<StoredUser, StoreError> {
    let id: UserId = parsed(row, "id")?;
    let roles = sqlx::query("SELECT cluster, role FROM user_roles WHERE user_id = ?")
        .bind(id.to_string())
        .fetch_all(&mut *tx)
        .await
        .map_err(db)?;
    let mut clusters = BTreeMap::new();
    for own in &roles {
        clusters.insert(parsed(own, "cluster")?, from_word(own, "role")?);
    }
    let second_factor = second_factors::is_enrolled(tx, id).await?;
    Ok(StoredUser {
        id,
        name: get(row, "name")?,
        password_hash: get(row, "password_hash")?,
        access: Access { everywhere: from_word(row, "role")?, clusters },
        disabled: get(row, "disabled")?,
        created_at: time(row, "created_at")?,
        last_sign_in: time_or_none(row, "last_sign_in")?,
        failures: number(row, "failures")?,
        locked_until: time_or_none(row, "locked_until")?,
        second_factor,
    })
}
