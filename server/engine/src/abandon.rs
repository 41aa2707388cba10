//! Giving an operation up that waits, which frees its cluster: only once its command runs no more.

use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::execute;
use crate::limits::UNIT_OVER_MARGIN_S;
use crate::steps::{self, StepContext, StillRuns};
use jiff::{SignedDuration, Timestamp};
use model::audit::{AuditCode, Outcome};
use model::ids::OperationId;
use model::operation::{Operation, OperationState, StepStatus};
use model::problem::{Problem, ProblemCode};

impl Engine {
    /// Gives an operation up that waits; what it did stays, and is said.
    ///
    /// # Errors
    /// When it does not wait, no reason is given, or its command still runs or may do so.
    pub async fn abandon(&self, who: &Person, id: OperationId, reason: &str) -> Result<(), Problem> {
        let operation = self.store.operation(id).await.map_err(|error| store_problem(&error))?;
        if reason.trim().is_empty() {
            return Err(Problem::new(ProblemCode::ConsentMissing).with("missing", "reason"));
        }
        match &operation.state {
            OperationState::Parked { step, .. } => self.nothing_runs(who, &operation, *step).await?,
            // Between two steps nothing runs.
            OperationState::Proposed | OperationState::Paused { .. } => {}
            OperationState::Running | OperationState::Pausing { .. } => {
                return Err(ProblemCode::CarriedOut.into());
            }
            _ => return Err(ProblemCode::OperationOver.into()),
        }
        let mut entry = self.operation_entry(&operation, AuditCode::OperationAbandoned, who, Outcome::Success).await;
        entry.reason = Some(reason.trim().to_owned());
        entry.details.insert("left".to_owned(), operation.left_in_words());
        self.store
            .set_state(id, &operation.state, &OperationState::Abandoned, Some(entry), self.clock.now())
            .await
            .map_err(|error| store_problem(&error))?;
        execute::publish(self, id).await;
        Ok(())
    }

    /// A second operation beside a `pvecm add` that still runs would be two changes of one cluster at once.
    async fn nothing_runs(&self, who: &Person, operation: &Operation, step: u16) -> Result<(), Problem> {
        let context = StepContext::new(self, operation, step, who, None).ok_or(ProblemCode::Internal)?;
        let refused = |code| Problem::new(code).with("node", &context.step.node_name);
        match steps::still_runs(&context).await {
            StillRuns::No => Ok(()),
            StillRuns::Yes => Err(refused(ProblemCode::CommandStillRuns)),
            // A machine that is lost for good would hold its cluster for ever. Its own systemd ends the command at
            // its time limit, so afterwards there is nothing left to wait for, whether anybody can look or not.
            StillRuns::CannotTell { limit_s } => match seconds_left(operation, step, limit_s, self.clock.now()) {
                0 => Ok(()),
                seconds => Err(refused(ProblemCode::CommandMayRun).with("seconds", seconds)),
            },
        }
    }
}

/// How long the command of a parked step may still run at most, in seconds.
fn seconds_left(operation: &Operation, step: u16, limit_s: u32, now: Timestamp) -> i64 {
    let Some(StepStatus::Parked { at, .. }) = operation.steps.get(usize::from(step)) else { return 0 };
    let most = i64::from(limit_s) + UNIT_OVER_MARGIN_S;
    let over = at.checked_add(SignedDuration::from_secs(most)).unwrap_or(Timestamp::MAX);
    over.duration_since(now).as_secs().max(0)
}
