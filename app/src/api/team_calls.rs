//! Server functions about approvals and policies.

#[cfg(feature = "ssr")]
use super::calls::backend;
use super::carried::*;
use super::team::*;
use super::wire::Json;
use leptos::prelude::*;
use model::ids::{ClusterId, OperationId, RequestId};
use model::policy::{Consent, Policy};

/// What the frame around every page says.
#[server(name = InboxCall, prefix = "/api", endpoint = "inbox", input = Json, output = Json)]
pub async fn inbox() -> ApiResult<Inbox> {
    let backend = backend()?;
    let caller = backend.looking().await?;
    backend.inbox(caller).await
}

/// Requests of all clusters that the caller may see, newest first. `again` is a page that looks by itself.
#[server(name = RequestsCall, prefix = "/api", endpoint = "requests", input = Json, output = Json)]
pub async fn requests(again: bool) -> ApiResult<Vec<RequestLine>> {
    let backend = backend()?;
    let caller = if again { backend.looking().await? } else { backend.caller().await? };
    backend.requests(caller).await
}

/// One request beside the world of now. `again` is a page that looks by itself.
#[server(name = RequestCall, prefix = "/api", endpoint = "request", input = Json, output = Json)]
pub async fn request(id: RequestId, again: bool) -> ApiResult<RequestView> {
    let backend = backend()?;
    let caller = if again { backend.looking().await? } else { backend.caller().await? };
    backend.request(caller, id).await
}

/// Asks others to agree to exactly the plan with this digest.
#[server(name = RequestApprovalCall, prefix = "/api", endpoint = "request_approval", input = Json, output = Json)]
pub async fn request_approval(
    cluster: ClusterId,
    wish: Wish,
    digest: String,
    consent: Consent,
) -> ApiResult<RequestId> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.request_approval(caller, cluster, wish, digest, consent).await
}

#[server(name = ApproveCall, prefix = "/api", endpoint = "approve", input = Json, output = Json)]
pub async fn approve(id: RequestId, comment: String) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.approve(caller, id, comment).await
}

#[server(name = RejectCall, prefix = "/api", endpoint = "reject", input = Json, output = Json)]
pub async fn reject(id: RequestId, comment: String) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.reject(caller, id, comment).await
}

#[server(name = TakeBackCall, prefix = "/api", endpoint = "take_back", input = Json, output = Json)]
pub async fn take_back(id: RequestId) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.take_back(caller, id).await
}

/// Runs what somebody else approved, once.
#[server(name = RunApprovedCall, prefix = "/api", endpoint = "run_approved", input = Json, output = Json)]
pub async fn run_approved(id: RequestId) -> ApiResult<OperationId> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.run_approved(caller, id).await
}

/// Begins the countdown after which the caller's own request runs without anybody's agreement.
#[server(name = BreakGlassCall, prefix = "/api", endpoint = "break_glass", input = Json, output = Json)]
pub async fn break_glass(id: RequestId) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.break_glass(caller, id).await
}

#[server(name = StopCountdownCall, prefix = "/api", endpoint = "stop_countdown", input = Json, output = Json)]
pub async fn stop_countdown(id: RequestId) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.stop_countdown(caller, id).await
}

#[server(name = ReviewCall, prefix = "/api", endpoint = "review", input = Json, output = Json)]
pub async fn review(id: RequestId, comment: String) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.review(caller, id, comment).await
}

#[server(name = PolicyCall, prefix = "/api", endpoint = "policy", input = Json, output = Json)]
pub async fn policy(cluster: ClusterId) -> ApiResult<PolicyView> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.policy(caller, cluster).await
}

#[server(name = ChangePolicyCall, prefix = "/api", endpoint = "change_policy", input = Json, output = Json)]
pub async fn change_policy(
    cluster: ClusterId,
    before: Option<Policy>,
    policy: Policy,
    reason: String,
) -> ApiResult<PolicyAnswer> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.change_policy(caller, cluster, before, policy, reason).await
}
