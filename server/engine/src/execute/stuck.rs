//! An operation whose journal could not be written: nothing further acts, and it parks as soon as the store takes that.

use super::{finish, journal, park_without_password, settle_proven};
use crate::audit::Person;
use crate::context::Engine;
use crate::limits::{STUCK_PAUSE, STUCK_TRIES};
use crate::ports::StoreError;
use model::audit::{AuditCode, Outcome};
use model::ids::OperationId;
use model::operation::{Operation, OperationState, StepEvent, StepStatus};
use model::plan::Intent;
use model::problem::{Problem, ProblemCode};

/// Otherwise it would stand there as running, with nobody who runs it. What cannot be written in all that time is taken up at
/// the next start.
pub(super) async fn park(engine: &Engine, id: OperationId, who: &Person) {
    for _ in 0..STUCK_TRIES {
        tokio::time::sleep(STUCK_PAUSE).await;
        match try_to(engine, id, who).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(operation.id = %id, store.error = %error, "it is not parked yet"),
        }
    }
}

async fn try_to(engine: &Engine, id: OperationId, who: &Person) -> Result<(), StoreError> {
    let operation = match engine.store.operation(id).await {
        Ok(operation) => operation,
        Err(StoreError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    if !operation.state.is_carried_out() {
        return Ok(());
    }
    // Its commands without an end are said to have none, and what it has proven counts.
    engine.audit.close_unpaired_of(id).await?;
    settle_proven(engine, &operation).await?;
    if matches!(operation.plan.intent, Intent::InstallKey { .. }) {
        return park_without_password(engine, &operation).await;
    }
    let (index, problem) = unknown(&operation);
    if matches!(operation.steps.get(usize::from(index)), Some(StepStatus::Started { .. } | StepStatus::Acted { .. })) {
        journal(engine, id, index, StepEvent::Parked { problem: problem.clone() }).await?;
    }
    let to = OperationState::Parked { step: index, problem };
    finish(engine, &operation, who, to, AuditCode::OperationParked, Outcome::Unknown).await
}

/// The step that it stands at: the first one without a proof, or the last one.
fn unknown(operation: &Operation) -> (u16, Problem) {
    let steps = operation.steps.iter();
    let open = steps.take_while(|status| matches!(status, StepStatus::Proven { .. })).count();
    let index = open.min(operation.plan.steps.len().saturating_sub(1));
    let node = operation.plan.steps.get(index).map(|step| step.node_name.as_str()).unwrap_or_default();
    (u16::try_from(index).unwrap_or(u16::MAX), Problem::new(ProblemCode::OutcomeUnknown).with("node", node))
}
