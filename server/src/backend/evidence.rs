//! Raw answers of the nodes: the newest ones, and the one behind a fact.

use super::{RequestBackend, stored};
use app::api::*;
use engine::evidence::readings;
use engine::ports::StoreError;
use model::Timestamp;
use model::can::Deed;
use model::ids::{ClusterId, RequestId};
use model::observation::Evidence;
use model::problem::{Problem, ProblemCode};
use model::reading::{Behind, EvidenceGap};

/// How long evidence is kept that nothing relies on, in days.
pub const EVIDENCE_DAYS: i64 = 14;
/// Pieces of evidence on one page.
const LISTED: u32 = 200;

impl RequestBackend {
    pub(super) async fn do_evidence(
        &self,
        caller: Caller,
        cluster: ClusterId,
        node: Option<String>,
    ) -> ApiResult<Vec<Evidence>> {
        self.cluster_for(&caller, cluster, Deed::See).await?;
        self.state.engine.store.evidence_of(cluster, node.as_deref(), LISTED).await.map_err(stored)
    }

    pub(super) async fn do_behind(&self, caller: Caller, cluster: ClusterId, source: FactSource) -> ApiResult<Behind> {
        self.cluster_for(&caller, cluster, Deed::See).await?;
        let engine = &self.state.engine;
        // What was on the screen a moment ago may still wait for the disk.
        engine.evidence.flush().await;
        let FactSource { node, command, at } = source;
        match engine.store.behind(cluster, &node, &command, at).await {
            Ok(kept) => Ok(Behind {
                readings: readings(&kept.evidence),
                evidence: kept.evidence,
                last_at: kept.last_at,
                times: kept.times,
                operation: kept.operation,
                request: kept.request,
            }),
            Err(StoreError::NotFound { .. }) => Err(ApiError(self.why_not_kept(cluster, at))),
            Err(error) => Err(stored(error)),
        }
    }

    pub(super) async fn do_relied(&self, caller: Caller, id: RequestId) -> ApiResult<Vec<FactSource>> {
        self.request_for(&caller, id, Deed::See).await?;
        let relied = self.state.engine.store.relied_on(id).await.map_err(stored)?;
        Ok(relied.into_iter().map(|fact| FactSource { node: fact.node, command: fact.command, at: fact.at }).collect())
    }

    pub(super) async fn do_gap(&self, caller: Caller, cluster: ClusterId) -> ApiResult<Option<EvidenceGap>> {
        self.cluster_for(&caller, cluster, Deed::See).await?;
        Ok(self.state.engine.evidence.gap(cluster))
    }

    /// An answer that is not there was removed by its age, was dropped, or was never given (or removed for its size).
    fn why_not_kept(&self, cluster: ClusterId, at: Timestamp) -> Problem {
        let engine = &self.state.engine;
        let oldest = engine.clock.now().checked_sub(jiff::Span::new().hours(24 * EVIDENCE_DAYS));
        if oldest.is_ok_and(|oldest| at < oldest) {
            return Problem::new(ProblemCode::EvidenceExpired).with("days", EVIDENCE_DAYS);
        }
        match engine.evidence.gap(cluster) {
            Some(gap) if gap.since <= at && at <= gap.until => ProblemCode::EvidenceDropped.into(),
            _ => ProblemCode::EvidenceUnknown.into(),
        }
    }
}
