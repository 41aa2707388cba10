//! Whether a step's act may be begun, once its probe has found that it is needed.

use super::Taken;
use crate::context::Engine;
use crate::limits::COMMANDS_MAX;
use crate::ports::StoreError;
use crate::steps::StepContext;
use model::audit::{AuditCode, AuditFilter};
use model::ids::OperationId;
use model::plan::Action;
use model::problem::{Problem, ProblemCode};

/// What a step may begin on a node. Looking, and proving what was begun, is always allowed.
pub(super) struct Leave {
    /// Why the agreement that it rests on begins nothing any more.
    old: Option<Problem>,
    taken: Taken,
}

impl Leave {
    /// Why an operation begins nothing more, as of now.
    pub(super) async fn of(engine: &Engine, id: OperationId, taken: Taken) -> Result<Self, StoreError> {
        Ok(Self { old: engine.lapsed(id).await?.map(|lapse| lapse.problem()), taken })
    }

    /// Why the act is not to be begun now.
    pub(super) async fn hinders(
        &self,
        engine: &Engine,
        context: &StepContext<'_>,
    ) -> Result<Option<Problem>, StoreError> {
        if self.old.is_some() {
            return Ok(self.old.clone());
        }
        let action = &context.step.action;
        let again = self.taken == Taken::ByConsole && action.is_power();
        if again && was_commanded(engine, context).await? {
            return Ok(Some(Problem::new(ProblemCode::PowerTurned).with("node", &context.step.node_name)));
        }
        // Right before it began its facts were compared with those that it was agreed to on.
        if self.taken == Taken::ToBegin || asks_again(action) {
            return Ok(None);
        }
        engine.ground_moved(context.operation).await
    }
}

/// Whether the step's probe itself asks all nodes once more for what it was agreed to on: a console that is blind otherwise keeps
/// no cluster without its quorum.
const fn asks_again(action: &Action) -> bool {
    matches!(action, Action::SetExpected { .. } | Action::RegainQuorum { .. })
}

/// Whether the step's command was given before. What a power is now may then be somebody's wish, and not that it never came to
/// anything: a machine that was cut off and is on again was switched on since.
async fn was_commanded(engine: &Engine, context: &StepContext<'_>) -> Result<bool, StoreError> {
    let code = Some(AuditCode::CommandStarted);
    let given = AuditFilter { operation: Some(context.operation.id), code, ..AuditFilter::default() };
    let entries = engine.store.find(&given, COMMANDS_MAX).await?.entries;
    Ok(entries.iter().any(|one| one.entry.step == Some(context.index)))
}
