//! The audit, read.

use super::{RequestBackend, stored};
use app::api::*;
use model::audit::{AuditFilter, AuditPage, ChainState, ChainedEntry};
use model::can::Deed;

/// Entries on one page.
const PAGE: u32 = 50;

impl RequestBackend {
    pub(super) async fn do_audit(&self, caller: Caller, filter: AuditFilter) -> ApiResult<AuditPage> {
        Self::may(&caller, Deed::ReadAudit)?;
        self.state.engine.store.find(&filter, PAGE).await.map_err(stored)
    }

    pub(super) async fn do_audit_entry(&self, caller: Caller, index: u64) -> ApiResult<ChainedEntry> {
        Self::may(&caller, Deed::ReadAudit)?;
        self.state.engine.store.entry(index).await.map_err(stored)
    }

    pub(super) async fn do_audit_chain(&self, caller: Caller) -> ApiResult<ChainState> {
        Self::may(&caller, Deed::ReadAudit)?;
        self.state.engine.store.verify().await.map_err(stored)
    }
}
