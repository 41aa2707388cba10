//! Long commands as transient units: the unit's name is the key that keeps them from running twice.

use super::{StepContext, StepResult, Stop};
use crate::context::store_problem;
use crate::evidence::{answer, unreadable};
use crate::limits::POLL_PAUSE;
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

/// Starts the command, or attaches to it where it was started before, and shows what it prints until it ends.
pub async fn run(context: &StepContext<'_>, node: &Node, command: &CommandLine) -> StepResult<Output> {
    let unit = name(context)?;
    let started = context
        .engine
        .audit
        .command_started(context.operation, context.index, node.label(), command, Some(unit.as_str()))
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
        // A lost answer here is harmless: the next look at the unit tells whether it was started.
        let output = context.read(node, &command.as_unit(unit)).await?;
        match unit::started(answer(&output)) {
            Ok(Started::Started | Started::Already) => {}
            Err(error) => return Err(Stop::Failed(unreadable(&error, node.label()))),
        }
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
        printed.show(context, true).await;
        return Ok(printed.output(code, context));
    }
}

fn outcome_unknown(node: &Node) -> model::problem::Problem {
    model::problem::Problem::new(model::problem::ProblemCode::OutcomeUnknown).with("node", node.label())
}

/// What the unit printed so far.
struct Printed {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    shown: [usize; 2],
    next_seq: u64,
}

impl Printed {
    async fn new(context: &StepContext<'_>) -> Self {
        let last = context.engine.store.output_of(context.operation.id, 0, u32::MAX).await.ok();
        let next_seq = last.and_then(|lines| lines.last().map(|line| line.seq)).unwrap_or(0);
        Self { stdout: Vec::new(), stderr: Vec::new(), shown: [0, 0], next_seq }
    }

    async fn fetch(&mut self, context: &StepContext<'_>, node: &Node, unit: &UnitName) -> StepResult<()> {
        for (which, error) in [(unit::Output::Stdout, false), (unit::Output::Stderr, true)] {
            let have = if error { &mut self.stderr } else { &mut self.stdout };
            let offset = u64::try_from(have.len()).unwrap_or(u64::MAX);
            let output = context.read(node, &unit::read_output(unit, which, offset)).await?;
            if let Ok(more) = unit::new_output(answer(&output)) {
                have.extend_from_slice(&more);
            }
        }
        self.show(context, false).await;
        Ok(())
    }

    /// Whole lines only, until the end; a half one is shown when it is complete.
    async fn show(&mut self, context: &StepContext<'_>, all: bool) {
        let mut lines = Vec::new();
        for (which, error) in [(0usize, false), (1usize, true)] {
            let bytes = if error { &self.stderr } else { &self.stdout };
            let Some(shown) = self.shown.get_mut(which) else { continue };
            let fresh = bytes.get(*shown..).unwrap_or_default();
            let end =
                if all { fresh.len() } else { fresh.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1) };
            let text = String::from_utf8_lossy(fresh.get(..end).unwrap_or_default()).into_owned();
            *shown += end;
            lines.extend(text.lines().map(|line| (error, line.to_owned())));
        }
        if !lines.is_empty() {
            context.print(lines, &mut self.next_seq).await;
        }
    }

    fn output(self, code: i32, context: &StepContext<'_>) -> Output {
        Output { stdout: self.stdout, stderr: self.stderr, exit: Some(code), at: context.engine.clock.now(), millis: 0 }
    }
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
