//! Whether a command of a step runs on its node at this moment.

use super::{StepContext, unit};
use crate::audit::DETAIL_STARTED;
use crate::limits::{COMMAND_LIMIT_MAX_S, COMMANDS_MAX};
use crate::ports::StoreError;
use jiff::SignedDuration;
use model::audit::{AuditCode, AuditFilter, ChainedEntry, Outcome};
use model::clock;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StillRuns {
    No,
    Yes,
    /// The node does not say; it ends the command after so many seconds.
    CannotTell {
        limit_s: u32,
    },
}

/// One look, without patience: a person waits for the answer.
pub async fn still_runs(context: &StepContext<'_>) -> StillRuns {
    // The step's own limit is above its command's.
    let limit_s = context.step.action.time_limit_s();
    let command_s = limit_s.min(COMMAND_LIMIT_MAX_S);
    match waits_for_an_answer(context, command_s).await {
        Ok(true) => return StillRuns::Yes,
        Ok(false) => {}
        Err(_) => return StillRuns::CannotTell { limit_s },
    }
    if context.step.action.repeatable() {
        let is_lost = lost_its_command(context).await.unwrap_or(true);
        return if is_lost { StillRuns::CannotTell { limit_s: command_s } } else { StillRuns::No };
    }
    match unit::look_once(context).await {
        Some(true) => StillRuns::Yes,
        Some(false) => StillRuns::No,
        None => StillRuns::CannotTell { limit_s },
    }
}

/// Whether this console has given a command that is no unit, and has no answer yet; not longer than any may run on its node. Of
/// a unit its node is asked: that one may be dead.
async fn waits_for_an_answer(context: &StepContext<'_>, limit_s: u32) -> Result<bool, StoreError> {
    if !context.engine.executors.is_running(context.operation.id) {
        return Ok(false);
    }
    let Some(started) = newest(context, AuditCode::CommandStarted).await? else { return Ok(false) };
    let is_unit = started.entry.details.contains_key("unit");
    let within = SignedDuration::from_secs(i64::from(limit_s));
    if is_unit || !clock::is_within(started.entry.at, context.engine.clock.now(), within) {
        return Ok(false);
    }
    Ok(!ends(context).await?.iter().any(|one| is_end_of(one, &started)))
}

/// Whether the last command of the step has no known end: its connection broke, or the step's time was over while it ran, and its
/// node ends it at its own limit.
async fn lost_its_command(context: &StepContext<'_>) -> Result<bool, StoreError> {
    let ends = ends(context).await?;
    if let Some(started) = newest(context, AuditCode::CommandStarted).await?
        && !ends.iter().any(|one| is_end_of(one, &started))
    {
        return Ok(true);
    }
    let last = ends.iter().max_by_key(|one| one.index);
    Ok(last.is_some_and(|one| one.entry.outcome == Outcome::Unknown))
}

fn is_end_of(end: &ChainedEntry, started: &ChainedEntry) -> bool {
    end.entry.details.get(DETAIL_STARTED) == Some(&started.index.to_string())
}

/// The newest ends of commands of this step: one that is known, and one that is not.
async fn ends(context: &StepContext<'_>) -> Result<Vec<ChainedEntry>, StoreError> {
    let known = newest(context, AuditCode::CommandFinished).await?;
    let unknown = newest(context, AuditCode::OutcomeUnknown).await?;
    Ok(known.into_iter().chain(unknown).collect())
}

/// The newest entry of this step with that code. Asked for by it: among all entries of an operation those that anybody can add to
/// would push it out.
async fn newest(context: &StepContext<'_>, code: AuditCode) -> Result<Option<ChainedEntry>, StoreError> {
    let of_code = AuditFilter { operation: Some(context.operation.id), code: Some(code), ..AuditFilter::default() };
    let entries = context.engine.store.find(&of_code, COMMANDS_MAX).await?.entries;
    Ok(entries.into_iter().find(|one| one.entry.step == Some(context.index)))
}
