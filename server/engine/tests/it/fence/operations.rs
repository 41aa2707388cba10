//! Operations and their journal, behind the fence.

use super::{FencedStore, busy};
use async_trait::async_trait;
use engine::ports::{JournalEntry, OperationStore, StoreError};
use jiff::Timestamp;
use model::audit::AuditEntry;
use model::ids::{ClusterId, OperationId};
use model::operation::{Operation, OperationState, OutputLine};
use std::sync::atomic::Ordering;

#[async_trait]
impl OperationStore for FencedStore {
    async fn propose(&self, operation: &Operation, audit: AuditEntry) -> Result<(), StoreError> {
        self.through(self.inner.propose(operation, audit)).await
    }

    async fn operation(&self, id: OperationId) -> Result<Operation, StoreError> {
        self.through(self.inner.operation(id)).await
    }

    async fn operations(&self, cluster: Option<ClusterId>, limit: u32) -> Result<Vec<Operation>, StoreError> {
        self.through(self.inner.operations(cluster, limit)).await
    }

    async fn proposed(&self) -> Result<Vec<Operation>, StoreError> {
        self.through(self.inner.proposed()).await
    }

    async fn unfinished(&self) -> Result<Vec<Operation>, StoreError> {
        self.through(self.inner.unfinished()).await
    }

    async fn set_state(
        &self,
        id: OperationId,
        from: &OperationState,
        to: &OperationState,
        audit: Option<AuditEntry>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.other_write(self.inner.set_state(id, from, to, audit, at)).await
    }

    async fn journal(&self, entry: &JournalEntry, audit: Option<AuditEntry>) -> Result<(), StoreError> {
        self.fence.alive().await;
        self.fence.answers()?;
        if self.fence.journal_fails.load(Ordering::SeqCst) {
            return Err(busy());
        }
        let side = self.fence.next_write();
        let call = async {
            let result = self.inner.journal(entry, audit).await;
            self.fence.written(entry);
            result
        };
        self.dying(side, call).await
    }

    async fn journal_of(&self, id: OperationId) -> Result<Vec<JournalEntry>, StoreError> {
        self.through(self.inner.journal_of(id)).await
    }

    async fn append_output(&self, id: OperationId, lines: &[OutputLine]) -> Result<(), StoreError> {
        self.through(self.inner.append_output(id, lines)).await
    }

    async fn output_of(&self, id: OperationId, after_seq: u64, limit: u32) -> Result<Vec<OutputLine>, StoreError> {
        self.through(self.inner.output_of(id, after_seq, limit)).await
    }
}
