//! The audit, read.

use super::{RequestBackend, stored};
use app::api::*;
use model::audit::{AuditFilter, AuditPage, ChainView, ChainedEntry, SavedFilter};
use model::can::Deed;
use model::problem::{Problem, ProblemCode};

/// Entries on one page.
const PAGE: u32 = 50;
/// Questions that one person keeps at most.
const FILTERS_MAX: usize = 50;
/// The longest name of one, in characters.
const FILTER_NAME_MAX: usize = 60;
/// The longest question, in bytes of the address.
const FILTER_QUERY_MAX_BYTES: usize = 2_000;

impl RequestBackend {
    pub(super) async fn do_audit(&self, caller: Caller, filter: AuditFilter) -> ApiResult<AuditPage> {
        Self::may(&caller, Deed::ReadAudit)?;
        filter.check().map_err(|unasked| ApiError(unasked.into()))?;
        self.state.engine.store.find(&filter, PAGE).await.map_err(stored)
    }

    pub(super) async fn do_audit_entry(&self, caller: Caller, index: u64) -> ApiResult<ChainedEntry> {
        Self::may(&caller, Deed::ReadAudit)?;
        self.state.engine.store.entry(index).await.map_err(stored)
    }

    pub(super) async fn do_audit_chain(&self, caller: Caller) -> ApiResult<ChainView> {
        Self::may(&caller, Deed::ReadAudit)?;
        self.state.engine.chain.read_on().await.map_err(stored)
    }

    pub(super) async fn do_saved_filters(&self, caller: Caller) -> ApiResult<Vec<SavedFilter>> {
        Self::may(&caller, Deed::ReadAudit)?;
        self.state.engine.store.saved_filters(caller.me.id).await.map_err(stored)
    }

    pub(super) async fn do_save_filter(&self, caller: Caller, name: String, query: String) -> ApiResult<()> {
        Self::may(&caller, Deed::ReadAudit)?;
        let name = name.trim().to_owned();
        let filter = SavedFilter { name, query };
        let too_long = filter.name.chars().count() > FILTER_NAME_MAX || filter.query.len() > FILTER_QUERY_MAX_BYTES;
        if filter.name.is_empty() || too_long {
            return Err(ApiError(Problem::new(ProblemCode::FilterName).with("max", FILTER_NAME_MAX)));
        }
        let kept = self.state.engine.store.saved_filters(caller.me.id).await.map_err(stored)?;
        if kept.len() >= FILTERS_MAX && kept.iter().all(|one| one.name != filter.name) {
            return Err(ApiError(Problem::new(ProblemCode::FiltersFull).with("max", FILTERS_MAX)));
        }
        self.state.engine.store.save_filter(caller.me.id, &filter).await.map_err(stored)
    }

    pub(super) async fn do_drop_filter(&self, caller: Caller, name: String) -> ApiResult<()> {
        Self::may(&caller, Deed::ReadAudit)?;
        self.state.engine.store.drop_filter(caller.me.id, &name).await.map_err(stored)
    }
}
