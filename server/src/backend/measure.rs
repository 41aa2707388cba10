//! The links measured, and what stands behind one of their ways.

use super::{RequestBackend, actor};
use app::api::*;
use model::can::Deed;
use model::ids::{ClusterId, NodeId};
use model::links::LinkPlan;
use model::measure::{self, Measurement};
use model::observation::Evidence;
use model::problem::ProblemCode;
use std::net::SocketAddr;

impl RequestBackend {
    pub(super) async fn do_measure_links(
        &self,
        caller: Caller,
        id: ClusterId,
        links: Vec<LinkPlan>,
    ) -> ApiResult<Measurement> {
        self.cluster_for(&caller, id, Deed::RunChecks).await?;
        let (engine, who) = (self.state.engine.clone(), actor(&caller));
        // Whoever closes the page leaves a probe behind on the machines: it is waited for, so that nobody else meets it.
        let work = self.state.engine.work.spawn(async move { engine.measure_links(&who, id, &links).await });
        let measured =
            work.await.ok().flatten().ok_or_else(|| ApiError(ProblemCode::Internal.into()))?.map_err(ApiError)?;
        Ok(measured.as_ref().clone())
    }

    /// What the asking end printed of the way, then what the answering end says of its own side.
    pub(super) async fn do_measure_proof(
        &self,
        caller: Caller,
        id: ClusterId,
        link: u8,
        from: NodeId,
        to: NodeId,
    ) -> ApiResult<Vec<Evidence>> {
        self.cluster_for(&caller, id, Deed::See).await?;
        let unknown = || ApiError(ProblemCode::NotFound.into());
        let measured = self.state.engine.hub.measured(id).ok_or_else(unknown)?;
        let plan = measured.report.links.iter().find(|one| one.number == link).ok_or_else(unknown)?;
        let at = |node: NodeId| {
            let address = plan.addresses.get(&node).ok_or_else(unknown)?;
            Ok::<SocketAddr, ApiError>(SocketAddr::new(*address, measure::port(link)))
        };
        let (own, peer) = (at(from)?, at(to)?);
        let quoted = [(from, own, peer), (to, peer, own)];
        let quote = |(node, own, peer)| Some(measure::quote(measured.evidence.get(&node)?, own, peer));
        Ok(quoted.into_iter().filter_map(quote).collect())
    }
}
