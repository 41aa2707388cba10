//! From a wish to a frozen plan, and from a plan to an operation that may run.

use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::execute;
use crate::lowered::SET_EXPECTED;
use crate::overtake::Wanted;
use crate::render;
use model::audit::{AuditCode, Outcome};
use model::digest::Digest;
use model::ids::{ClusterId, OperationId};
use model::inventory::Cluster;
use model::lint::{LintFault, lint};
use model::operation::{Operation, OperationState, StepStatus};
use model::plan::{Action, Intent, Plan};
use model::planner::{self, PlanWorld};
use model::policy::{Consent, Ruling, Shown, Unmet};
use model::problem::{Problem, ProblemCode};

/// A plan together with what the policy asks for it.
#[derive(Debug, Clone)]
pub struct Proposal {
    pub plan: Plan,
    pub digest: Digest,
    pub ruling: Ruling,
}

/// What a person saw of a plan, typed for it, and has shown of themselves.
#[derive(Debug, Clone, Copy)]
pub struct Decided<'a> {
    /// The digest of the plan.
    pub seen: &'a str,
    pub consent: &'a Consent,
    pub shown: Shown,
}

impl Engine {
    /// Plans an intent against the world of now.
    ///
    /// # Errors
    /// Why there can be no such plan.
    pub async fn plan(&self, cluster: ClusterId, intent: &Intent) -> Result<Proposal, Problem> {
        let cluster = self.store.cluster(cluster).await.map_err(|error| store_problem(&error))?;
        let nodes = self.store.nodes(cluster.id).await.map_err(|error| store_problem(&error))?;
        let snapshot = self.hub.snapshot(cluster.id);
        let look = self.look_for(cluster.id, &nodes, intent).await?;
        let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: snapshot.as_deref(), look: look.as_ref() };
        let mut plan = render::render(planner::plan(intent, &world)?, &self.dialer.console_key()?)?;
        if let Intent::CreateCluster { .. } = intent {
            // Who builds on the checks builds on what somebody answers for.
            let draft = self.store.draft(cluster.id).await.map_err(|error| store_problem(&error))?;
            plan.acknowledged = draft.acknowledged;
        }
        if let Some(fault) = lint(&plan).first() {
            return Err(unfit(fault));
        }
        self.stays_out_of_others(&cluster, &nodes, &plan).await?;
        let digest = plan.digest().map_err(|_| Problem::from(ProblemCode::Internal))?;
        let policy = self.store.policy(cluster.id).await.map_err(|error| store_problem(&error))?;
        let ruling = policy.rule(plan.intent.word(), plan.risk);
        Ok(Proposal { plan, digest, ruling })
    }

    /// Proposes and starts exactly the plan that the person saw.
    ///
    /// # Errors
    /// `PlanChanged` when the world has moved since, `ConsentMissing` when the policy asks for more.
    pub async fn run(
        &self,
        who: &Person,
        cluster: ClusterId,
        intent: &Intent,
        seen: &str,
        consent: &Consent,
        shown: impl Into<Shown>,
    ) -> Result<OperationId, Problem> {
        let decided = Decided { seen, consent, shown: shown.into() };
        self.run_in_place_of(who, cluster, intent, decided, None).await
    }

    /// The same, ending the operation that has the cluster's place where that is wanted. For what the policy asks nobody
    /// about; what needs an agreement takes a place by [`Engine::run_overtaking`].
    ///
    /// # Errors
    /// Also why that one may not be ended; then nothing has changed.
    pub async fn run_in_place_of(
        &self,
        who: &Person,
        cluster: ClusterId,
        intent: &Intent,
        decided: Decided<'_>,
        wanted: Option<&Wanted>,
    ) -> Result<OperationId, Problem> {
        let consent = decided.consent;
        let proposal = self.plan(cluster, intent).await?;
        if proposal.digest.as_str() != decided.seen {
            return Err(ProblemCode::PlanChanged.into());
        }
        self.demands_met(who, &proposal, consent, decided.shown).await?;
        let id = self.begin_in_place_of(who, proposal, consent, wanted).await?;
        execute::spawn(self.clone(), id, who.clone(), None);
        Ok(id)
    }

    /// Everything that the policy wants of a person who runs a plan without anybody's agreement.
    ///
    /// # Errors
    /// `ConsentMissing`; the refusal is audited.
    pub async fn demands_met(
        &self,
        who: &Person,
        proposal: &Proposal,
        consent: &Consent,
        shown: Shown,
    ) -> Result<(), Problem> {
        let missing = proposal.ruling.unmet(consent, &proposal.plan.target, shown, false);
        let Some(first) = missing.first() else { return Ok(()) };
        let problem = unmet(*first);
        self.refuse(who, proposal.plan.cluster, proposal, &problem).await?;
        Err(problem)
    }

    /// Writes an operation down and takes the cluster's place for it; the caller carries it out.
    ///
    /// # Errors
    /// `AlreadyRunning` where another operation holds the cluster.
    pub async fn begin(&self, who: &Person, proposal: Proposal, consent: &Consent) -> Result<OperationId, Problem> {
        self.begin_in_place_of(who, proposal, consent, None).await
    }

    async fn begin_in_place_of(
        &self,
        who: &Person,
        proposal: Proposal,
        consent: &Consent,
        wanted: Option<&Wanted>,
    ) -> Result<OperationId, Problem> {
        let operation = self.propose(who, proposal, consent).await?;
        let started = match wanted {
            None => self.start(&operation, AuditCode::OperationStarted).await,
            Some(wanted) => self.start_in_place_of(who, &operation, wanted).await,
        };
        if let Err(problem) = started {
            self.withdraw(who, &operation, &problem).await?;
            return Err(problem);
        }
        self.hold_evidence(&operation).await;
        Ok(operation.id)
    }

    /// What the person saw of the nodes is kept as long as the operation itself.
    pub(crate) async fn hold_evidence(&self, operation: &Operation) {
        self.evidence.flush().await;
        if let Err(error) = self.store.hold(operation.cluster, operation.id).await {
            tracing::warn!(store.error = %error, "the evidence of an operation was not bound to it");
        }
    }

    /// What could not take its place does not wait for ever.
    pub(crate) async fn withdraw(&self, who: &Person, operation: &Operation, problem: &Problem) -> Result<(), Problem> {
        let mut entry = self.operation_entry(operation, AuditCode::PlanRefused, who, Outcome::Refused).await;
        entry.details.insert("problem".to_owned(), problem.code.as_str().to_owned());
        self.store
            .set_state(operation.id, &operation.state, &OperationState::Abandoned, Some(entry), self.clock.now())
            .await
            .map_err(|error| store_problem(&error))
    }

    pub(crate) async fn refuse(
        &self,
        who: &Person,
        cluster: ClusterId,
        proposal: &Proposal,
        problem: &Problem,
    ) -> Result<(), Problem> {
        let cluster: Cluster = self.store.cluster(cluster).await.map_err(|error| store_problem(&error))?;
        let mut entry = self.audit.about(AuditCode::PlanRefused, who, Outcome::Refused, &cluster);
        entry.risk = Some(proposal.plan.risk);
        entry.details.insert("intent".to_owned(), proposal.plan.intent.word().to_owned());
        entry.details.insert("problem".to_owned(), problem.code.as_str().to_owned());
        self.audit.write(entry).await.map_err(|error| store_problem(&error))
    }

    /// Writes an operation down, not running yet.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn propose(&self, who: &Person, proposal: Proposal, consent: &Consent) -> Result<Operation, Problem> {
        let cluster = self.store.cluster(proposal.plan.cluster).await.map_err(|error| store_problem(&error))?;
        let now = self.clock.now();
        let mut entry = self.audit.about(AuditCode::PlanProposed, who, Outcome::Success, &cluster);
        let operation = Operation {
            id: OperationId::from_uuid(self.ids.next()),
            cluster: cluster.id,
            steps: vec![StepStatus::Waiting; proposal.plan.steps.len()],
            digest: proposal.digest,
            plan: proposal.plan,
            reason: consent.reason.trim().to_owned(),
            proposed_by: who.name.clone(),
            proposed_at: now,
            state: OperationState::Proposed,
            finished_at: None,
        };
        entry.operation = Some(operation.id);
        entry.risk = Some(operation.plan.risk);
        entry.reason = Some(operation.reason.clone()).filter(|reason| !reason.is_empty());
        entry.command =
            Some(operation.plan.steps.iter().flat_map(|step| step.commands.clone()).collect::<Vec<_>>().join("\n"));
        entry.details.insert("digest".to_owned(), operation.digest.to_string());
        entry.details.insert("intent".to_owned(), operation.plan.intent.word().to_owned());
        let answered = operation.plan.acknowledged.iter();
        let answered: Vec<String> =
            answered.map(|one| format!("{} ({}): {}", one.check.as_str(), one.by, one.reason)).collect();
        if !answered.is_empty() {
            entry.details.insert("acknowledged".to_owned(), answered.join("; "));
        }
        self.store.propose(&operation, entry).await.map_err(|error| store_problem(&error))?;
        Ok(operation)
    }

    /// Takes the cluster's only place for a state-changing operation.
    pub(crate) async fn start(&self, operation: &Operation, code: AuditCode) -> Result<(), Problem> {
        let who = Person { name: operation.proposed_by.clone() };
        let entry = self.operation_entry(operation, code, &who, Outcome::Started).await;
        self.store
            .set_state(operation.id, &operation.state, &OperationState::Running, Some(entry), self.clock.now())
            .await
            .map_err(|error| store_problem(&error))
    }

    /// An entry about an operation, under the name that its cluster has here at this moment.
    pub(crate) async fn operation_entry(
        &self,
        operation: &Operation,
        code: AuditCode,
        who: &Person,
        outcome: Outcome,
    ) -> model::audit::AuditEntry {
        let mut entry = self.audit.entry(code, who, outcome);
        entry.cluster = Some(operation.cluster);
        entry.cluster_name = Some(self.audit.name_of_cluster(operation).await);
        entry.operation = Some(operation.id);
        entry.risk = Some(operation.plan.risk);
        entry.details.insert("intent".to_owned(), operation.plan.intent.word().to_owned());
        if operation.plan.steps.iter().any(|step| matches!(step.action, Action::RegainQuorum { .. })) {
            // Whoever looks for those who lowered votes finds this one too.
            entry.details.insert("also".to_owned(), SET_EXPECTED.to_owned());
        }
        entry
    }
}

/// The refusal of a person who has not met a demand.
pub(crate) fn unmet(demand: Unmet) -> Problem {
    demand.into()
}

/// Why a plan may not be shown; only what people chose is theirs to change.
fn unfit(fault: &LintFault) -> Problem {
    match fault {
        LintFault::AddressTwice { address } => Problem::new(ProblemCode::LinkAddressTwice).with("address", address),
        other => {
            tracing::error!(plan.fault = ?other, "a plan did not pass its own lint");
            ProblemCode::Internal.into()
        }
    }
}
