//! What nodes printed, as it is kept.

use super::store::StoreError;
use async_trait::async_trait;
use jiff::Timestamp;
use model::ids::{ClusterId, OperationId, RequestId};
use model::observation::{Evidence, Fact, KeptEvidence};

/// Raw outputs behind what was shown, with retention.
#[async_trait]
pub trait EvidenceStore: Send + Sync + 'static {
    /// One answer, with the operation that relied on it where there is one.
    async fn keep(
        &self,
        cluster: ClusterId,
        operation: Option<OperationId>,
        evidence: &Evidence,
    ) -> Result<(), StoreError>;
    /// What watching saw, in one transaction. An answer that says the same as the newest one of the same command on
    /// the same node only prolongs it. Clusters that are not there any more are left out.
    async fn keep_all(&self, seen: &[(ClusterId, Evidence)]) -> Result<(), StoreError>;
    /// Binds the newest answer of each command and node of a cluster to an operation; returns how many.
    async fn hold(&self, cluster: ClusterId, operation: OperationId) -> Result<u64, StoreError>;
    /// The answer behind a fact that was asked for at this time. `NotFound` where it is not kept any more.
    async fn behind(
        &self,
        cluster: ClusterId,
        node: &str,
        command: &str,
        at: Timestamp,
    ) -> Result<KeptEvidence, StoreError>;
    /// Newest first.
    async fn evidence_of(
        &self,
        cluster: ClusterId,
        node: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Evidence>, StoreError>;
    /// Deletes what was last seen before that time and neither an operation nor a request relied on; returns how many rows went.
    async fn expire(&self, before: Timestamp) -> Result<u64, StoreError>;
    /// Where the answers come from that a request rests on: those of the moment in which it was asked for, and of the moment in
    /// which somebody agreed. They are bound by `ApprovalStore::add_request` and `ApprovalStore::decide`.
    async fn relied_on(&self, request: RequestId) -> Result<Vec<Fact<()>>, StoreError>;
}
