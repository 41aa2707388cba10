//! What this cluster's own operations have left on a machine: units in `/run`, and copies beside the files that they changed.

use super::{StepContext, StepResult, Stop};
use crate::context::store_problem;
use crate::limits::OPERATIONS_SEARCHED;
use model::facts::UnitState;
use model::ids::OperationId;
use model::inventory::Node;
use model::problem::{Problem, ProblemCode};
use pve::copies::KeptCopy;
use pve::files::{self, NodeFolder};
use pve::unit::{self, UnitName};
use std::collections::BTreeSet;

/// How the names of this product's units, and of their output files in `/run`, begin.
const UNIT_PREFIX: &str = "quorate-";

pub async fn are_none(context: &StepContext<'_>, node: &Node) -> StepResult<bool> {
    Ok(units(context, node).await?.is_empty() && copies(context, node).await?.is_empty())
}

/// Units of this cluster's own operations of which something is left in `/run`; another console's are none of ours.
async fn units(context: &StepContext<'_>, node: &Node) -> StepResult<Vec<UnitName>> {
    let names = context.ask(node, &files::list(&NodeFolder::Run), files::names).await?.unwrap_or_default();
    let stems: BTreeSet<&str> =
        names.iter().filter_map(|name| name.strip_suffix(".out").or_else(|| name.strip_suffix(".err"))).collect();
    let mut found = Vec::new();
    for stem in stems {
        let Some(operation) = operation_of(stem) else { continue };
        let ours = context.engine.store.operation(operation).await;
        if ours.is_ok_and(|operation| operation.cluster == context.operation.cluster)
            && let Ok(unit) = stem.parse()
        {
            found.push(unit);
        }
    }
    Ok(found)
}

/// `quorate-OPERATION-STEP`
fn operation_of(stem: &str) -> Option<OperationId> {
    let (operation, step) = stem.strip_prefix(UNIT_PREFIX)?.rsplit_once('-')?;
    step.parse::<u16>().ok()?;
    operation.parse().ok()
}

/// Copies that this cluster's operations were to keep on the machine, as far as they are there. Those of another console
/// have other digests, or the same bytes, and then are the same file.
async fn copies(context: &StepContext<'_>, node: &Node) -> StepResult<Vec<KeptCopy>> {
    let operations = context.engine.store.operations(Some(context.operation.cluster), OPERATIONS_SEARCHED).await;
    let operations = operations.map_err(|error| Stop::Parked(store_problem(&error)))?;
    let steps = operations.iter().flat_map(|operation| &operation.plan.steps).filter(|step| step.node == node.id);
    let mut found: Vec<KeptCopy> = Vec::new();
    for copy in steps.flat_map(|step| KeptCopy::of(&step.action)) {
        if !found.contains(&copy) && context.ask(node, &copy.exists(), files::yes_or_no).await? {
            found.push(copy);
        }
    }
    Ok(found)
}

pub async fn clear(context: &StepContext<'_>, node: &Node) -> StepResult<()> {
    for unit in units(context, node).await? {
        let state = context.ask(node, &unit::show(&unit), unit::state).await?;
        match state {
            // No operation runs in this cluster: a command that still does was abandoned, and is for a person to end.
            UnitState::Running => {
                return Err(Stop::Failed(
                    Problem::new(ProblemCode::OutcomeUnknown).with("node", node.label()).quoting(unit.as_str()),
                ));
            }
            UnitState::Exited { .. } => context.change_ok(node, &unit::stop(&unit)).await?,
            UnitState::Failed { .. } => context.change_ok(node, &unit::reset_failed(&unit)).await?,
            UnitState::NotFound => {}
        }
        context.change_ok(node, &unit::remove_output(&unit)).await?;
    }
    for copy in copies(context, node).await? {
        context.change_ok(node, &copy.remove()).await?;
    }
    Ok(())
}
