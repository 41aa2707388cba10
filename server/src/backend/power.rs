//! Power from outside: roles are checked here, for every call. What a BMC says is a proof of death, so whoever enters, compares or
//! takes one away shows who they are: an open tab is not enough.

use super::access::demand;
use super::{RequestBackend, actor, stored};
use app::api::*;
use async_trait::async_trait;
use model::bmc::{Bmc, BmcWay, PowerWish};
use model::can::Deed;
use model::ids::{ClusterId, NodeId};
use model::inventory::{Cluster, Node, Purpose};
use model::plan::Intent;
use model::policy::SignInDemand;
use model::problem::{Problem, ProblemCode};
use zeroize::Zeroizing;

#[async_trait]
impl PowerBackend for RequestBackend {
    async fn power(&self, caller: Caller, id: ClusterId) -> ApiResult<PowerView> {
        let cluster = self.cluster_for(&caller, id, Deed::See).await?;
        let nodes = self.state.engine.store.nodes(id).await.map_err(stored)?;
        let mut bmcs = self.state.engine.bmcs(id).await.map_err(ApiError)?;
        let mut own = |node: &Node| bmcs.iter().position(|one| one.node == node.id).map(|at| bmcs.swap_remove(at));
        let members = nodes.iter().filter(|node| node.purpose == Purpose::Member);
        let lines = members.map(|node| line(node, own(node))).collect();
        let outer = nodes.iter().filter(|node| node.purpose != Purpose::Member);
        let outer = outer.map(|node| (node.id, node.label().to_owned())).collect();
        Ok(PowerView { cluster: cluster.id, lines, outer, role: Self::role_on(&caller, id) })
    }

    async fn set_bmc(&self, caller: Caller, id: NodeId, way: BmcWay, password: String) -> ApiResult<PowerLine> {
        let password = Zeroizing::new(password);
        let (_, node) = self.node_for(&caller, id, Deed::ManageBmc).await?;
        demand(&caller, SignInDemand::WHOLE)?;
        let password = Some(password).filter(|text| !text.is_empty());
        let set = self.state.engine.set_bmc(&actor(&caller), id, way, password).await.map_err(ApiError)?;
        Ok(line(&node, Some(set)))
    }

    async fn remove_bmc(&self, caller: Caller, id: NodeId) -> ApiResult<PowerLine> {
        let (_, node) = self.node_for(&caller, id, Deed::ManageBmc).await?;
        demand(&caller, SignInDemand::WHOLE)?;
        self.state.engine.remove_bmc(&actor(&caller), id).await.map_err(ApiError)?;
        Ok(line(&node, None))
    }

    async fn bind_bmc(&self, caller: Caller, id: NodeId) -> ApiResult<PowerLine> {
        let (_, node) = self.node_for(&caller, id, Deed::ManageBmc).await?;
        demand(&caller, SignInDemand::WHOLE)?;
        let bound = self.state.engine.bind_bmc(&actor(&caller), id).await.map_err(ApiError)?;
        Ok(line(&node, Some(bound)))
    }

    async fn ask_power(&self, caller: Caller, id: NodeId) -> ApiResult<PowerLine> {
        let (_, node) = self.node_for(&caller, id, Deed::RunChecks).await?;
        let asked = self.state.engine.ask_power(id).await.map_err(ApiError)?;
        Ok(line(&node, Some(asked)))
    }
}

fn line(node: &Node, bmc: Option<Bmc>) -> PowerLine {
    let missing = || Problem::new(ProblemCode::BmcMissing).with("node", node.label());
    let problem = match &bmc {
        None => Some(missing()),
        Some(bmc) => bmc.bound(node.label()).err(),
    };
    PowerLine { node: node.id, name: node.label().to_owned(), bmc, problem }
}

impl RequestBackend {
    /// The plan is made with the BMC as it is entered and bound now, and runs with no other.
    pub(super) async fn power_intent(&self, cluster: &Cluster, node: NodeId, to: PowerWish) -> ApiResult<Intent> {
        let node = self.state.engine.node(node).await.map_err(ApiError)?;
        if node.cluster != cluster.id {
            return Err(ApiError(ProblemCode::NotFound.into()));
        }
        let bmc = self.state.engine.need_bmc(&node).await.map_err(ApiError)?;
        let uuid = bmc.bound(node.label()).map_err(ApiError)?.clone();
        if let Some(shared) = self.state.engine.shared_uuid(&node, &bmc).await.map_err(ApiError)? {
            return Err(ApiError(shared));
        }
        let (node, way) = (node.id, bmc.way);
        Ok(match to {
            PowerWish::Off => Intent::PowerOff { node, way, uuid },
            PowerWish::On => Intent::PowerOn { node, way, uuid },
            PowerWish::Cycle => Intent::PowerCycle { node, way, uuid },
        })
    }
}
