//! A plan that stood, or was taken up by a console that started, begins only on what it was agreed to on.

use crate::context::Engine;
use crate::limits::{FACTS_LOOK, POLL_PAUSE};
use crate::ports::StoreError;
use model::approval::{Compared, FactLine, Subject, still_holds};
use model::audit::{AuditCode, AuditFilter};
use model::ids::OperationId;
use model::operation::Operation;
use model::plan::Plan;
use model::problem::{Problem, ProblemCode};
use tokio::time::{Instant, sleep};

impl Engine {
    /// Why the first command of an operation may not leave: what its request rests on has changed (`FactsChanged`), or nobody
    /// can tell (`FactsUnknown`). Whoever agrees to it anew agrees to the same request, and so to the same facts.
    ///
    /// Once a command has left, facts change by the plan itself, and what each step's own probe says counts.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn ground_moved(&self, operation: &Operation) -> Result<Option<Problem>, StoreError> {
        let Some(request) = self.store.request_behind(operation.id).await? else { return Ok(None) };
        let Subject::Plan { plan, facts, .. } = &request.subject else { return Ok(None) };
        if self.has_commanded(operation.id).await? {
            return Ok(None);
        }
        Ok(match self.compared_by_a_look(plan, facts).await {
            Ok(Compared::Same) => None,
            Ok(Compared::Changed) => Some(ProblemCode::FactsChanged.into()),
            Ok(Compared::CannotTell) => Some(ProblemCode::FactsUnknown.into()),
            Err(problem) => Some(problem),
        })
    }

    /// Whether any command of it has left the console.
    async fn has_commanded(&self, operation: OperationId) -> Result<bool, StoreError> {
        let code = Some(AuditCode::CommandStarted);
        let given = AuditFilter { operation: Some(operation), code, ..AuditFilter::default() };
        Ok(!self.store.find(&given, 1).await?.entries.is_empty())
    }

    /// A console that has just started has heard nobody yet: where it does not find everything as it was it looks first.
    async fn compared_by_a_look(&self, plan: &Plan, then: &[FactLine]) -> Result<Compared, Problem> {
        let mut compared = self.compared_now(plan, then).await?;
        if compared == Compared::Same {
            return Ok(compared);
        }
        self.watch(plan.cluster).await;
        self.hub.look_again(plan.cluster);
        let until = Instant::now() + FACTS_LOOK;
        while compared != Compared::Same && Instant::now() < until {
            sleep(POLL_PAUSE).await;
            compared = self.compared_now(plan, then).await?;
        }
        Ok(compared)
    }

    async fn compared_now(&self, plan: &Plan, then: &[FactLine]) -> Result<Compared, Problem> {
        let (now, _, _) = self.facts_of(plan.cluster, plan).await?;
        Ok(still_holds(then, &now))
    }
}
