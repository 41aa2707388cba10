//! One cell of the checks in full, and warnings that somebody answers for.

use super::RequestBackend;
use app::api::*;
use model::audit::AuditCode;
use model::can::Deed;
use model::ids::{ClusterId, NodeId};
use model::preflight::acknowledge::{REASON_MAX_CHARS, REASON_MIN_CHARS, codes};
use model::preflight::{Acknowledgement, Cell, CheckId, Verdict};
use model::problem::{Problem, ProblemCode};
use model::wizard::Draft;

impl RequestBackend {
    pub(super) async fn do_check_proof(
        &self,
        caller: Caller,
        id: ClusterId,
        check: CheckId,
        node: NodeId,
    ) -> ApiResult<Cell> {
        self.cluster_for(&caller, id, Deed::See).await?;
        let matrix = self.state.engine.hub.matrix(id);
        let cell = matrix
            .and_then(|matrix| matrix.cells.iter().find(|cell| cell.check == check && cell.node == node).cloned());
        cell.ok_or_else(|| ApiError(ProblemCode::NotFound.into()))
    }

    /// Only what is a warning now, in results that still count, can be answered for.
    pub(super) async fn do_acknowledge_checks(
        &self,
        caller: Caller,
        id: ClusterId,
        cells: Vec<(CheckId, NodeId)>,
        reason: String,
        revision: u64,
    ) -> ApiResult<Draft> {
        let cluster = self.cluster_for(&caller, id, Deed::EditDraft).await?;
        let engine = &self.state.engine;
        let (reason, now) = (reason.trim().to_owned(), engine.clock.now());
        if !(REASON_MIN_CHARS..=REASON_MAX_CHARS).contains(&reason.chars().count()) {
            let problem = Problem::new(ProblemCode::ReasonNeeded).with("min", REASON_MIN_CHARS);
            return Err(ApiError(problem.with("max", REASON_MAX_CHARS)));
        }
        let matrix = engine.hub.matrix(id).ok_or_else(|| ApiError(ProblemCode::NotFound.into()))?;
        if matrix.stale(now) {
            return Err(ApiError(ProblemCode::ChecksStale.into()));
        }
        let mut entry = self.decision(&caller, &cluster, AuditCode::ChecksAcknowledged);
        entry.reason = Some(reason.clone());
        let (mut seen, mut words) = (Vec::new(), Vec::new());
        for (check, node) in cells {
            let warns = |cell: &&Cell| cell.check == check && cell.node == node && cell.verdict == Verdict::Warn;
            let cell = matrix.cells.iter().find(warns).ok_or_else(|| ApiError(ProblemCode::NotFound.into()))?;
            let label = matrix.nodes.iter().find(|column| column.node == node).map(|column| column.label.clone());
            words.push(format!("{} {}", check.as_str(), label.unwrap_or_default()));
            let by = caller.me.name.clone();
            seen.push(Acknowledgement { check, node, codes: codes(cell), reason: reason.clone(), by, at: now });
        }
        if seen.is_empty() {
            return Err(ApiError(ProblemCode::NotFound.into()));
        }
        entry.details.insert("acknowledged".to_owned(), words.join(", "));
        self.save(&caller, id, revision, Some(entry), |draft| {
            draft.acknowledged.retain(|old| !seen.iter().any(|new| new.check == old.check && new.node == old.node));
            draft.acknowledged.extend(seen);
        })
        .await
    }
}
