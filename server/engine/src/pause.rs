//! Stopping a running operation before its next step, and going on with it.

use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::execute;
use crate::limits::STATE_TRIES;
use crate::ports::StoreError;
use model::audit::{AuditCode, Outcome};
use model::ids::OperationId;
use model::lowering::{ANEW, DETAIL_AGREED};
use model::operation::{OperationState, StepStatus};
use model::problem::{Problem, ProblemCode};

impl Engine {
    /// Lets a running operation stop before its next step; the one that is being done is done to its end.
    ///
    /// # Errors
    /// `NotRunning`, or `PauseNotThis` where it could not go on later.
    pub async fn pause(&self, who: &Person, id: OperationId) -> Result<(), Problem> {
        for _ in 0..STATE_TRIES {
            let operation = self.store.operation(id).await.map_err(|error| store_problem(&error))?;
            match &operation.state {
                OperationState::Running => {}
                OperationState::Pausing { .. } => return Ok(()),
                state if state.is_over() => return Err(ProblemCode::OperationOver.into()),
                _ => return Err(ProblemCode::NotRunning.into()),
            }
            if !operation.plan.intent.can_pause() {
                return Err(ProblemCode::PauseNotThis.into());
            }
            let now = self.clock.now();
            let to = OperationState::Pausing { by: who.name.clone(), at: now };
            let entry = self.operation_entry(&operation, AuditCode::OperationPaused, who, Outcome::Started).await;
            match self.store.set_state(id, &operation.state, &to, Some(entry), now).await {
                Ok(()) => {
                    execute::publish(self, id).await;
                    return Ok(());
                }
                Err(error) if is_overtaken(&error) => {}
                Err(error) => return Err(store_problem(&error)),
            }
        }
        Err(store_problem(&overtaken()))
    }

    /// Goes on with an operation that waits: it probes first. One that has not stopped yet does not stop.
    ///
    /// # Errors
    /// When it does not wait, or `AgreementOld` or `PolicyStricter`.
    pub async fn resume(&self, who: &Person, id: OperationId) -> Result<(), Problem> {
        let lapsed = self.lapsed(id).await.map_err(|error| store_problem(&error))?;
        lapsed.map_or(Ok(()), |lapse| Err(lapse.problem()))?;
        self.go_on(who, id, false).await
    }

    /// The same; with `agrees` they agree to it by that.
    pub(crate) async fn go_on(&self, who: &Person, id: OperationId, agrees: bool) -> Result<(), Problem> {
        for tried in 0..STATE_TRIES {
            let operation = self.store.operation(id).await.map_err(|error| store_problem(&error))?;
            let stands = match &operation.state {
                OperationState::Parked { .. } | OperationState::Paused { .. } => true,
                OperationState::Pausing { .. } => false,
                // Somebody else was quicker.
                OperationState::Running if tried > 0 => return Ok(()),
                _ => return Err(ProblemCode::OperationOver.into()),
            };
            let mut entry = self.operation_entry(&operation, AuditCode::OperationResumed, who, Outcome::Started).await;
            if agrees {
                entry.details.insert(DETAIL_AGREED.to_owned(), ANEW.to_owned());
            }
            let (from, now) = (&operation.state, self.clock.now());
            match self.store.set_state(id, from, &OperationState::Running, Some(entry), now).await {
                Ok(()) if stands => {
                    execute::spawn_again(self.clone(), id, who.clone());
                }
                Ok(()) => execute::publish(self, id).await,
                // It came to its stop at this very moment, or somebody else decided.
                Err(error) if is_overtaken(&error) => continue,
                Err(error) => return Err(store_problem(&error)),
            }
            return Ok(());
        }
        Err(store_problem(&overtaken()))
    }
}

/// What the store calls a state that has changed since it was read.
const OTHER_STATE: &str = "another state of the operation";

const fn overtaken() -> StoreError {
    StoreError::Conflict { what: OTHER_STATE }
}

fn is_overtaken(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict { what: OTHER_STATE })
}

/// Before a step: whether it is not to be begun, because somebody wants a pause, or has ended the operation.
///
/// # Errors
/// When the store fails.
pub(crate) async fn stops_before(engine: &Engine, id: OperationId, step: u16) -> Result<bool, StoreError> {
    for _ in 0..STATE_TRIES {
        let operation = engine.store.operation(id).await?;
        let OperationState::Pausing { by, .. } = &operation.state else {
            return Ok(!operation.state.is_carried_out());
        };
        // What a crash has interrupted is looked at and done to its end first.
        if !matches!(operation.steps.get(usize::from(step)), Some(StepStatus::Waiting)) {
            return Ok(false);
        }
        let now = engine.clock.now();
        let to = OperationState::Paused { step, by: by.clone(), at: now };
        let who = Person { name: by.clone() };
        let mut entry = engine.operation_entry(&operation, AuditCode::OperationPaused, &who, Outcome::Success).await;
        entry.step = Some(step);
        match engine.store.set_state(id, &operation.state, &to, Some(entry), now).await {
            Ok(()) => {
                execute::publish(engine, id).await;
                return Ok(true);
            }
            // Taken back at this very moment.
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Err(overtaken())
}
