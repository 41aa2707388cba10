//! The part of the door that is about accounts, their second factors and their roles.

use super::access::*;
use super::backend::Caller;
use super::carried::*;
use async_trait::async_trait;
use model::ids::{ClusterId, UserId};
use model::role::Role;

/// Every method checks the caller's role, and how lately they have shown who they are, before it does anything.
#[async_trait]
pub trait AccessBackend: Send + Sync + 'static {
    async fn my_account(&self, caller: Caller) -> ApiResult<AccountView>;
    async fn change_password(&self, caller: Caller, password: String, new: String) -> ApiResult<()>;
    async fn begin_second_factor(&self, caller: Caller) -> ApiResult<NewSecondFactor>;
    async fn enrol_second_factor(&self, caller: Caller, code: String) -> ApiResult<RecoveryCodes>;
    async fn remove_second_factor(&self, caller: Caller, code: String) -> ApiResult<()>;
    async fn reset_second_factor(&self, caller: Caller, id: UserId) -> ApiResult<()>;
    async fn acknowledge_reset(&self, caller: Caller) -> ApiResult<()>;
    async fn roles(&self, caller: Caller) -> ApiResult<RolesView>;
    async fn set_role(&self, caller: Caller, id: UserId, cluster: Option<ClusterId>, role: Role) -> ApiResult<()>;
    async fn drop_role(&self, caller: Caller, id: UserId, cluster: ClusterId) -> ApiResult<()>;
}
