//! Clusters and machines.

use crate::SqliteStore;
use crate::audit::append_in;
use crate::codec::{corrupt, db, from_word, get, micros, parsed, refused, time, to_json, touched, word};
use crate::{approvals, drafts, nodes, pins};
use async_trait::async_trait;
use engine::ports::{Adoption, ClusterStore, StoreError};
use model::audit::AuditEntry;
use model::ids::{ClusterId, NodeId};
use model::inventory::{Cluster, ClusterPhase, LogIn, Node};
use model::name::ClusterName;
use model::operation::OperationState;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

const NAME: &str = "cluster of that name";

#[async_trait]
impl ClusterStore for SqliteStore {
    async fn clusters(&self) -> Result<Vec<Cluster>, StoreError> {
        let rows =
            sqlx::query("SELECT * FROM clusters ORDER BY lower(name)").fetch_all(&self.readers).await.map_err(db)?;
        rows.iter().map(cluster_of).collect()
    }

    async fn cluster(&self, id: ClusterId) -> Result<Cluster, StoreError> {
        let row = sqlx::query("SELECT * FROM clusters WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(db)?;
        cluster_of(&row.ok_or(StoreError::NotFound { what: "cluster" })?)
    }

    async fn add_cluster(&self, cluster: &Cluster, audit: AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO clusters (id, name, phase, protected, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(cluster.id.to_string())
        .bind(cluster.name.as_str())
        .bind(word("phase", &cluster.phase)?)
        .bind(cluster.protected)
        .bind(micros(cluster.created_at))
        .bind(&cluster.created_by)
        .execute(&mut *tx)
        .await
        .map_err(refused(NAME, "cluster"))?;
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }

    async fn set_phase(&self, id: ClusterId, phase: ClusterPhase) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let result = sqlx::query("UPDATE clusters SET phase = ? WHERE id = ?")
            .bind(word("phase", &phase)?)
            .bind(id.to_string())
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        touched(&result, "cluster")?;
        tx.commit().await.map_err(db)
    }

    async fn rename_cluster(&self, id: ClusterId, name: &str) -> Result<(), StoreError> {
        let name: ClusterName = name.parse().map_err(|error| corrupt("cluster name", error))?;
        let mut tx = self.write().await?;
        let result = sqlx::query("UPDATE clusters SET name = ? WHERE id = ?")
            .bind(name.as_str())
            .bind(id.to_string())
            .execute(&mut *tx)
            .await
            .map_err(refused(NAME, "cluster"))?;
        touched(&result, "cluster")?;
        tx.commit().await.map_err(db)
    }

    async fn adopt(&self, adoption: &Adoption, audit: Vec<AuditEntry>) -> Result<Vec<Node>, StoreError> {
        let mut tx = self.write().await?;
        let id = adoption.cluster;
        // What the caller read may be seconds old: an admin's decision of meanwhile stands.
        let protection = match &adoption.protection {
            Some(entry) if !is_live(&mut tx, id).await? && approvals::protect_undecided(&mut tx, id).await? => {
                Some(entry)
            }
            _ => None,
        };
        let result = sqlx::query("UPDATE clusters SET phase = ? WHERE id = ?")
            .bind(word("phase", &ClusterPhase::Live)?)
            .bind(id.to_string())
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        touched(&result, "cluster")?;
        if let Some(name) = &adoption.name {
            // Another cluster is called so here: people keep both apart by the name that this one has now.
            sqlx::query(
                "UPDATE clusters SET name = ? WHERE id = ?
                 AND NOT EXISTS (SELECT 1 FROM clusters WHERE lower(name) = lower(?) AND id <> ?)",
            )
            .bind(name.as_str())
            .bind(id.to_string())
            .bind(name.as_str())
            .bind(id.to_string())
            .execute(&mut *tx)
            .await
            .map_err(refused(NAME, "cluster"))?;
        }
        let mut added = Vec::new();
        for node in &adoption.nodes {
            added.push(nodes::insert(&mut tx, node).await?);
        }
        drafts::save(&mut tx, id, &adoption.draft).await?;
        for entry in audit.into_iter().chain(protection.cloned()) {
            append_in(&mut tx, entry).await?;
        }
        tx.commit().await.map_err(db)?;
        Ok(added)
    }

    /// Machines, pins, drafts, evidence and roles go with it; audit and operations stay.
    /// `Conflict` while an operation holds the cluster; proposed ones are given up, and what was asked for it is void.
    async fn forget_cluster(&self, id: ClusterId, audit: AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        refuse_held(&mut tx, id).await?;
        let result = sqlx::query("DELETE FROM clusters WHERE id = ?")
            .bind(id.to_string())
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        touched(&result, "cluster")?;
        abandon_proposed(&mut tx, id, &audit).await?;
        approvals::void_all(&mut tx, id, audit.at).await?;
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }

    async fn nodes(&self, cluster: ClusterId) -> Result<Vec<Node>, StoreError> {
        nodes::of_cluster(&self.readers, cluster).await
    }

    async fn node(&self, id: NodeId) -> Result<Node, StoreError> {
        nodes::one(&self.readers, id).await
    }

    async fn add_node(&self, node: &Node, audit: AuditEntry) -> Result<Node, StoreError> {
        let mut tx = self.write().await?;
        let added = nodes::insert(&mut tx, node).await?;
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)?;
        Ok(added)
    }

