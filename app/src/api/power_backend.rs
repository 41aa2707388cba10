//! The part of the door that is about the power of machines.

use super::backend::Caller;
use super::carried::*;
use super::power::*;
use async_trait::async_trait;
use model::bmc::BmcWay;
use model::ids::{ClusterId, NodeId};

/// Every method checks the caller's role itself before it does anything.
#[async_trait]
pub trait PowerBackend: Send + Sync + 'static {
    async fn power(&self, caller: Caller, cluster: ClusterId) -> ApiResult<PowerView>;
    /// An empty password keeps the one that is there.
    async fn set_bmc(&self, caller: Caller, node: NodeId, way: BmcWay, password: String) -> ApiResult<PowerLine>;
    async fn remove_bmc(&self, caller: Caller, node: NodeId) -> ApiResult<PowerLine>;
    async fn bind_bmc(&self, caller: Caller, node: NodeId) -> ApiResult<PowerLine>;
    async fn ask_power(&self, caller: Caller, node: NodeId) -> ApiResult<PowerLine>;
}
