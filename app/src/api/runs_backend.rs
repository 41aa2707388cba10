//! The part of the door that is about operations which are stopped, and about what came of some.

use super::backend::Caller;
use super::carried::*;
use async_trait::async_trait;
use model::ids::{OperationId, RequestId};
use model::lowering::Lowerings;

/// Every method checks the caller's role itself before it does anything.
#[async_trait]
pub trait RunsBackend: Send + Sync + 'static {
    async fn lowerings(&self, caller: Caller, before: Option<u64>) -> ApiResult<Lowerings>;
    async fn pause(&self, caller: Caller, id: OperationId) -> ApiResult<()>;
    /// `None` where the countdown has begun, after which it runs.
    async fn overtake(
        &self,
        caller: Caller,
        request: RequestId,
        operation: OperationId,
        reason: String,
        alone: bool,
    ) -> ApiResult<Option<OperationId>>;
}
