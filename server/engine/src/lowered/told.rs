//! The answer to *who ran `pvecm expected`*, put together from operations, requests and the audit.

use super::{SET_EXPECTED, lowered_at};
use crate::context::Engine;
use crate::limits::{LOWERINGS_PAGE, RESUMES_MAX};
use crate::ports::StoreError;
use model::audit::{AuditCode, AuditFilter, ChainedEntry};
use model::ids::OperationId;
use model::lowering::{
    AgreedAnew, Lowering, Lowerings, Sighting, Stored, agreed_anew, lowered_side, lowering, may_be_lowered_since,
};
use model::operation::Operation;

impl Engine {
    /// Runs that were started before the entry `before`, newest first; without it the newest of all.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn lowerings(&self, before: Option<u64>) -> Result<Lowerings, StoreError> {
        let started = AuditFilter {
            code: Some(AuditCode::OperationStarted),
            words: Some(SET_EXPECTED.to_owned()),
            before,
            ..AuditFilter::default()
        };
        let page = self.store.find(&started, LOWERINGS_PAGE).await?;
        let mut told = Lowerings { runs: Vec::new(), next: page.next, unread: page.unread };
        for id in page.entries.iter().filter_map(|one| one.entry.operation) {
            // Somebody's reason may hold the same words.
            told.runs.extend(self.lowering(id).await?);
        }
        Ok(told)
    }

    async fn lowering(&self, id: OperationId) -> Result<Option<Lowering>, StoreError> {
        let operation = self.store.operation(id).await?;
        let request = self.store.request_behind(id).await?;
        let entries = self.lowering_entries(id).await?;
        let watched = match self.store.cluster(operation.cluster).await {
            Ok(_) => true,
            Err(StoreError::NotFound { .. }) => false,
            Err(error) => return Err(error),
        };
        let seen = self.seen_lowered(&operation, &entries);
        let stored = Stored {
            operation: &operation,
            request: request.as_ref(),
            entries: &entries,
            watched,
            seen: seen.as_ref(),
        };
        Ok(lowering(&stored))
    }

    /// What the watched nodes of that side last told.
    fn seen_lowered(&self, operation: &Operation, entries: &[ChainedEntry]) -> Option<Sighting> {
        let (members, since) = (lowered_side(operation)?, may_be_lowered_since(operation, entries)?);
        let snapshot = self.hub.snapshot(operation.cluster)?;
        lowered_at(&snapshot, &members, since, snapshot.risen_from(operation.plan.lowered_to()))
    }

    /// Who agreed to an operation once more by going on with it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn who_agreed_anew(&self, id: OperationId) -> Result<Vec<AgreedAnew>, StoreError> {
        let code = Some(AuditCode::OperationResumed);
        let resumed = AuditFilter { operation: Some(id), code, ..AuditFilter::default() };
        Ok(agreed_anew(&self.store.find(&resumed, RESUMES_MAX).await?.entries))
    }
}
