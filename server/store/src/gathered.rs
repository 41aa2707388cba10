//! The newest checks and measured links of each cluster.

use crate::SqliteStore;
use crate::codec::{db, json, micros, refused, to_json};
use async_trait::async_trait;
use engine::hub::Measured;
use engine::ports::{GatheredStore, StoreError};
use jiff::Timestamp;
use model::ids::ClusterId;
use model::preflight::Matrix;
use serde::de::DeserializeOwned;

const CHECKS: &str = "checks";
const LINKS: &str = "links";

#[async_trait]
impl GatheredStore for SqliteStore {
    async fn keep_checks(&self, cluster: ClusterId, matrix: &Matrix) -> Result<(), StoreError> {
        keep(self, cluster, CHECKS, matrix.finished_at, to_json("results", matrix)?).await
    }

    async fn checks(&self, cluster: ClusterId) -> Result<Option<Matrix>, StoreError> {
        kept(self, cluster, CHECKS).await
    }

    async fn keep_measured(&self, cluster: ClusterId, measured: &Measured) -> Result<(), StoreError> {
        keep(self, cluster, LINKS, measured.report.finished_at, to_json("results", measured)?).await
    }

    async fn measured(&self, cluster: ClusterId) -> Result<Option<Measured>, StoreError> {
        kept(self, cluster, LINKS).await
    }
}

async fn keep(
    store: &SqliteStore,
    cluster: ClusterId,
    kind: &str,
    finished_at: Option<Timestamp>,
    results: String,
) -> Result<(), StoreError> {
    let at = finished_at.ok_or(StoreError::Conflict { what: "unfinished results" })?;
    let mut tx = store.write().await?;
    sqlx::query(
        "INSERT INTO gathered (cluster, kind, at, results) VALUES (?, ?, ?, ?)
         ON CONFLICT (cluster, kind) DO UPDATE SET at = excluded.at, results = excluded.results
         WHERE excluded.at >= gathered.at",
    )
    .bind(cluster.to_string())
    .bind(kind)
    .bind(micros(at))
    .bind(results)
    .execute(&mut *tx)
    .await
    .map_err(refused("results", "cluster"))?;
    tx.commit().await.map_err(db)
}

async fn kept<T: DeserializeOwned>(
    store: &SqliteStore,
    cluster: ClusterId,
    kind: &str,
) -> Result<Option<T>, StoreError> {
    let row = sqlx::query("SELECT results FROM gathered WHERE cluster = ? AND kind = ?")
        .bind(cluster.to_string())
        .bind(kind)
        .fetch_optional(&store.readers)
        .await
        .map_err(db)?;
    row.as_ref().map(|row| json(row, "results")).transpose()
}
