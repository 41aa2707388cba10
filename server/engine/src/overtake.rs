//! What cannot wait ends the operation that has its cluster's place, and takes it, in one transaction.

use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::execute;
use crate::ports::{Overtaking, StoreError};
use crate::steps::{self, StepContext, StillRuns};
use model::audit::{AuditCode, Outcome};
use model::ids::{ClusterId, OperationId};
use model::operation::{Operation, OperationState};
use model::plan::Intent;
use model::problem::{Problem, ProblemCode};
use model::role::Role;

/// Which operation somebody wants to end, and why it cannot be waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub operation: OperationId,
    pub reason: String,
}

impl Engine {
    /// The operation that has a cluster's place.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn holder(&self, cluster: ClusterId) -> Result<Option<Operation>, Problem> {
        let all = self.store.unfinished().await.map_err(|error| store_problem(&error))?;
        Ok(all.into_iter().find(|one| one.cluster == cluster))
    }

    /// What would be written down, where it may be: for a plan of `intent` that runs as `by`.
    ///
    /// # Errors
    /// `ReasonNeeded`, what [`Operation::may_be_overtaken`] says, or `CommandStillRuns`: two changes of one cluster at
    /// once are worse than waiting for a command whose end is known.
    pub(crate) async fn overtaking(
        &self,
        who: &Person,
        intent: &Intent,
        cluster: ClusterId,
        wanted: &Wanted,
        by: OperationId,
    ) -> Result<Overtaking, Problem> {
        let reason = wanted.reason.trim();
        if reason.is_empty() {
            return Err(ProblemCode::ReasonNeeded.into());
        }
        let operation = self.store.operation(wanted.operation).await.map_err(|error| store_problem(&error))?;
        if operation.cluster != cluster {
            return Err(ProblemCode::NothingToOvertake.into());
        }
        operation.may_be_overtaken(intent, &who.name, self.role_of(who, cluster).await?)?;
        self.nothing_is_known_to_run(who, &operation).await?;
        let to = OperationState::Overtaken {
            by,
            intent: intent.word().to_owned(),
            who: who.name.clone(),
            reason: reason.to_owned(),
            at: self.clock.now(),
        };
        let mut audit = self.operation_entry(&operation, AuditCode::OperationOvertaken, who, Outcome::Success).await;
        audit.reason = Some(reason.to_owned());
        audit.step = operation.in_flight();
        audit.details.insert("overtaken_by".to_owned(), by.to_string());
        audit.details.insert("left".to_owned(), operation.left_in_words());
        Ok(Overtaking { operation: operation.id, from: operation.state, to, audit })
    }

    /// Starts what the policy asks nobody about, in the place of the operation that is wanted out of it.
    pub(crate) async fn start_in_place_of(
        &self,
        who: &Person,
        operation: &Operation,
        wanted: &Wanted,
    ) -> Result<(), Problem> {
        let intent = &operation.plan.intent;
        let overtaking = self.overtaking(who, intent, operation.cluster, wanted, operation.id).await?;
        let mut started = self.operation_entry(operation, AuditCode::OperationStarted, who, Outcome::Started).await;
        started.details.insert("overtakes".to_owned(), wanted.operation.to_string());
        let started = self.store.start_in_place(operation.id, self.clock.now(), &overtaking, started).await;
        started.map_err(|error| store_problem(&error))?;
        self.let_go(wanted.operation).await;
        Ok(())
    }

    /// After the transaction: whatever of it is under way here ends, before the other one begins.
    pub(crate) async fn let_go(&self, overtaken: OperationId) {
        self.executors.stop(overtaken).await;
        if let Err(error) = self.audit.close_unpaired_of(overtaken).await {
            // The next start says it.
            tracing::warn!(operation.id = %overtaken, store.error = %error, "its commands were not said to be without an end");
        }
        execute::publish(self, overtaken).await;
    }

    async fn role_of(&self, who: &Person, cluster: ClusterId) -> Result<Role, Problem> {
        match self.store.user_by_name(&who.name).await {
            Ok(user) if user.disabled => Ok(Role::Viewer),
            Ok(user) => Ok(user.access.on(cluster)),
            Err(StoreError::NotFound { .. }) => Ok(Role::Viewer),
            Err(error) => Err(store_problem(&error)),
        }
    }

    /// A command of which nobody can tell whether it runs does not hold up an emergency: its machine is mostly the reason
    /// for it. One that is known to run does.
    async fn nothing_is_known_to_run(&self, who: &Person, operation: &Operation) -> Result<(), Problem> {
        let Some(step) = operation.in_flight() else { return Ok(()) };
        let context = StepContext::new(self, operation, step, who, None).ok_or(ProblemCode::Internal)?;
        match steps::still_runs(&context).await {
            StillRuns::No | StillRuns::CannotTell { .. } => Ok(()),
            StillRuns::Yes => Err(Problem::new(ProblemCode::CommandStillRuns).with("node", &context.step.node_name)),
        }
    }
}
