//! Forgetting a cluster: by itself, or as the end of a withdrawal.

use crate::audit::Person;
use crate::context::Engine;
use crate::ports::StoreError;
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::inventory::{Cluster, Node};
use model::operation::{Operation, OperationState};
use model::plan::Intent;
use model::policy::Policy;

/// So many of a cluster's latest operations are looked through for a withdrawal that is done.
const RECENT: u32 = 20;
/// The audit's word for the machines on which the console's key stays.
const DETAIL_KEY_STAYS: &str = "key_stays";

impl Engine {
    /// Forgets what the console knows of a cluster; nothing changes on its machines, and on those of `keep_key` the key stays.
    ///
    /// # Errors
    /// `Conflict` while an operation holds the cluster.
    pub async fn forget_cluster(&self, who: &Person, cluster: &Cluster, keep_key: &[Node]) -> Result<(), StoreError> {
        let mut entry = self.audit.about(AuditCode::ClusterForgotten, who, Outcome::Success, cluster);
        note_kept(&mut entry, keep_key);
        self.forget(cluster, entry).await
    }

    async fn forget(&self, cluster: &Cluster, mut entry: AuditEntry) -> Result<(), StoreError> {
        let nodes = self.store.nodes(cluster.id).await?;
        // Whoever imports the cluster again begins with the shipped policy: what it was is to be found.
        let policy = self.store.policy(cluster.id).await?;
        if policy != Policy::default() {
            entry.details.insert("policy".to_owned(), serde_json::to_string(&policy).unwrap_or_default());
        }
        self.store.forget_cluster(cluster.id, entry).await?;
        // Only now: had the store refused, the cluster would be there and nobody would watch it.
        self.unwatch(cluster.id);
        for node in nodes {
            self.dialer.forget(node.id).await;
        }
        Ok(())
    }

    /// The last act of a withdrawal; there is nothing to do where the cluster is forgotten already.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn forget_withdrawn(&self, operation: &Operation, who: &Person) -> Result<(), StoreError> {
        let Intent::Withdraw { leave } = &operation.plan.intent else { return Ok(()) };
        let cluster = match self.store.cluster(operation.cluster).await {
            Ok(cluster) => cluster,
            Err(StoreError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let nodes = self.store.nodes(cluster.id).await?;
        let kept: Vec<Node> = nodes.into_iter().filter(|node| leave.contains(&node.id)).collect();
        let mut entry = self.audit.about(AuditCode::ClusterForgotten, who, Outcome::Success, &cluster);
        entry.operation = Some(operation.id);
        note_kept(&mut entry, &kept);
        self.forget(&cluster, entry).await
    }

    /// At start-up: withdrawals that were done when the console went away before it had forgotten their clusters.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn forget_all_withdrawn(&self) -> Result<(), StoreError> {
        for cluster in self.store.clusters().await? {
            let recent = self.store.operations(Some(cluster.id), RECENT).await?;
            let done = recent
                .iter()
                .find(|one| matches!(one.plan.intent, Intent::Withdraw { .. }) && one.state == OperationState::Done);
            if let Some(operation) = done {
                self.forget_withdrawn(operation, &Person { name: operation.proposed_by.clone() }).await?;
            }
        }
        Ok(())
    }
}

fn note_kept(entry: &mut AuditEntry, nodes: &[Node]) {
    if !nodes.is_empty() {
        let names: Vec<&str> = nodes.iter().map(Node::label).collect();
        entry.details.insert(DETAIL_KEY_STAYS.to_owned(), names.join(", "));
    }
}
