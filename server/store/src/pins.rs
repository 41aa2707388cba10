//! Host keys: offered, pinned, and pinned before.

use crate::SqliteStore;
use crate::audit::append_in;
use crate::codec::{db, get, json_or_none, micros, refused, time, to_json, touched};
use async_trait::async_trait;
use engine::ports::{PinStore, StoreError};
use model::audit::AuditEntry;
use model::host_key::{HostKey, Pin};
use model::ids::NodeId;
use model::inventory::Node;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

#[async_trait]
impl PinStore for SqliteStore {
    async fn keep_offer(&self, node: NodeId, offered: &HostKey) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let result = sqlx::query("UPDATE nodes SET offered = ? WHERE id = ?")
            .bind(to_json("offered key", offered)?)
            .bind(node.to_string())
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        touched(&result, "node")?;
        tx.commit().await.map_err(db)
    }

    /// The pin before it goes into the history; an offer of the same key is settled.
    async fn pin(&self, node: NodeId, pin: &Pin, audit: AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        retire(&mut tx, node).await?;
        insert(&mut tx, node, pin).await?;
        settle_offer(&mut tx, node, &pin.key).await?;
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }
}

impl SqliteStore {
    /// Keys that were pinned to a machine before the present one, oldest first.
    ///
    /// # Errors
    /// `Database` or `Corrupt` when they cannot be read.
    pub async fn earlier_pins(&self, node: NodeId) -> Result<Vec<Pin>, StoreError> {
        let rows = sqlx::query("SELECT * FROM pin_history WHERE node = ? ORDER BY id")
            .bind(node.to_string())
            .fetch_all(&self.readers)
            .await
            .map_err(db)?;
        rows.iter().map(pin_of).collect()
    }
}

pub(crate) async fn insert(tx: &mut SqliteConnection, node: NodeId, pin: &Pin) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO pins (node, algorithm, base64, fingerprint, pinned_at, pinned_by) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(node.to_string())
    .bind(&pin.key.algorithm)
    .bind(&pin.key.base64)
    .bind(&pin.key.fingerprint)
    .bind(micros(pin.pinned_at))
    .bind(&pin.pinned_by)
    .execute(tx)
    .await
    .map_err(refused("pin", "node"))?;
    Ok(())
}

/// Keeps the pin of a machine that is about to be taken off the list, by its address.
pub(crate) async fn keep_by_address(tx: &mut SqliteConnection, node: NodeId) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT OR REPLACE INTO forgotten_pins
         (cluster, host, port, algorithm, base64, fingerprint, pinned_at, pinned_by)
         SELECT cluster, lower(host), port, algorithm, base64, fingerprint, pinned_at, pinned_by
         FROM pins JOIN nodes ON nodes.id = pins.node WHERE node = ?",
    )
    .bind(node.to_string())
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// Gives a machine the pin back that its address had in this cluster before it was taken off the list.
pub(crate) async fn back_by_address(tx: &mut SqliteConnection, node: &Node) -> Result<Option<Pin>, StoreError> {
    let row = sqlx::query(
        "DELETE FROM forgotten_pins WHERE cluster = ? AND host = lower(?) AND port = ?
         RETURNING algorithm, base64, fingerprint, pinned_at, pinned_by",
    )
    .bind(node.cluster.to_string())
    .bind(&node.address.host)
    .bind(node.address.port)
    .fetch_optional(&mut *tx)
    .await
    .map_err(db)?;
    let pin = row.as_ref().map(pin_of).transpose()?;
    if let Some(pin) = &pin {
        insert(tx, node.id, pin).await?;
    }
    Ok(pin)
}

async fn retire(tx: &mut SqliteConnection, node: NodeId) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO pin_history (node, algorithm, base64, fingerprint, pinned_at, pinned_by)
         SELECT node, algorithm, base64, fingerprint, pinned_at, pinned_by FROM pins WHERE node = ?",
    )
    .bind(node.to_string())
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    sqlx::query("DELETE FROM pins WHERE node = ?").bind(node.to_string()).execute(tx).await.map_err(db)?;
    Ok(())
}

/// Another key, shown in the meantime, stays for a person to look at.
async fn settle_offer(tx: &mut SqliteConnection, node: NodeId, key: &HostKey) -> Result<(), StoreError> {
    let row = sqlx::query("SELECT offered FROM nodes WHERE id = ?")
        .bind(node.to_string())
        .fetch_one(&mut *tx)
        .await
        .map_err(db)?;
    if json_or_none::<HostKey>(&row, "offered")?.as_ref() == Some(key) {
        sqlx::query("UPDATE nodes SET offered = NULL WHERE id = ?")
            .bind(node.to_string())
            .execute(tx)
            .await
            .map_err(db)?;
    }
    Ok(())
}

fn pin_of(row: &SqliteRow) -> Result<Pin, StoreError> {
    let key = HostKey {
        algorithm: get(row, "algorithm")?,
        base64: get(row, "base64")?,
        fingerprint: get(row, "fingerprint")?,
    };
    Ok(Pin { key, pinned_at: time(row, "pinned_at")?, pinned_by: get(row, "pinned_by")? })
}
