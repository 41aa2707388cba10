//! Raw outputs behind what was shown, with limits by age and size.

use crate::SqliteStore;
use crate::codec::{db, get, json, micros, number, refused, signed, time, to_json};
use async_trait::async_trait;
use engine::ports::{EvidenceStore, StoreError};
use jiff::Timestamp;
use model::ids::ClusterId;
use model::observation::Evidence;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};

/// Rows that one transaction deletes, so that the journal never waits long.
const EXPIRE_BLOCK_ROWS: i64 = 2_000;
/// The longest list, in rows.
const LIST_MAX: u32 = 1_000;
/// What a row costs besides its text, in bytes: its numbers and its places in the indexes.
const ROW_OVERHEAD_BYTES: usize = 250;

#[async_trait]
impl EvidenceStore for SqliteStore {
    async fn keep(&self, cluster: ClusterId, evidence: &Evidence) -> Result<(), StoreError> {
        let lines = to_json("lines", &evidence.lines)?;
        let bytes = lines.len() + evidence.command.len() + evidence.node.len() + ROW_OVERHEAD_BYTES;
        let mut tx = self.write().await?;
        sqlx::query("INSERT INTO evidence (cluster, node, command, exit, at, millis, lines, cut, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(cluster.to_string())
            .bind(&evidence.node)
            .bind(&evidence.command)
            .bind(evidence.exit)
            .bind(micros(evidence.at))
            .bind(evidence.millis)
            .bind(lines)
            .bind(evidence.cut)
            .bind(i64::try_from(bytes).unwrap_or(i64::MAX))
            .execute(&mut *tx)
            .await
            .map_err(refused("evidence", "cluster"))?;
        tx.commit().await.map_err(db)
    }

    async fn evidence_of(
        &self,
        cluster: ClusterId,
        node: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Evidence>, StoreError> {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT * FROM evidence WHERE cluster = ");
        query.push_bind(cluster.to_string());
        if let Some(node) = node {
            query.push(" AND node = ").push_bind(node.to_owned());
        }
        query.push(" ORDER BY at DESC, id DESC LIMIT ").push_bind(i64::from(limit.min(LIST_MAX)));
        let rows = query.build().fetch_all(&self.readers).await.map_err(db)?;
        rows.iter().map(evidence_of).collect()
    }

    async fn expire(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut gone = 0;
        loop {
            let mut tx = self.write().await?;
            let result = sqlx::query(
                "DELETE FROM evidence WHERE id IN (SELECT id FROM evidence WHERE at < ? ORDER BY at, id LIMIT ?)",
            )
            .bind(micros(before))
            .bind(EXPIRE_BLOCK_ROWS)
            .execute(&mut *tx)
            .await
            .map_err(db)?;
            tx.commit().await.map_err(db)?;
            if result.rows_affected() == 0 {
                return Ok(gone);
            }
            gone += result.rows_affected();
        }
    }
}

impl SqliteStore {
    /// Deletes the oldest evidence until the rest counts at most `max_bytes`; returns how many rows went.
    ///
    /// # Errors
    /// `Database` when SQLite refuses.
    pub async fn trim_evidence(&self, max_bytes: u64) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let result = sqlx::query(
            "DELETE FROM evidence WHERE id IN (
                 SELECT id FROM (SELECT id, SUM(bytes) OVER (ORDER BY at DESC, id DESC) AS so_far FROM evidence) AS newest_first
                 WHERE so_far > ?)",
        )
        .bind(signed("size limit", max_bytes)?)
        .execute(&mut *tx)
        .await
        .map_err(db)?;
        tx.commit().await.map_err(db)?;
        Ok(result.rows_affected())
    }

    /// What all evidence counts, in bytes.
    ///
    /// # Errors
    /// `Database` when it cannot be read.
    pub async fn evidence_bytes(&self) -> Result<u64, StoreError> {
        let bytes: i64 = sqlx::query_scalar("SELECT COALESCE(SUM(bytes), 0) FROM evidence")
            .fetch_one(&self.readers)
            .await
            .map_err(db)?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }
}

fn evidence_of(row: &SqliteRow) -> Result<Evidence, StoreError> {
    Ok(Evidence {
        node: get(row, "node")?,
        command: get(row, "command")?,
        exit: get(row, "exit")?,
        at: time(row, "at")?,
        millis: number(row, "millis")?,
        lines: json(row, "lines")?,
        cut: get(row, "cut")?,
    })
}
