//! A step that changes the cluster's configuration, or who is in it, keeps a copy of its database first: on its own node, whose
//! side acts.

use super::{StepContext, StepResult};
use pve::database;

/// Before the step's own command: nothing has been changed when it fails. After a crash the name is the same, so that what
/// was there before the step stays.
pub async fn keep(context: &StepContext<'_>) -> StepResult<()> {
    let node = context.node(context.step.node).await?;
    context.change_ok(&node, &database::keep(context.operation.id.as_uuid().as_u128(), context.index)).await
}
