//! The audit, behind the fence.

use super::FencedStore;
use async_trait::async_trait;
use engine::ports::{AuditStore, StoreError};
use model::audit::{AuditEntry, AuditFilter, AuditPage, ChainState, ChainedEntry};

#[async_trait]
impl AuditStore for FencedStore {
    async fn append(&self, entry: AuditEntry) -> Result<ChainedEntry, StoreError> {
        self.other_write(self.inner.append(entry)).await
    }

    async fn find(&self, filter: &AuditFilter, limit: u32) -> Result<AuditPage, StoreError> {
        self.through(self.inner.find(filter, limit)).await
    }

    async fn entry(&self, index: u64) -> Result<ChainedEntry, StoreError> {
        self.through(self.inner.entry(index)).await
    }

    async fn entries(&self) -> Result<u64, StoreError> {
        self.through(self.inner.entries()).await
    }

    async fn verify_after(&self, index: u64, hash: &str) -> Result<ChainState, StoreError> {
        self.through(self.inner.verify_after(index, hash)).await
    }

    async fn derive(&self) -> Result<u64, StoreError> {
        self.through(self.inner.derive()).await
    }

    async fn unpaired(&self) -> Result<Vec<ChainedEntry>, StoreError> {
        self.through(self.inner.unpaired()).await
    }
}
