//! Rows of machines, each with its pinned key.

use crate::codec::{
    corrupt, db, from_word, get, json, json_or_none, number, parsed, refused, time_or_none, to_json, word,
};
use crate::pins;
use engine::ports::StoreError;
use model::host_key::{HostKey, Pin};
use model::ids::{ClusterId, NodeId};
use model::inventory::Node;
use model::name::SshAddress;
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

/// In order of position.
pub(crate) async fn of_cluster(readers: &SqlitePool, cluster: ClusterId) -> Result<Vec<Node>, StoreError> {
    let rows = sqlx::query(
        "SELECT nodes.*, algorithm, base64, fingerprint, pinned_at, pinned_by
         FROM nodes LEFT JOIN pins ON pins.node = nodes.id WHERE cluster = ? ORDER BY position",
    )
    .bind(cluster.to_string())
    .fetch_all(readers)
    .await
    .map_err(db)?;
    rows.iter().map(node_of).collect()
}

pub(crate) async fn one(readers: &SqlitePool, id: NodeId) -> Result<Node, StoreError> {
    let row = sqlx::query(
        "SELECT nodes.*, algorithm, base64, fingerprint, pinned_at, pinned_by
         FROM nodes LEFT JOIN pins ON pins.node = nodes.id WHERE id = ?",
    )
    .bind(id.to_string())
    .fetch_optional(readers)
    .await
    .map_err(db)?;
    node_of(&row.ok_or(StoreError::NotFound { what: "node" })?)
}

/// Puts the machine behind all others of its cluster. An address that had a pin here before has it again.
pub(crate) async fn insert(tx: &mut SqliteConnection, node: &Node) -> Result<Node, StoreError> {
    let position: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(position), -1) + 1 FROM nodes WHERE cluster = ?")
        .bind(node.cluster.to_string())
        .fetch_one(&mut *tx)
        .await
        .map_err(db)?;
    let mut added =
        Node { position: u32::try_from(position).map_err(|error| corrupt("position", error))?, ..node.clone() };
    sqlx::query(
        "INSERT INTO nodes (id, cluster, purpose, host, port, ssh_user, name, offered, log_in, position, via)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(added.id.to_string())
    .bind(added.cluster.to_string())
    .bind(word("purpose", &added.purpose)?)
    .bind(&added.address.host)
    .bind(added.address.port)
    .bind(&added.address.user)
    .bind(&added.name)
    .bind(added.offered.as_ref().map(|key| to_json("offered key", key)).transpose()?)
    .bind(to_json("log-in", &added.log_in)?)
    .bind(added.position)
    .bind(added.via.map(|id| id.to_string()))
    .execute(&mut *tx)
    .await
    .map_err(refused("node with that address", "cluster"))?;
    match &added.pin {
        Some(pin) => pins::insert(tx, added.id, pin).await?,
        None => added.pin = pins::back_by_address(tx, &added).await?,
    }
    Ok(added)
}

pub(crate) async fn cluster_of(tx: &mut SqliteConnection, id: NodeId) -> Result<ClusterId, StoreError> {
    let row = sqlx::query("SELECT cluster FROM nodes WHERE id = ?")
        .bind(id.to_string())
        .fetch_optional(tx)
        .await
        .map_err(db)?;
    parsed(&row.ok_or(StoreError::NotFound { what: "node" })?, "cluster")
}

fn node_of(row: &SqliteRow) -> Result<Node, StoreError> {
    Ok(Node {
        id: parsed(row, "id")?,
        cluster: parsed(row, "cluster")?,
        purpose: from_word(row, "purpose")?,
        address: SshAddress { host: get(row, "host")?, port: number(row, "port")?, user: get(row, "ssh_user")? },
        via: via_of(row)?,
        name: get(row, "name")?,
        pin: pin_of(row)?,
        offered: json_or_none(row, "offered")?,
        log_in: json(row, "log_in")?,
        position: number(row, "position")?,
    })
}

fn via_of(row: &SqliteRow) -> Result<Option<NodeId>, StoreError> {
    let text: Option<String> = get(row, "via")?;
    text.map(|id| id.parse().map_err(|error| corrupt("via", error))).transpose()
}

/// The columns of the outer join are empty where nothing is pinned.
fn pin_of(row: &SqliteRow) -> Result<Option<Pin>, StoreError> {
    let Some(pinned_at) = time_or_none(row, "pinned_at")? else {
        return Ok(None);
    };
    let key = HostKey {
        algorithm: get(row, "algorithm")?,
        base64: get(row, "base64")?,
        fingerprint: get(row, "fingerprint")?,
    };
    Ok(Some(Pin { key, pinned_at, pinned_by: get(row, "pinned_by")? }))
}
