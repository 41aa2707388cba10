//! The part of the door that is about approvals and policies.

use super::backend::Caller;
use super::carried::*;
use super::team::*;
use async_trait::async_trait;
use model::ids::{ClusterId, OperationId, RequestId};
use model::policy::{Consent, Policy};

/// Every method checks the caller's role itself before it does anything.
#[async_trait]
pub trait TeamBackend: Send + Sync + 'static {
    /// The caller of what a page asks by itself again and again, which does not keep a session alive.
    ///
    /// # Errors
    /// `NotSignedIn`.
    async fn looking(&self) -> ApiResult<Caller>;

    async fn inbox(&self, caller: Caller) -> ApiResult<Inbox>;
    async fn requests(&self, caller: Caller) -> ApiResult<Vec<RequestLine>>;
    async fn request(&self, caller: Caller, id: RequestId) -> ApiResult<RequestView>;
    async fn request_approval(
        &self,
        caller: Caller,
        cluster: ClusterId,
        wish: Wish,
        digest: String,
        consent: Consent,
    ) -> ApiResult<RequestId>;
    async fn approve(&self, caller: Caller, id: RequestId, comment: String) -> ApiResult<()>;
    async fn reject(&self, caller: Caller, id: RequestId, comment: String) -> ApiResult<()>;
    async fn take_back(&self, caller: Caller, id: RequestId) -> ApiResult<()>;
    async fn run_approved(&self, caller: Caller, id: RequestId) -> ApiResult<OperationId>;
    async fn break_glass(&self, caller: Caller, id: RequestId) -> ApiResult<()>;
    async fn stop_countdown(&self, caller: Caller, id: RequestId) -> ApiResult<()>;
    async fn review(&self, caller: Caller, id: RequestId, comment: String) -> ApiResult<()>;
    async fn policy(&self, caller: Caller, cluster: ClusterId) -> ApiResult<PolicyView>;
    async fn change_policy(
        &self,
        caller: Caller,
        cluster: ClusterId,
        before: Option<Policy>,
        policy: Policy,
        reason: String,
    ) -> ApiResult<PolicyAnswer>;
}
