//! Plans and operations.

use super::wizard::{Joining, link_problem};
use super::{RequestBackend, actor, stored};
use app::api::*;
use engine::approvals::Resumer;
use engine::overtake::Wanted;
use engine::propose::Decided;
use futures::future::join_all;
use model::can::{self, Deed};
use model::ids::{ClusterId, NodeId, OperationId};
use model::inventory::{Cluster, Node, Purpose};
use model::links;
use model::midway::Midway;
use model::name::ClusterName;
use model::operation::{Operation, OutputLine};
use model::plan::Intent;
use model::policy::{Agreement, Consent};
use model::problem::{Problem, ProblemCode};
use model::recovery::Recovery;
use model::topology::Membership;
use model::wizard::{self, Draft, StepState, WizardStep, World};
use std::collections::{BTreeMap, BTreeSet};

/// Operations on the list page.
const LISTED: u32 = 200;
/// Lines of output on an operation's page.
const OUTPUT_LINES: usize = 5_000;

impl RequestBackend {
    pub(super) async fn do_preview(&self, caller: Caller, id: ClusterId, wish: Wish) -> ApiResult<Preview> {
        let cluster = self.cluster_for(&caller, id, Deed::ProposePlan).await?;
        Self::may_wish(&caller, id, &wish)?;
        let intent = self.intent(&caller, &cluster, &wish).await?;
        let proposal = self.state.engine.plan(id, &intent).await.map_err(ApiError)?;
        let obstacles = self.obstacles(&cluster, &wish).await?;
        let alone = proposal.ruling.agreement == Agreement::Nobody && intent.overtakes();
        let place = if alone { self.place_of(&caller, id, &intent).await? } else { None };
        let (plan, digest) = (proposal.plan, proposal.digest.to_string());
        Ok(Preview { plan, digest, ruling: proposal.ruling, obstacles, place })
    }

    pub(super) async fn do_run(
        &self,
        caller: Caller,
        id: ClusterId,
        wish: Wish,
        (digest, consent): (String, Consent),
        ends: Option<Ending>,
    ) -> ApiResult<OperationId> {
        let cluster = self.cluster_for(&caller, id, Deed::RunPlan).await?;
        Self::may_wish(&caller, id, &wish)?;
        if let Some(obstacle) = self.obstacles(&cluster, &wish).await?.into_iter().next() {
            return Err(ApiError(obstacle));
        }
        let intent = self.intent(&caller, &cluster, &wish).await?;
        let decided = Decided { seen: &digest, consent: &consent, shown: caller.me.shown };
        let wanted = ends.map(|Ending { operation, reason }| Wanted { operation, reason });
        let who = actor(&caller);
        let run = self.state.engine.run_in_place_of(&who, id, &intent, decided, wanted.as_ref());
        run.await.map_err(ApiError)
    }

    /// What needs more than the right to run plans.
    pub(super) fn may_wish(caller: &Caller, id: ClusterId, wish: &Wish) -> ApiResult<()> {
        match wish {
            Wish::Withdraw { .. } => can::do_it(Self::role_on(caller, id), Deed::ForgetCluster).map_err(ApiError),
            Wish::Create { .. } | Wish::Join { .. } | Wish::Qdevice { .. } => Ok(()),
            Wish::RemoveQdevice | Wish::StartQdevice | Wish::Expected { .. } => Ok(()),
            Wish::Remedy { .. } | Wish::TakeBack { .. } => Ok(()),
            Wish::Power { .. } => Ok(()),
            Wish::FinishJoin { .. } | Wish::UndoJoin { .. } => Ok(()),
            Wish::RestartCorosync { .. } => Ok(()),
        }
    }

