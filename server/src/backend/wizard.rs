//! The six steps: what is stored, what was measured, what may be done next.

use super::{RequestBackend, actor, stored};
use app::api::*;
use engine::ports::StoreError;
use futures::future::try_join_all;
use model::can::Deed;
use model::ids::ClusterId;
use model::inventory::{Node, Purpose};
use model::links::{self, LinkPlan, NodeAddresses};
use model::preflight::Matrix;
use model::problem::{Problem, ProblemCode};
use model::quorum::{forecast, qdevice_advice, qdevice_votes};
use model::verify::Verification;
use model::wizard::{self, Draft, World};

impl RequestBackend {
    pub(super) async fn do_wizard(&self, caller: Caller, id: ClusterId) -> ApiResult<WizardView> {
        let cluster = self.cluster_for(&caller, id, Deed::See).await?;
        let engine = &self.state.engine;
        let view = self.view(&caller, cluster).await?;
        let draft = engine.store.draft(id).await.map_err(stored)?;
        let matrix = engine.hub.matrix(id);
        let world = World {
            cluster: &view.cluster,
            nodes: &view.nodes,
            draft: &draft,
            matrix: matrix.as_deref(),
            snapshot: Some(&view.snapshot),
            now: engine.clock.now(),
        };
        let (steps, current) = (wizard::states(&world), wizard::current(&world));
        let count = view.nodes.iter().filter(|node| node.purpose == Purpose::Member).count();
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        Ok(WizardView {
            draft,
            steps,
            current,
            matrix: matrix.map(|matrix| (*matrix).clone()),
            console_key: engine.dialer.console_key().map_err(ApiError)?,
            qdevice: qdevice_advice(count),
            forecast: (forecast(count, 0), forecast(count, qdevice_votes(count.max(1)))),
            view,
        })
    }

    pub(super) async fn do_run_checks(&self, caller: Caller, id: ClusterId) -> ApiResult<Matrix> {
        self.cluster_for(&caller, id, Deed::RunChecks).await?;
        self.state.engine.run_checks(&actor(&caller), id).await.map_err(ApiError)
    }

    async fn members(&self, id: ClusterId) -> ApiResult<Vec<Node>> {
        let nodes = self.state.engine.store.nodes(id).await.map_err(stored)?;
        Ok(nodes.into_iter().filter(|node| node.purpose == Purpose::Member).collect())
    }

    async fn read_addresses(&self, id: ClusterId) -> ApiResult<Vec<NodeAddresses>> {
        let members = self.members(id).await?;
        try_join_all(members.iter().map(|node| self.state.engine.addresses(node))).await.map_err(ApiError)
    }

    pub(super) async fn do_network(&self, caller: Caller, id: ClusterId) -> ApiResult<NetworkView> {
        self.cluster_for(&caller, id, Deed::RunChecks).await?;
        let nodes = self.read_addresses(id).await?;
        let candidates = links::candidates(&nodes);
        let proposal = links::propose(&candidates);
        let chosen = self.state.engine.store.draft(id).await.map_err(stored)?.links;
        let faults = if chosen.is_empty() { Vec::new() } else { links::faults(&chosen, &nodes) };
        Ok(NetworkView { nodes, candidates, proposal, faults, read_at: self.state.engine.clock.now() })
    }

    pub(super) async fn do_choose_links(
        &self,
        caller: Caller,
        id: ClusterId,
        chosen: Vec<LinkPlan>,
        revision: u64,
    ) -> ApiResult<Draft> {
        self.cluster_for(&caller, id, Deed::EditDraft).await?;
        let nodes = self.read_addresses(id).await?;
        if let Some(fault) = links::faults(&chosen, &nodes).first() {
            return Err(ApiError(link_problem(fault, &self.members(id).await?)));
        }
        self.save(&caller, id, revision, |draft| draft.links = chosen).await
    }

    async fn save(
        &self,
        caller: &Caller,
        id: ClusterId,
        revision: u64,
        change: impl FnOnce(&mut Draft),
    ) -> ApiResult<Draft> {
        let engine = &self.state.engine;
        let mut draft = engine.store.draft(id).await.map_err(stored)?;
        draft.revision = revision;
        draft.touched_by = Some(caller.me.name.clone());
        draft.touched_at = Some(engine.clock.now());
        change(&mut draft);
        engine.store.save_draft(id, &draft).await.map_err(|error| match error {
            StoreError::Conflict { .. } => ApiError(Problem::new(ProblemCode::WorldChanged).with("what", "draft")),
            other => stored(other),
        })
    }

    pub(super) async fn do_verify(&self, caller: Caller, id: ClusterId) -> ApiResult<Verification> {
        self.cluster_for(&caller, id, Deed::RunChecks).await?;
        let report = self.state.engine.verify(id).await.map_err(ApiError)?;
        let draft = self.state.engine.store.draft(id).await.map_err(stored)?;
        let verified_at = report.agreed.then_some(report.at);
        self.save(&caller, id, draft.revision, |draft| draft.verified_at = verified_at).await?;
        Ok(report)
    }

    pub(super) async fn do_skip_qdevice(&self, caller: Caller, id: ClusterId, revision: u64) -> ApiResult<Draft> {
        self.cluster_for(&caller, id, Deed::EditDraft).await?;
        self.save(&caller, id, revision, |draft| draft.qdevice_skipped = true).await
    }
}

fn link_problem(fault: &links::LinkFault, nodes: &[Node]) -> Problem {
    let label = |id: &model::ids::NodeId| {
        nodes.iter().find(|node| node.id == *id).map_or_else(String::new, |node| node.label().to_owned())
    };
    match fault {
        links::LinkFault::NoLink => ProblemCode::LinksIncomplete.into(),
        links::LinkFault::TooMany => Problem::new(ProblemCode::LinksIncomplete).with("max", links::LINKS_MAX),
        links::LinkFault::Missing { link, node } => {
            Problem::new(ProblemCode::LinksIncomplete).with("link", link).with("node", label(node))
        }
        links::LinkFault::NotLocal { node, address, .. } => {
            Problem::new(ProblemCode::LinkNotLocal).with("node", label(node)).with("address", address)
        }
        links::LinkFault::Twice { address } => Problem::new(ProblemCode::LinkAddressTwice).with("address", address),
    }
}
