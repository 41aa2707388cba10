//! How the power of machines is reached. A password comes sealed and goes sealed.

use crate::SqliteStore;
use crate::audit::append_in;
use crate::codec::{db, get, json, json_or_none, micros, parsed, refused, time, to_json, touched};
use async_trait::async_trait;
use engine::ports::{BmcStore, StoreError};
use jiff::Timestamp;
use model::audit::AuditEntry;
use model::bmc::{Binding, Bmc, PowerReading};
use model::ids::{ClusterId, NodeId};
use sqlx::sqlite::SqliteRow;

#[async_trait]
impl BmcStore for SqliteStore {
    async fn bmcs(&self, cluster: ClusterId) -> Result<Vec<Bmc>, StoreError> {
        // Without the password, which only `bmc_secret` reads.
        let rows = sqlx::query(
            "SELECT bmcs.node, bmcs.way, bmcs.binding, bmcs.set_at, bmcs.set_by, bmcs.last
             FROM bmcs JOIN nodes ON nodes.id = bmcs.node WHERE cluster = ? ORDER BY position",
        )
        .bind(cluster.to_string())
        .fetch_all(&self.readers)
        .await
        .map_err(db)?;
        rows.iter().map(bmc_of).collect()
    }

    async fn bmc(&self, node: NodeId) -> Result<Option<Bmc>, StoreError> {
        let row = sqlx::query("SELECT node, way, binding, set_at, set_by, last FROM bmcs WHERE node = ?")
            .bind(node.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(db)?;
        row.as_ref().map(bmc_of).transpose()
    }

    async fn bmc_secret(&self, node: NodeId) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query("SELECT sealed FROM bmcs WHERE node = ?")
            .bind(node.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(db)?;
        let sealed: Option<Option<Vec<u8>>> = row.map(|row| get(&row, "sealed")).transpose()?;
        Ok(sealed.flatten())
    }

    async fn set_bmc(&self, bmc: &Bmc, sealed: Option<&[u8]>, audit: AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM bmcs WHERE node = ?")
            .bind(bmc.node.to_string())
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        sqlx::query("INSERT INTO bmcs (node, way, sealed, binding, set_at, set_by, last) VALUES (?, ?, ?, ?, ?, ?, ?)")
            .bind(bmc.node.to_string())
            .bind(to_json("way", &bmc.way)?)
            .bind(sealed)
            .bind(to_json("binding", &bmc.binding)?)
            .bind(micros(bmc.set_at))
            .bind(&bmc.set_by)
            .bind(bmc.last.as_ref().map(|last| to_json("reading", last)).transpose()?)
            .execute(&mut *tx)
            .await
            .map_err(refused("BMC", "node"))?;
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }

    async fn remove_bmc(&self, node: NodeId, audit: AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let result = sqlx::query("DELETE FROM bmcs WHERE node = ?")
            .bind(node.to_string())
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        touched(&result, "BMC")?;
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }

    async fn bind_bmc(
        &self,
        node: NodeId,
        set_at: Timestamp,
        binding: &Binding,
        audit: AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let result = sqlx::query("UPDATE bmcs SET binding = ? WHERE node = ? AND set_at = ?")
            .bind(to_json("binding", binding)?)
            .bind(node.to_string())
            .bind(micros(set_at))
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        if result.rows_affected() == 0 {
            return Err(StoreError::Conflict { what: "BMC" });
        }
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }

    async fn note_power(&self, node: NodeId, set_at: Timestamp, reading: &PowerReading) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("UPDATE bmcs SET last = ? WHERE node = ? AND set_at = ?")
            .bind(to_json("reading", reading)?)
            .bind(node.to_string())
            .bind(micros(set_at))
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        tx.commit().await.map_err(db)
    }
}

fn bmc_of(row: &SqliteRow) -> Result<Bmc, StoreError> {
    Ok(Bmc {
        node: parsed(row, "node")?,
        way: json(row, "way")?,
        binding: json(row, "binding")?,
        set_at: time(row, "set_at")?,
        set_by: get(row, "set_by")?,
        last: json_or_none(row, "last")?,
    })
}
