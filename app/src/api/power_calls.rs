//! Server functions about the power of machines.

#[cfg(feature = "ssr")]
use super::calls::backend;
use super::carried::*;
use super::power::*;
use super::wire::Json;
use leptos::prelude::*;
use model::bmc::BmcWay;
use model::ids::{ClusterId, NodeId};

/// Every member with its BMC, as it was entered and last asked.
#[server(name = PowerCall, prefix = "/api", endpoint = "power", input = Json, output = Json)]
pub async fn power(cluster: ClusterId) -> ApiResult<PowerView> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.power(caller, cluster).await
}

/// Writes down how the power of a machine is reached; an empty password keeps the one that is there.
#[server(name = SetBmcCall, prefix = "/api", endpoint = "set_bmc", input = Json, output = Json)]
pub async fn set_bmc(node: NodeId, way: BmcWay, password: String) -> ApiResult<PowerLine> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.set_bmc(caller, node, way, password).await
}

#[server(name = RemoveBmcCall, prefix = "/api", endpoint = "remove_bmc", input = Json, output = Json)]
pub async fn remove_bmc(node: NodeId) -> ApiResult<PowerLine> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.remove_bmc(caller, node).await
}

/// Compares the UUIDs that BMC and machine tell.
#[server(name = BindBmcCall, prefix = "/api", endpoint = "bind_bmc", input = Json, output = Json)]
pub async fn bind_bmc(node: NodeId) -> ApiResult<PowerLine> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.bind_bmc(caller, node).await
}

/// Asks the BMC whether its machine has power. Changes nothing.
#[server(name = AskPowerCall, prefix = "/api", endpoint = "ask_power", input = Json, output = Json)]
pub async fn ask_power(node: NodeId) -> ApiResult<PowerLine> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.ask_power(caller, node).await
}
