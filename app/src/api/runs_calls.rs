//! Server functions about operations that are stopped, and about what came of some.

#[cfg(feature = "ssr")]
use super::calls::backend;
use super::carried::*;
use super::wire::Json;
use leptos::prelude::*;
use model::ids::{OperationId, RequestId};
use model::lowering::Lowerings;

/// Who ran `pvecm expected`: runs that began before the entry `before`, newest first. `again` is a page that looks by itself.
#[server(name = LoweringsCall, prefix = "/api", endpoint = "lowerings", input = Json, output = Json)]
pub async fn lowerings(before: Option<u64>, again: bool) -> ApiResult<Lowerings> {
    let backend = backend()?;
    let caller = if again { backend.looking().await? } else { backend.caller().await? };
    backend.lowerings(caller, before).await
}

/// Stops a running operation before its next step.
#[server(name = PauseCall, prefix = "/api", endpoint = "pause", input = Json, output = Json)]
pub async fn pause(id: OperationId) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.pause(caller, id).await
}

/// Ends the operation that has the cluster's place, and runs one's own request in it: with the approval that it has, or
/// `alone` after the countdown.
#[server(name = OvertakeCall, prefix = "/api", endpoint = "overtake", input = Json, output = Json)]
pub async fn overtake(
    request: RequestId,
    operation: OperationId,
    reason: String,
    alone: bool,
) -> ApiResult<Option<OperationId>> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.overtake(caller, request, operation, reason, alone).await
}
