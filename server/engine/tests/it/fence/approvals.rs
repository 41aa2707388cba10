//! Requests and policies, behind the fence.

use super::{FencedStore, busy};
use async_trait::async_trait;
use engine::ports::{ApprovalStore, Overtaking, StoreError};
use jiff::Timestamp;
use model::approval::{Request, RequestEvent};
use model::audit::AuditEntry;
use model::ids::{ClusterId, OperationId, RequestId};
use model::policy::Policy;
use std::sync::atomic::Ordering;

#[async_trait]
impl ApprovalStore for FencedStore {
    async fn add_request(&self, request: &Request, audit: AuditEntry) -> Result<(), StoreError> {
        self.through(self.inner.add_request(request, audit)).await
    }

    async fn request(&self, id: RequestId) -> Result<Request, StoreError> {
        if self.fence.requests_fail.load(Ordering::SeqCst) {
            return Err(busy());
        }
        self.through(self.inner.request(id)).await
    }

    async fn requests(&self, cluster: Option<ClusterId>, open: bool, limit: u32) -> Result<Vec<Request>, StoreError> {
        self.through(self.inner.requests(cluster, open, limit)).await
    }

    async fn unreviewed(&self) -> Result<Vec<Request>, StoreError> {
        self.through(self.inner.unreviewed()).await
    }

    async fn request_behind(&self, operation: OperationId) -> Result<Option<Request>, StoreError> {
        self.through(self.inner.request_behind(operation)).await
    }

    async fn decide(
        &self,
        id: RequestId,
        actor: &str,
        event: &RequestEvent,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<Request, StoreError> {
        self.counted(self.inner.decide(id, actor, event, at, audit)).await
    }

    async fn start_agreed(
        &self,
        id: RequestId,
        event: &RequestEvent,
        at: Timestamp,
        audit: Vec<AuditEntry>,
    ) -> Result<(), StoreError> {
        self.counted(self.inner.start_agreed(id, event, at, audit)).await
    }

    async fn start_overtaking(
        &self,
        id: RequestId,
        event: &RequestEvent,
        at: Timestamp,
        overtaking: &Overtaking,
        audit: Vec<AuditEntry>,
    ) -> Result<(), StoreError> {
        self.counted(self.inner.start_overtaking(id, event, at, overtaking, audit)).await
    }

    async fn start_in_place(
        &self,
        id: OperationId,
        at: Timestamp,
        overtaking: &Overtaking,
        audit: AuditEntry,
    ) -> Result<(), StoreError> {
        self.counted(self.inner.start_in_place(id, at, overtaking, audit)).await
    }

    async fn policy(&self, cluster: ClusterId) -> Result<Policy, StoreError> {
        self.through(self.inner.policy(cluster)).await
    }

    async fn protect_undecided(&self, cluster: ClusterId, audit: AuditEntry) -> Result<bool, StoreError> {
        self.through(self.inner.protect_undecided(cluster, audit)).await
    }

    async fn other_admins(&self, cluster: ClusterId, but: &str) -> Result<u32, StoreError> {
        self.through(self.inner.other_admins(cluster, but)).await
    }
}
