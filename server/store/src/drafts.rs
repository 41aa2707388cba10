//! The wizard's drafts and its newest verifications, one each per cluster.

use crate::SqliteStore;
use crate::audit::append_in;
use crate::codec::{db, json, json_or_none, micros, refused, signed, to_json};
use async_trait::async_trait;
use engine::ports::{DraftStore, StoreError};
use model::audit::AuditEntry;
use model::ids::ClusterId;
use model::verify::Verification;
use model::wizard::Draft;
use sqlx::{Sqlite, SqliteConnection, SqliteExecutor, Transaction};

#[async_trait]
impl DraftStore for SqliteStore {
    /// Empty, with revision 0, where nothing has been saved yet.
    async fn draft(&self, cluster: ClusterId) -> Result<Draft, StoreError> {
        stored(&self.readers, cluster).await
    }

    async fn save_draft(
        &self,
        cluster: ClusterId,
        draft: &Draft,
        audit: Option<AuditEntry>,
    ) -> Result<Draft, StoreError> {
        let mut tx: Transaction<'_, Sqlite> = self.write().await?;
        let saved = save(&mut tx, cluster, draft).await?;
        if let Some(entry) = audit {
            append_in(&mut tx, entry).await?;
        }
        tx.commit().await.map_err(db)?;
        Ok(saved)
    }

    async fn keep_verification(&self, cluster: ClusterId, by: &str, report: &Verification) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO verifications (cluster, at, taken_by, report) VALUES (?, ?, ?, ?)
             ON CONFLICT (cluster) DO UPDATE SET at = excluded.at, taken_by = excluded.taken_by, report = excluded.report
             WHERE excluded.at >= verifications.at",
        )
        .bind(cluster.to_string())
        .bind(micros(report.at))
        .bind(by)
        .bind(to_json("report", report)?)
        .execute(&mut *tx)
        .await
        .map_err(refused("verification", "cluster"))?;
        tx.commit().await.map_err(db)
    }

    async fn verification(&self, cluster: ClusterId) -> Result<Option<Verification>, StoreError> {
        let row = sqlx::query("SELECT report FROM verifications WHERE cluster = ?")
            .bind(cluster.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(db)?;
        row.as_ref().map(|row| json(row, "report")).transpose()
    }
}

/// Within a transaction of the caller's.
pub(crate) async fn save(tx: &mut SqliteConnection, cluster: ClusterId, draft: &Draft) -> Result<Draft, StoreError> {
    if stored(&mut *tx, cluster).await?.revision != draft.revision {
        return Err(StoreError::Conflict { what: "newer draft" });
    }
    let saved = Draft { revision: draft.revision + 1, ..draft.clone() };
    sqlx::query(
        "INSERT INTO drafts (cluster, revision, draft) VALUES (?, ?, ?)
         ON CONFLICT (cluster) DO UPDATE SET revision = excluded.revision, draft = excluded.draft",
    )
    .bind(cluster.to_string())
    .bind(signed("revision", saved.revision)?)
    .bind(to_json("draft", &saved)?)
    .execute(&mut *tx)
    .await
    .map_err(refused("draft", "cluster"))?;
    Ok(saved)
}

async fn stored(from: impl SqliteExecutor<'_>, cluster: ClusterId) -> Result<Draft, StoreError> {
    let row = sqlx::query(
        "SELECT draft FROM clusters LEFT JOIN drafts ON drafts.cluster = clusters.id WHERE clusters.id = ?",
    )
    .bind(cluster.to_string())
    .fetch_optional(from)
    .await
    .map_err(db)?;
    let draft = json_or_none(&row.ok_or(StoreError::NotFound { what: "cluster" })?, "draft")?;
    Ok(draft.unwrap_or_default())
}
