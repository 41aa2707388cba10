//! Long commands as transient units: the unit's name is the key that keeps them from running twice.

use super::printed::Printed;
use super::{StepContext, StepResult, Stop};
use crate::context::store_problem;
use crate::evidence::{answer, unreadable};
use crate::limits::{LATE_START_LOOKS, POLL_PAUSE};
use crate::ports::Output;
use crate::render::unit_name;
use model::facts::UnitState;
use model::inventory::Node;
use pve::CommandLine;
use pve::unit::{self, Started, UnitName};
use tokio::time::{Instant, sleep};

/// What `timeout` returns; readers take it as *no word about the end*.
const EXIT_TIMED_OUT: i32 = 124;

/// The name on the node.
pub fn name(context: &StepContext<'_>) -> StepResult<UnitName> {
    unit_name(context.operation.id, context.index).map_err(Stop::Failed)
}

/// Whether the command was started before and its end is still to be read: then it must not be started again.
///
/// When a person goes on after a park, the end of the old unit is no news, and the node may have been repaired since:
/// the unit is taken away, and the node is judged as it is now.
pub async fn attached(context: &StepContext<'_>, node: &Node) -> StepResult<bool> {
    let state = context.ask(node, &unit::show(&name(context)?), unit::state).await?;
    if matches!(state, UnitState::Exited { .. } | UnitState::Failed { .. }) && context.was_parked() {
        clean_up(context).await;
        return Ok(false);
    }
    Ok(state != UnitState::NotFound)
}

/// Whether the unit is known to the node.
async fn exists(context: &StepContext<'_>, node: &Node) -> StepResult<bool> {
    let state = context.ask(node, &unit::show(&name(context)?), unit::state).await?;
    Ok(state != UnitState::NotFound)
}

/// Whether the unit runs, asked once; `None` where nobody can tell.
pub async fn look_once(context: &StepContext<'_>) -> Option<bool> {
    let node = context.engine.node(context.step.node).await.ok()?;
    let shell = context.engine.shell_to(&node).await.ok()?;
    let output = shell.run(&unit::show(&name(context).ok()?)).await.ok()?;
    unit::state(answer(&output)).ok().map(|state| state == UnitState::Running)
}

/// Starts the command, or attaches to it where it was started before, and shows what it prints until it ends.
pub async fn run(context: &StepContext<'_>, node: &Node, command: &CommandLine) -> StepResult<Output> {
    let unit = name(context)?;
    let started = context
        .engine
        .audit
        .command_started(context.who, context.operation, context.index, node.label(), command, Some(unit.as_str()))
        .await
        .map_err(|error| Stop::Parked(store_problem(&error)))?;
    let began = Instant::now();
    let result = start_and_follow(context, node, command, &unit).await;
    let recorded = match &result {
        Ok(output) => {
            Ok(Output { millis: u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX), ..output.clone() })
        }
        Err(Stop::Failed(problem) | Stop::Parked(problem)) => {
            Err(crate::ports::ShellError::Lost { text: problem.to_string() })
        }
    };
    context
        .engine
        .audit
        .command_finished(started, &recorded)
        .await
        .map_err(|error| Stop::Parked(store_problem(&error)))?;
    result
}

async fn start_and_follow(
    context: &StepContext<'_>,
    node: &Node,
    command: &CommandLine,
    unit: &UnitName,
) -> StepResult<Output> {
    if !exists(context, node).await? {
        start(context, node, command, unit).await?;
    }
    let mut printed = Printed::new(context).await;
    loop {
        let state = context.ask(node, &unit::show(unit), unit::state).await?;
        printed.fetch(context, node, unit).await?;
        let code = match state {
            UnitState::Running => {
                sleep(POLL_PAUSE).await;
                continue;
            }
            UnitState::Exited { code } => code,
            // Ended by a signal or its time limit: what it printed last tells nothing about the end.
            UnitState::Failed { .. } => EXIT_TIMED_OUT,
            // The node was restarted in between: what the command did is for the probes to find out.
            UnitState::NotFound => return Err(Stop::Parked(outcome_unknown(node))),
        };
        return printed.end(context, node, unit, code).await;
    }
}

/// Starts the unit. Whatever the words of `systemd-run` are, the unit itself tells whether it was started.
async fn start(context: &StepContext<'_>, node: &Node, command: &CommandLine, unit: &UnitName) -> StepResult<()> {
    // Asked twice where the answer is lost: the name lets it start only once.
    let (words, late) = match context.read(node, &command.as_unit(unit)).await {
        Ok(output) => match unit::started(answer(&output)) {
            Ok(Started::Started | Started::Already) => return Ok(()),
            Err(error) => (unreadable(&error, node.label()), output.exit.is_none() || output.timed_out()),
        },
        Err(Stop::Failed(problem) | Stop::Parked(problem)) => (problem, true),
    };
    // A call that was cut off may still wait in systemd's queue: one look is not enough then.
    for _ in 0..if late { LATE_START_LOOKS } else { 1 } {
        match exists(context, node).await {
            Ok(true) => return Ok(()),
            Ok(false) if late => sleep(POLL_PAUSE).await,
            Ok(false) => {}
            // Nobody can tell: it may be running.
            Err(Stop::Failed(problem) | Stop::Parked(problem)) => return Err(Stop::Parked(problem)),
        }
    }
    Err(Stop::Failed(words))
}

fn outcome_unknown(node: &Node) -> model::problem::Problem {
    model::problem::Problem::new(model::problem::ProblemCode::OutcomeUnknown).with("node", node.label())
}

/// Takes the unit and its output files away again; nothing depends on it.
pub async fn clean_up(context: &StepContext<'_>) {
    let (Ok(node), Ok(unit)) = (context.node(context.step.node).await, name(context)) else { return };
    for command in [unit::stop(&unit), unit::remove_output(&unit)] {
        if let Err(Stop::Failed(problem) | Stop::Parked(problem)) = context.change(&node, &command).await {
            tracing::warn!(node.name = node.label(), problem = %problem, "a transient unit was not cleaned up");
            return;
        }
    }
    // A unit that ended well is gone once it is stopped; only a failed one stays until it is told to go.
    if matches!(exists(context, &node).await, Ok(true))
        && let Err(Stop::Failed(problem) | Stop::Parked(problem)) =
            context.change(&node, &unit::reset_failed(&unit)).await
    {
        tracing::warn!(node.name = node.label(), problem = %problem, "a failed unit was not forgotten");
    }
}
