//! What a request would be if it were asked for now.

use crate::context::{Engine, store_problem};
use crate::ports::StoreError;
use crate::propose::Proposal;
use jiff::Timestamp;
use model::approval::{
    Blast, Change, Compared, Court, FactLine, May, Request, RequestState, Seen, Subject, VoidCode, around, changes,
    compare, facts_digest, material,
};
use model::ids::ClusterId;
use model::plan::{Intent, Plan};
use model::planner::PlanWorld;
use model::policy::Agreement;
use model::problem::{Problem, ProblemCode};
use model::role::Role;

/// The world of now beside that of a request.
#[derive(Debug, Clone)]
pub struct Now {
    /// When it was looked at.
    pub at: Timestamp,
    /// Material facts as they are.
    pub facts: Vec<FactLine>,
    /// Whether they are as they were; `None` where there is nothing to compare with: no plan, or no cluster any more.
    pub compared: Option<Compared>,
    /// What else is not as it was.
    pub since: Vec<Change>,
    /// What the plan would do in the world of now, as long as something can come of the request.
    pub blast: Option<Blast>,
    /// Why it could not be agreed to, or run, at this moment.
    pub hindrance: Option<Problem>,
}

impl Now {
    /// Nothing of it can be compared.
    const fn alone(at: Timestamp, hindrance: Option<Problem>) -> Self {
        Self { at, facts: Vec::new(), compared: None, since: Vec::new(), blast: None, hindrance }
    }
}

/// What a plan rests on, read together with it.
pub(super) struct Ground {
    pub seen: Seen,
    pub facts: Vec<FactLine>,
    pub around: Vec<FactLine>,
    pub blast: Blast,
}

impl Engine {
    /// Facts, and what the plan does to the votes, in the world of now.
    pub(super) async fn ground(&self, proposal: &Proposal) -> Result<Ground, Problem> {
        let internal = |_| Problem::from(ProblemCode::Internal);
        let (facts, around, blast) = self.facts_of(proposal.plan.cluster, &proposal.plan).await?;
        let seen = Seen { digest: proposal.digest.clone(), facts: facts_digest(&facts).map_err(internal)? };
        Ok(Ground { seen, facts, around, blast })
    }

    pub(super) async fn facts_of(
        &self,
        cluster: ClusterId,
        plan: &Plan,
    ) -> Result<(Vec<FactLine>, Vec<FactLine>, Blast), Problem> {
        let cluster = self.store.cluster(cluster).await.map_err(|error| store_problem(&error))?;
        let nodes = self.store.nodes(cluster.id).await.map_err(|error| store_problem(&error))?;
        let snapshot = self.hub.snapshot(cluster.id);
        let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: snapshot.as_deref(), look: None };
        let guests = self.watchers.guests.of(cluster.id, self.clock.now());
        let facts = material(&plan.intent, &world, guests.as_ref());
        let mut around = around(snapshot.as_deref(), guests.as_ref());
        // What is material stands there already.
        around.retain(|line| !facts.iter().any(|fact| fact.code == line.code && fact.about == line.about));
        Ok((facts, around, Blast::of(plan, &world, guests.as_ref())))
    }

    /// What a person sees beside the request: then and now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn request_now(&self, request: &Request) -> Result<Now, Problem> {
        let at = self.clock.now();
        let Subject::Plan { plan, facts, around, .. } = &request.subject else {
            return Ok(Now::alone(at, self.policy_moved(request).await?));
        };
        let (facts_now, around_now, blast) = match self.facts_of(request.cluster, plan).await {
            Ok(now) => now,
            // A request outlives its cluster, as history.
            Err(problem) if problem.code == ProblemCode::NotFound => return Ok(Now::alone(at, Some(problem))),
            Err(problem) => return Err(problem),
        };
        let hindrance = if request.state.is_open() { self.seen_again(request).await.err() } else { None };
        Ok(Now {
            at,
            compared: Some(compare(facts, &facts_now)),
            since: changes(around, &around_now),
            facts: facts_now,
            blast: request.state.is_open().then_some(blast),
            hindrance,
        })
    }

    /// The plan of a request, made anew: it has to be the same, and to rest on the same.
    pub(super) async fn seen_again(&self, request: &Request) -> Result<(Seen, Proposal), Problem> {
        let Subject::Plan { plan, facts, .. } = &request.subject else { return Err(ProblemCode::Internal.into()) };
        let (facts_now, _, _) = self.facts_of(request.cluster, plan).await?;
        // What cannot be told is no change: where the console is blind for a moment nothing is thrown away.
        match compare(facts, &facts_now) {
            Compared::Same => {}
            Compared::CannotTell => return Err(ProblemCode::FactsUnknown.into()),
            Compared::Changed => return Err(ProblemCode::FactsChanged.into()),
        }
        let intent: &Intent = &plan.intent;
        let proposal = self.plan(request.cluster, intent).await?;
        let ground = self.ground(&proposal).await?;
        Ok((ground.seen, proposal))
    }

    /// What a person may do about a request, as the accounts and the policy are now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn may(&self, request: &Request, actor: &str, role: Role) -> Result<May, Problem> {
        let agreement = self.agreement_now(request).await?;
        let approver = match &request.state {
            RequestState::Approved { by, .. } => {
                let user = self.store.user_by_name(by).await.map_err(|error| store_problem(&error))?;
                (!user.disabled).then(|| user.access.on(request.cluster))
            }
            _ => None,
        };
        let others = self.store.other_admins(request.cluster, actor).await.map_err(|error| store_problem(&error))?;
        let now = self.clock.now();
        let court = Court { actor, role: Some(role), approver, agreement, other_admins: others, now };
        Ok(May::of(request, &court))
    }

    /// Whose agreement the policy asks for now; what it asked for then where the cluster is gone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn agreement_now(&self, request: &Request) -> Result<Agreement, Problem> {
        let Some(plan) = request.subject.plan() else { return Ok(Agreement::AnotherAdmin) };
        match self.store.policy(request.cluster).await {
            Ok(policy) => Ok(policy.rule(plan.intent.word(), plan.risk).agreement),
            Err(StoreError::NotFound { .. }) => Ok(request.agreement),
            Err(error) => Err(store_problem(&error)),
        }
    }

    async fn policy_moved(&self, request: &Request) -> Result<Option<Problem>, Problem> {
        let Subject::Policy { before, .. } = &request.subject else { return Ok(None) };
        if !request.state.is_open() {
            return Ok(None);
        }
        match self.store.policy(request.cluster).await {
            Ok(now) => Ok((now != *before).then(|| ProblemCode::FactsChanged.into())),
            Err(error) => Ok(Some(store_problem(&error))),
        }
    }
}

/// Whether a refusal means that nothing can come of the request any more.
pub(super) fn voids(problem: &Problem) -> Option<VoidCode> {
    match problem.code {
        ProblemCode::FactsChanged => Some(VoidCode::FactsChanged),
        ProblemCode::PlanChanged => Some(VoidCode::PlanChanged),
        ProblemCode::ApproverLost => Some(VoidCode::ApproverLost),
        _ => None,
    }
}
