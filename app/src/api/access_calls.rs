//! Server functions about accounts, their second factors and their roles.

use super::access::*;
#[cfg(feature = "ssr")]
use super::calls::backend;
use super::carried::*;
use super::wire::Json;
use leptos::prelude::*;
use model::ids::{ClusterId, UserId};
use model::role::Role;

#[server(name = MyAccountCall, prefix = "/api", endpoint = "my_account", input = Json, output = Json)]
pub async fn my_account() -> ApiResult<AccountView> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.my_account(caller).await
}

/// Another password for one's own account; its other sessions end.
#[server(name = ChangePasswordCall, prefix = "/api", endpoint = "change_password", input = Json, output = Json)]
pub async fn change_password(password: String, new: String) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.change_password(caller, password, new).await
}

/// A secret for the person's device, which counts once `enrol_second_factor` has had a code of it.
#[server(name = BeginSecondFactorCall, prefix = "/api", endpoint = "begin_second_factor", input = Json, output = Json)]
pub async fn begin_second_factor() -> ApiResult<NewSecondFactor> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.begin_second_factor(caller).await
}

#[server(name = EnrolSecondFactorCall, prefix = "/api", endpoint = "enrol_second_factor", input = Json, output = Json)]
pub async fn enrol_second_factor(code: String) -> ApiResult<RecoveryCodes> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.enrol_second_factor(caller, code).await
}

#[server(name = RemoveSecondFactorCall, prefix = "/api", endpoint = "remove_second_factor", input = Json, output = Json)]
pub async fn remove_second_factor(code: String) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.remove_second_factor(caller, code).await
}

/// Takes somebody else's second factor away, for whoever has lost device and recovery codes.
#[server(name = ResetSecondFactorCall, prefix = "/api", endpoint = "reset_second_factor", input = Json, output = Json)]
pub async fn reset_second_factor(id: UserId) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.reset_second_factor(caller, id).await
}

/// The person has read that their second factor was taken away.
#[server(name = AcknowledgeResetCall, prefix = "/api", endpoint = "acknowledge_reset", input = Json, output = Json)]
pub async fn acknowledge_reset() -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.acknowledge_reset(caller).await
}

#[server(name = RolesCall, prefix = "/api", endpoint = "roles", input = Json, output = Json)]
pub async fn roles() -> ApiResult<RolesView> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.roles(caller).await
}

/// Gives a role on one cluster, or everywhere without one.
#[server(name = SetRoleCall, prefix = "/api", endpoint = "set_role", input = Json, output = Json)]
pub async fn set_role(id: UserId, cluster: Option<ClusterId>, role: Role) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.set_role(caller, id, cluster, role).await
}

/// Takes the role on one cluster away; what counts there again is the general one.
#[server(name = DropRoleCall, prefix = "/api", endpoint = "drop_role", input = Json, output = Json)]
pub async fn drop_role(id: UserId, cluster: ClusterId) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.drop_role(caller, id, cluster).await
}
