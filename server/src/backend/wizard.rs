//! The six steps: what is stored, what was measured, what may be done next.

use super::{RequestBackend, actor, stored};
use app::api::*;
use engine::ports::StoreError;
use futures::future::try_join_all;
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::can::Deed;
use model::ids::ClusterId;
use model::inventory::{Cluster, ClusterPhase, Node, Purpose};
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
            matrix: matrix.map(|matrix| matrix.for_page()),
            measurement: engine.hub.measured(id).map(|measured| measured.report.as_ref().clone()),
            report_at: engine.verification(id).await.map_err(ApiError)?.map(|report| report.at),
            console_key: engine.dialer.console_key().map_err(ApiError)?,
            key_ruling: engine.store.policy(id).await.map_err(stored)?.of_key(),
            qdevice: qdevice_advice(count),
            forecast: (forecast(count, 0), forecast(count, qdevice_votes(count.max(1)))),
            view,
        })
    }

    pub(super) async fn do_run_checks(&self, caller: Caller, id: ClusterId) -> ApiResult<Matrix> {
        self.cluster_for(&caller, id, Deed::RunChecks).await?;
        self.state.engine.run_checks(&actor(&caller), id).await.map(|matrix| matrix.for_page()).map_err(ApiError)
    }

    async fn members(&self, id: ClusterId) -> ApiResult<Vec<Node>> {
        let nodes = self.state.engine.store.nodes(id).await.map_err(stored)?;
        Ok(nodes.into_iter().filter(|node| node.purpose == Purpose::Member).collect())
    }

    async fn read_addresses(&self, id: ClusterId) -> ApiResult<Vec<NodeAddresses>> {
        let members = self.members(id).await?;
        try_join_all(members.iter().map(|node| self.state.engine.addresses(node))).await.map_err(ApiError)
    }

    /// What a living cluster has, and who is new in it; `None` for a draft, whose links are all to be chosen.
    pub(super) async fn joining(&self, cluster: &Cluster, draft: &Draft) -> ApiResult<Option<Joining>> {
        if cluster.phase != ClusterPhase::Live {
            return Ok(None);
        }
        let engine = &self.state.engine;
        let nodes = engine.store.nodes(cluster.id).await.map_err(stored)?;
        let (snapshot, _) = engine.hub.look(cluster.id);
        let world =
            World { cluster, nodes: &nodes, draft, matrix: None, snapshot: Some(&snapshot), now: engine.clock.now() };
        let new = world.newcomers();
        let new: Vec<&Node> = nodes.iter().filter(|node| new.contains(&node.id)).collect();
        // Members need not answer here: their addresses stay as they are.
        let joiners = try_join_all(new.into_iter().map(|node| engine.addresses(node))).await.map_err(ApiError)?;
        Ok(Some(Joining { fixed: world.fixed_links(), joiners }))
    }

    pub(super) async fn do_network(&self, caller: Caller, id: ClusterId) -> ApiResult<NetworkView> {
        let cluster = self.cluster_for(&caller, id, Deed::RunChecks).await?;
        let draft = self.state.engine.store.draft(id).await.map_err(stored)?;
        let read_at = self.state.engine.clock.now();
        if let Some(Joining { fixed, joiners: nodes }) = self.joining(&cluster, &draft).await? {
            let proposal = links::propose_joining(&fixed, &draft.links, &nodes);
            let faults = links::joining_faults(&proposal, &fixed, &nodes);
            return Ok(NetworkView { nodes, candidates: Vec::new(), proposal, faults, fixed, read_at });
        }
        let nodes = self.read_addresses(id).await?;
        let candidates = links::candidates(&nodes);
        let proposal = links::propose(&candidates, &nodes);
        let faults = if draft.links.is_empty() { Vec::new() } else { links::faults(&draft.links, &nodes) };
        Ok(NetworkView { nodes, candidates, proposal, faults, fixed: Vec::new(), read_at })
    }

    pub(super) async fn do_choose_links(
        &self,
        caller: Caller,
        id: ClusterId,
        chosen: Vec<LinkPlan>,
        revision: u64,
    ) -> ApiResult<Draft> {
        let cluster = self.cluster_for(&caller, id, Deed::EditDraft).await?;
        let draft = self.state.engine.store.draft(id).await.map_err(stored)?;
        let joining = self.joining(&cluster, &draft).await?;
        let faults = match &joining {
            Some(Joining { fixed, joiners }) => links::joining_faults(&chosen, fixed, joiners),
            None => links::faults(&chosen, &self.read_addresses(id).await?),
        };
        if let Some(fault) = faults.first() {
            return Err(ApiError(link_problem(fault, &self.members(id).await?)));
        }
        let mut entry = self.decision(&caller, &cluster, AuditCode::LinksChosen);
        for link in &chosen {
            let priority = link.priority.map(|priority| format!(", priority {priority}")).unwrap_or_default();
            let addresses: Vec<String> = link.addresses.values().map(ToString::to_string).collect();
            entry.details.insert(format!("link{}", link.number), format!("{}{priority}", addresses.join(" ")));
        }
        self.save(&caller, id, revision, Some(entry), |draft| {
            draft.links = chosen;
            // What was verified before is not the cluster that is being built now.
            draft.verified_at = draft.verified_at.filter(|_| joining.is_none());
        })
        .await
    }

    /// What a person decides about the draft is audited together with the draft.
    pub(super) fn decision(&self, caller: &Caller, cluster: &Cluster, code: AuditCode) -> AuditEntry {
        self.state.engine.audit.about(code, &actor(caller), Outcome::Success, cluster)
    }

    pub(super) async fn save(
        &self,
        caller: &Caller,
        id: ClusterId,
        revision: u64,
        audit: Option<AuditEntry>,
        change: impl FnOnce(&mut Draft),
    ) -> ApiResult<Draft> {
        let engine = &self.state.engine;
        let mut draft = engine.store.draft(id).await.map_err(stored)?;
        draft.revision = revision;
        draft.touched_by = Some(caller.me.name.clone());
        draft.touched_at = Some(engine.clock.now());
        change(&mut draft);
        match engine.store.save_draft(id, &draft, audit).await {
            Ok(saved) => Ok(saved),
            Err(StoreError::Conflict { .. }) => {
                let mut problem = Problem::new(ProblemCode::WorldChanged).with("what", "draft");
                // Who was faster stands in the draft itself; without that the refusal stands all the same.
                if let Some(by) = engine.store.draft(id).await.ok().and_then(|draft| draft.touched_by) {
                    problem = problem.with("by", by);
                }
                Err(ApiError(problem))
            }
            Err(other) => Err(stored(other)),
        }
    }

    pub(super) async fn do_verify(&self, caller: Caller, id: ClusterId) -> ApiResult<Verification> {
        self.cluster_for(&caller, id, Deed::RunChecks).await?;
        let report = self.state.engine.verify(&actor(&caller), id).await.map_err(ApiError)?;
        let draft = self.state.engine.store.draft(id).await.map_err(stored)?;
        let verified_at = report.agreed.then_some(report.at);
        self.save(&caller, id, draft.revision, None, |draft| draft.verified_at = verified_at).await?;
        Ok(report)
    }

    pub(super) async fn do_skip_qdevice(&self, caller: Caller, id: ClusterId, revision: u64) -> ApiResult<Draft> {
        let cluster = self.cluster_for(&caller, id, Deed::EditDraft).await?;
        let entry = self.decision(&caller, &cluster, AuditCode::QdeviceSkipped);
        self.save(&caller, id, revision, Some(entry), |draft| draft.qdevice_skipped = true).await
    }
}

/// A living cluster's links, and the addresses of those who are to join it.
pub(super) struct Joining {
    pub fixed: Vec<LinkPlan>,
    pub joiners: Vec<NodeAddresses>,
}

pub(super) fn link_problem(fault: &links::LinkFault, nodes: &[Node]) -> Problem {
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
        links::LinkFault::Changed => ProblemCode::LinksFixed.into(),
        links::LinkFault::Twice { address } => Problem::new(ProblemCode::LinkAddressTwice).with("address", address),
    }
}