    async fn set_node_name(&self, id: NodeId, name: &str) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let result = sqlx::query("UPDATE nodes SET name = ? WHERE id = ?")
            .bind(name)
            .bind(id.to_string())
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        touched(&result, "node")?;
        tx.commit().await.map_err(db)
    }

    async fn set_log_in(&self, id: NodeId, log_in: &LogIn) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let result = sqlx::query("UPDATE nodes SET log_in = ? WHERE id = ?")
            .bind(to_json("log-in", log_in)?)
            .bind(id.to_string())
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        touched(&result, "node")?;
        tx.commit().await.map_err(db)
    }

    /// `Conflict` while an operation holds the node's cluster. Its pin stays with its address.
    async fn forget_node(&self, id: NodeId, audit: AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let cluster = nodes::cluster_of(&mut tx, id).await?;
        refuse_held(&mut tx, cluster).await?;
        pins::keep_by_address(&mut tx, id).await?;
        let result =
            sqlx::query("DELETE FROM nodes WHERE id = ?").bind(id.to_string()).execute(&mut *tx).await.map_err(db)?;
        touched(&result, "node")?;
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }
}

/// What a running operation works on must not vanish under it.
async fn refuse_held(tx: &mut SqliteConnection, cluster: ClusterId) -> Result<(), StoreError> {
    let held: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM operations WHERE cluster = ? AND state IN ('running', 'parked', 'pausing', 'paused'))",
    )
    .bind(cluster.to_string())
    .fetch_one(tx)
    .await
    .map_err(db)?;
    if held { Err(StoreError::Conflict { what: "running operation" }) } else { Ok(()) }
}

async fn is_live(tx: &mut SqliteConnection, cluster: ClusterId) -> Result<bool, StoreError> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM clusters WHERE id = ? AND phase = ?)")
        .bind(cluster.to_string())
        .bind(word("phase", &ClusterPhase::Live)?)
        .fetch_one(tx)
        .await
        .map_err(db)
}

async fn abandon_proposed(tx: &mut SqliteConnection, cluster: ClusterId, audit: &AuditEntry) -> Result<(), StoreError> {
    let state = OperationState::Abandoned;
    sqlx::query(
        "UPDATE operations SET state = ?, state_json = ?, finished_at = ? WHERE cluster = ? AND state = 'proposed'",
    )
    .bind(state.word())
    .bind(to_json("state", &state)?)
    .bind(micros(audit.at))
    .bind(cluster.to_string())
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

fn cluster_of(row: &SqliteRow) -> Result<Cluster, StoreError> {
    Ok(Cluster {
        id: parsed(row, "id")?,
        name: parsed(row, "name")?,
        phase: from_word(row, "phase")?,
        protected: get(row, "protected")?,
        created_at: time(row, "created_at")?,
        created_by: get(row, "created_by")?,
    })
}
