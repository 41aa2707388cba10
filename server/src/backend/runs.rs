//! Operations that are stopped, and what came of some.

use super::{RequestBackend, actor, stored};
use app::api::*;
use async_trait::async_trait;
use engine::overtake::Wanted;
use model::approval::Request;
use model::can::Deed;
use model::ids::{ClusterId, OperationId, RequestId};
use model::lowering::Lowerings;
use model::operation::Operation;
use model::plan::Intent;

#[async_trait]
impl RunsBackend for RequestBackend {
    async fn lowerings(&self, caller: Caller, before: Option<u64>) -> ApiResult<Lowerings> {
        Self::may(&caller, Deed::ReadAudit)?;
        self.state.engine.lowerings(before).await.map_err(stored)
    }

    async fn pause(&self, caller: Caller, id: OperationId) -> ApiResult<()> {
        self.stoppable_for(&caller, id, Deed::ResumeOperation).await?;
        self.state.engine.pause(&actor(&caller), id).await.map_err(ApiError)
    }

    async fn overtake(
        &self,
        caller: Caller,
        request: RequestId,
        operation: OperationId,
        reason: String,
        alone: bool,
    ) -> ApiResult<Option<OperationId>> {
        let deed = if alone { Deed::BreakGlass } else { Deed::RunPlan };
        let found = self.request_for(&caller, request, deed).await?;
        let may = self.may_do(&caller, &found).await?;
        self.nothing_hinders(&caller, &found, if alone { may.break_glass } else { may.run }).await?;
        let (engine, who, shown) = (&self.state.engine, actor(&caller), caller.me.shown);
        let wanted = Wanted { operation, reason };
        if alone {
            engine.break_glass_overtaking(&who, request, shown, Some(wanted)).await.map_err(ApiError)?;
            return Ok(None);
        }
        engine.run_overtaking(&who, request, shown, Some(&wanted)).await.map(Some).map_err(ApiError)
    }
}

impl RequestBackend {
    /// An operation that the caller may let pause, or give up.
    pub(super) async fn stoppable_for(&self, caller: &Caller, id: OperationId, deed: Deed) -> ApiResult<Operation> {
        let operation = self.operation_for(caller, id, deed).await?;
        let role = Self::role_on(caller, operation.cluster);
        operation.may_be_stopped(&caller.me.name, role).map_err(ApiError)?;
        Ok(operation)
    }

    /// The operation that stands in the way of a request that is still open, and whether the caller may end it.
    pub(super) async fn place_for(&self, caller: &Caller, request: &Request) -> ApiResult<Option<Place>> {
        match request.subject.plan().filter(|_| request.state.is_open()) {
            Some(plan) => self.place_of(caller, request.cluster, &plan.intent).await,
            None => Ok(None),
        }
    }

    /// The operation that has a cluster's place, and whether the caller may end it for this.
    pub(super) async fn place_of(
        &self,
        caller: &Caller,
        cluster: ClusterId,
        intent: &Intent,
    ) -> ApiResult<Option<Place>> {
        let Some(holder) = self.state.engine.holder(cluster).await.map_err(ApiError)? else { return Ok(None) };
        let role = Self::role_on(caller, cluster);
        Ok(Some(Place {
            operation: holder.id,
            intent: holder.plan.intent.word().to_owned(),
            state: holder.state.word().to_owned(),
            proposed_by: holder.proposed_by.clone(),
            may_overtake: holder.may_be_overtaken(intent, &caller.me.name, role).err(),
        }))
    }
}