    /// A wish becomes an intent with what the draft and the cluster already say.
    pub(super) async fn intent(&self, caller: &Caller, cluster: &Cluster, wish: &Wish) -> ApiResult<Intent> {
        let engine = &self.state.engine;
        let links = engine.store.draft(cluster.id).await.map_err(stored)?.links;
        match wish {
            Wish::Create { name, first } => {
                let name: ClusterName =
                    name.trim().parse().map_err(|error: model::name::NameError| ApiError(error.into()))?;
                Ok(Intent::CreateCluster { name, first: *first, links })
            }
            Wish::Join { joiners } => {
                let member = self.member(cluster).await?.id;
                Ok(Intent::JoinNodes { joiners: joiners.clone(), member, links })
            }
            Wish::Qdevice { host, address, against_advice } => {
                let host = engine.node(*host).await.map_err(ApiError)?;
                let typed = host.address.host.parse().ok();
                let address = address.or(typed).ok_or_else(|| ApiError(ProblemCode::AddressInvalid.into()))?;
                Ok(Intent::SetUpQdevice { host: host.id, address, against_advice: *against_advice })
            }
            Wish::RemoveQdevice => Ok(Intent::RemoveQdevice),
            Wish::StartQdevice => Ok(Intent::StartQdevice),
            Wish::Expected { accounts } => self.expected(caller, cluster, accounts).await,
            Wish::Withdraw { leave } => {
                let leave: BTreeSet<NodeId> = leave.iter().copied().collect();
                Ok(Intent::Withdraw { leave: leave.into_iter().collect() })
            }
            Wish::Remedy { node, remedy } => Ok(Intent::Remedy { node: *node, remedy: *remedy }),
            Wish::TakeBack { operation } => Ok(Intent::TakeBack { operation: *operation }),
            Wish::Power { node, to } => self.power_intent(cluster, *node, *to).await,
            Wish::FinishJoin { node } => Ok(Intent::FinishJoin { node: *node, links }),
            Wish::UndoJoin { node } => Ok(Intent::UndoJoin { node: *node }),
            Wish::RestartCorosync { node } => Ok(Intent::RestartCorosync { node: *node }),
        }
    }

    /// Who asks is who attests.
    async fn expected(
        &self,
        caller: &Caller,
        cluster: &Cluster,
        accounts: &BTreeMap<String, String>,
    ) -> ApiResult<Intent> {
        let seen = self.state.engine.recovery(cluster.id).await.map_err(ApiError)?;
        if let Some(obstacle) = seen.obstacles().into_iter().next() {
            return Err(ApiError(obstacle));
        }
        let accounts: Vec<(String, String)> = accounts.iter().map(|(name, how)| (name.clone(), how.clone())).collect();
        let written_off = seen.write_off(&accounts, &caller.me.name).map_err(ApiError)?;
        Ok(Intent::SetExpected { through: seen.through, votes: seen.votes(), members: seen.members, written_off })
    }

    pub(super) async fn do_recovery(&self, caller: Caller, id: ClusterId) -> ApiResult<Recovery> {
        self.cluster_for(&caller, id, Deed::RunChecks).await?;
        self.state.engine.recovery(id).await.map_err(ApiError)
    }

    pub(super) async fn do_midway(&self, caller: Caller, id: ClusterId) -> ApiResult<Vec<Midway>> {
        self.cluster_for(&caller, id, Deed::RunChecks).await?;
        self.state.engine.midway(id).await.map_err(ApiError)
    }

    /// A node that is a member now, and best the first one: through it others join.
    async fn member(&self, cluster: &Cluster) -> ApiResult<Node> {
        let mut nodes = self.state.engine.store.nodes(cluster.id).await.map_err(stored)?;
        nodes.retain(|node| node.purpose == Purpose::Member);
        nodes.sort_by_key(|node| node.position);
        let snapshot = self.state.engine.hub.snapshot(cluster.id);
        let is_member = |node: &Node| {
            snapshot.as_ref().is_some_and(|snapshot| {
                snapshot.nodes.iter().any(|state| state.id == Some(node.id) && state.membership == Membership::Member)
            })
        };
        nodes.into_iter().find(is_member).ok_or_else(|| ApiError(ProblemCode::ClusterNotQuorate.into()))
    }

    /// What the wizard would answer if asked: the same machine guards the button and the call.
    pub(super) async fn obstacles(&self, cluster: &Cluster, wish: &Wish) -> ApiResult<Vec<Problem>> {
        let engine = &self.state.engine;
        let nodes = engine.store.nodes(cluster.id).await.map_err(stored)?;
        let draft = engine.store.draft(cluster.id).await.map_err(stored)?;
        let matrix = engine.hub.matrix(cluster.id);
        let (snapshot, _) = engine.hub.look(cluster.id);
        let world = World {
            cluster,
            nodes: &nodes,
            draft: &draft,
            matrix: matrix.as_deref(),
            snapshot: Some(&snapshot),
            now: engine.clock.now(),
        };
        let step = match wish {
            Wish::Create { .. } => WizardStep::Create,
            Wish::Join { .. } => WizardStep::Join,
            Wish::Qdevice { .. } => WizardStep::Qdevice,
            Wish::Withdraw { leave } => return Ok(self.silent(&nodes, leave).await),
            // What stands against it only the nodes can tell, and they do before the step acts.
            Wish::RemoveQdevice | Wish::StartQdevice => return Ok(Vec::new()),
            Wish::Expected { .. } => return Ok(engine.recovery(cluster.id).await.map_err(ApiError)?.obstacles()),
            // What is in the way there is found by looking at the machine, when the plan is made.
            // The BMC is asked by the step itself.
            Wish::Power { .. } => return Ok(Vec::new()),
            Wish::Remedy { .. }
            | Wish::TakeBack { .. }
            | Wish::FinishJoin { .. }
            | Wish::UndoJoin { .. }
            | Wish::RestartCorosync { .. } => return Ok(Vec::new()),
        };
        let mut found = Vec::new();
        if let Some((_, StepState::Blocked { problem })) =
            wizard::states(&world).into_iter().find(|(one, _)| *one == step)
        {
            found.push(problem);
        }
        if !matches!(wish, Wish::Qdevice { .. }) {
            found.extend(self.link_obstacles(cluster, &nodes, &draft).await);
        }
        Ok(found)
    }

