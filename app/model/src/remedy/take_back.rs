//! Which operations can be taken back, and by which steps.

use crate::operation::{Operation, OperationState, StepStatus};
use crate::plan::{Action, Intent, Step};

/// The steps that undo what an operation has proven, the last one first.
///
/// A step that found its effect there already has changed nothing, so there is nothing of it to take back.
#[must_use]
pub fn steps_back(operation: &Operation) -> Vec<Step> {
    if !matches!(operation.plan.intent, Intent::Remedy { .. }) || !operation.state.is_over() {
        return Vec::new();
    }
    let done = operation.plan.steps.iter().zip(&operation.steps).rev();
    let done = done.filter(|(_, status)| matches!(status, StepStatus::Proven { already: false, .. }));
    done.filter_map(|(step, _)| {
        let action = reverse(&step.action)?;
        Some(Step { node: step.node, node_name: step.node_name.clone(), action, commands: Vec::new() })
    })
    .collect()
}

fn reverse(action: &Action) -> Option<Action> {
    match action {
        Action::ReplaceHosts { old, new, .. } => Some(Action::RestoreHosts { old: new.clone(), new: old.clone() }),
        Action::SetAsideAuthkey { digest } => Some(Action::PutBackAuthkey { digest: digest.clone() }),
        Action::SetTimeZone { from, to } => Some(Action::SetTimeZone { from: to.clone(), to: from.clone() }),
        Action::AllowLinks { name, old, new } => {
            Some(Action::AllowLinks { name: name.clone(), old: new.clone(), new: old.clone() })
        }
        _ => None,
    }
}

/// Whether there is anything to take back, and nobody has done so after it. `all` are the cluster's operations.
#[must_use]
pub fn may_take_back(operation: &Operation, all: &[Operation]) -> bool {
    let taken = |one: &Operation| {
        matches!(one.plan.intent, Intent::TakeBack { operation: of } if of == operation.id)
            && one.state == OperationState::Done
    };
    !steps_back(operation).is_empty() && !all.iter().any(taken)
}