    /// `pvecm create` accepts an address that is not there: the nodes are asked again.
    async fn link_obstacles(&self, cluster: &Cluster, nodes: &[Node], draft: &Draft) -> Vec<Problem> {
        match self.joining(cluster, draft).await {
            Ok(None) => {}
            Ok(Some(Joining { fixed, joiners })) => {
                let faults = links::joining_faults(&draft.links, &fixed, &joiners);
                return faults.first().map(|fault| link_problem(fault, nodes)).into_iter().collect();
            }
            Err(ApiError(problem)) => return vec![problem],
        }
        let mut known = Vec::new();
        for node in nodes.iter().filter(|node| node.purpose == Purpose::Member) {
            match self.state.engine.addresses(node).await {
                Ok(addresses) => known.push(addresses),
                Err(problem) => return vec![problem],
            }
        }
        let faults = links::faults(&draft.links, &known);
        if faults.is_empty() { Vec::new() } else { vec![ProblemCode::LinksIncomplete.into()] }
    }

    /// Machines that have to answer for a withdrawal and do not. One that refuses the console's key has answered.
    async fn silent(&self, nodes: &[Node], leave: &[NodeId]) -> Vec<Problem> {
        let asked = nodes.iter().filter(|node| node.pin.is_some() && !leave.contains(&node.id));
        let answers = join_all(asked.map(|node| self.state.engine.shell_to(node))).await;
        let problems = answers.into_iter().filter_map(Result::err);
        problems.filter(|problem| problem.code != ProblemCode::KeyRefused).collect()
    }

    pub(super) async fn operation_for(&self, caller: &Caller, id: OperationId, deed: Deed) -> ApiResult<Operation> {
        let operation = self.state.engine.store.operation(id).await.map_err(stored)?;
        model::can::do_it(caller.me.access.on(operation.cluster), deed).map_err(ApiError)?;
        Ok(operation)
    }

    pub(super) async fn do_operation(&self, caller: Caller, id: OperationId) -> ApiResult<OperationView> {
        let operation = self.operation_for(&caller, id, Deed::See).await?;
        let engine = &self.state.engine;
        let (_, seq) = engine.hub.look(operation.cluster);
        let cluster = engine.store.cluster(operation.cluster).await.ok();
        Ok(OperationView {
            cluster_name: cluster.map_or_else(|| operation.plan.target.clone(), |cluster| cluster.name.to_string()),
            output: self.newest_output(id).await?,
            role: Self::role_on(&caller, operation.cluster),
            agreed: self.agreed_by(id).await?,
            agreed_anew: engine.who_agreed_anew(id).await.map_err(stored)?,
            seq,
            operation,
        })
    }

    /// The last lines count: the stream goes on from there.
    async fn newest_output(&self, id: OperationId) -> ApiResult<Vec<OutputLine>> {
        let mut lines = self.state.engine.store.output_of(id, 0, u32::MAX).await.map_err(stored)?;
        lines.drain(..lines.len().saturating_sub(OUTPUT_LINES));
        Ok(lines)
    }

    pub(super) async fn do_operations(&self, caller: Caller, cluster: Option<ClusterId>) -> ApiResult<Vec<Operation>> {
        let mut found = self.state.engine.store.operations(cluster, LISTED).await.map_err(stored)?;
        found.retain(|operation| model::can::do_it(caller.me.access.on(operation.cluster), Deed::See).is_ok());
        Ok(found)
    }

    pub(super) async fn do_resume(&self, caller: Caller, id: OperationId) -> ApiResult<()> {
        let operation = self.operation_for(&caller, id, Deed::ResumeOperation).await?;
        let by = Resumer { role: Self::role_on(&caller, operation.cluster), shown: caller.me.shown };
        self.state.engine.resume_by(&actor(&caller), by, id).await.map_err(ApiError)
    }

    pub(super) async fn do_abandon(&self, caller: Caller, id: OperationId, reason: String) -> ApiResult<()> {
        self.stoppable_for(&caller, id, Deed::AbandonOperation).await?;
        self.state.engine.abandon(&actor(&caller), id, &reason).await.map_err(ApiError)
    }
}
