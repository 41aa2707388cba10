//! The saga: probe, journal, act, prove; the same way forward after a crash as without one.

mod leave;
mod stuck;

use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::limits::{DRAFT_TRIES, RESUMES_MAX, STATE_TRIES};
use crate::pause::stops_before;
use crate::ports::{JournalEntry, NodeShell, StoreError};
use crate::steps::{self, Probe, StepContext, Stop};
use jiff::Timestamp;
use leave::Leave;
use model::audit::{AuditCode, AuditFilter, Outcome};
use model::ids::{ClusterId, OperationId};
use model::inventory::ClusterPhase;
use model::live::Live;
use model::operation::{Operation, OperationState, StepEvent, StepStatus};
use model::plan::{Action, Intent};
use model::problem::{Problem, ProblemCode};
use std::sync::Arc;
use std::time::Duration;

/// Who lets an operation go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// Somebody who starts it at this moment.
    ToBegin,
    /// Somebody who goes on with it after it stood.
    ByPerson,
    /// The console that started again; nobody has looked at what happened since.
    ByConsole,
}

/// Runs an operation that has just begun in the background. `password_shell` is the connection of the one plan that logs in by
/// password.
///
/// `who` is the person who started it: their name stands beside every command.
pub fn spawn(
    engine: Engine,
    id: OperationId,
    who: Person,
    password_shell: Option<Arc<dyn NodeShell>>,
) -> tokio::task::JoinHandle<Option<()>> {
    spawn_taken(engine, id, who, password_shell, Taken::ToBegin)
}

/// The same for one that stood, with who goes on with it.
pub(crate) fn spawn_again(engine: Engine, id: OperationId, who: Person) {
    drop(spawn_taken(engine, id, who, None, Taken::ByPerson));
}

fn spawn_taken(
    engine: Engine,
    id: OperationId,
    who: Person,
    password_shell: Option<Arc<dyn NodeShell>>,
    taken: Taken,
) -> tokio::task::JoinHandle<Option<()>> {
    let work = engine.work.clone();
    let mut place = engine.executors.enter(id);
    work.spawn(async move {
        let ended = tokio::select! {
            biased;
            // Another one has taken its cluster's place; nothing of it is taken up again.
            () = place.ended() => return,
            ended = run_taken(&engine, id, &who, password_shell, taken) => ended,
        };
        if let Err(error) = ended {
            // The journal could not be written: nothing further may act.
            tracing::error!(operation.id = %id, store.error = %error, "an operation stopped because its journal failed");
            tokio::select! {
                biased;
                () = place.ended() => {}
                () = stuck::park(&engine, id, &who) => {}
            }
        }
    })
}

/// Runs an operation to its end, its park, or the first failing write.
///
/// # Errors
/// Only when the store fails; everything else is a state of the operation.
pub async fn run(
    engine: &Engine,
    id: OperationId,
    who: &Person,
    password_shell: Option<Arc<dyn NodeShell>>,
) -> Result<(), StoreError> {
    run_taken(engine, id, who, password_shell, Taken::ToBegin).await
}

async fn run_taken(
    engine: &Engine,
    id: OperationId,
    who: &Person,
    password_shell: Option<Arc<dyn NodeShell>>,
    taken: Taken,
) -> Result<(), StoreError> {
    let operation = engine.store.operation(id).await?;
    publish(engine, id).await;
    // What an agreement was good for when this began stays good to its end, however long that takes.
    let leave = Leave::of(engine, id, taken).await?;
    for index in 0..operation.plan.steps.len() {
        let index = u16::try_from(index).unwrap_or(u16::MAX);
        if stops_before(engine, id, index).await? {
            return Ok(());
        }
        match run_step(engine, id, index, who, password_shell.as_ref(), &leave).await? {
            Ended::Proven => {}
            Ended::Failed(problem) => {
                let to = OperationState::Failed { step: index, problem };
                return finish(engine, &operation, who, to, AuditCode::OperationFinished, Outcome::Failed).await;
            }
            Ended::Parked(problem) => {
                let to = OperationState::Parked { step: index, problem };
                return finish(engine, &operation, who, to, AuditCode::OperationParked, Outcome::Unknown).await;
            }
        }
    }
    finish(engine, &operation, who, OperationState::Done, AuditCode::OperationFinished, Outcome::Success).await?;
    if matches!(operation.plan.intent, Intent::Withdraw { .. }) {
        engine.forget_withdrawn(&operation, who).await?;
    }
    Ok(())
}

enum Ended {
    Proven,
    Failed(Problem),
    Parked(Problem),
}

impl From<Stop> for Ended {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Failed(problem) => Self::Failed(problem),
            Stop::Parked(problem) => Self::Parked(problem),
        }
    }
}

async fn run_step(
    engine: &Engine,
    id: OperationId,
    index: u16,
    who: &Person,
    password_shell: Option<&Arc<dyn NodeShell>>,
    leave: &Leave,
) -> Result<Ended, StoreError> {
    let operation = engine.store.operation(id).await?;
    let position = usize::from(index);
    let (Some(step), Some(status)) = (operation.plan.steps.get(position), operation.steps.get(position)) else {
        return Ok(Ended::Failed(ProblemCode::Internal.into()));
    };
    match status {
        StepStatus::Proven { .. } => return Ok(Ended::Proven),
        StepStatus::Failed { problem, .. } => return Ok(Ended::Failed(problem.clone())),
        _ => {}
    }
    // On disk before anything reaches the node.
    journal(engine, id, index, StepEvent::Started).await?;
    let Some(context) = StepContext::new(engine, &operation, index, who, password_shell.cloned()) else {
        return Ok(Ended::Failed(ProblemCode::Internal.into()));
    };
    let limit = Duration::from_secs(u64::from(step.action.time_limit_s()));
    let ended = match tokio::time::timeout(limit, drive(engine, id, index, &context, leave)).await {
        Ok(ended) => ended?,
        Err(_) => {
            // A command that was given may run on, and nobody waits for its answer any more.
            engine.audit.close_unpaired_of(id).await?;
            let timed_out = Problem::new(ProblemCode::StepTimedOut).with("node", &step.node_name);
            Ended::Parked(timed_out.with("seconds", limit.as_secs()))
        }
    };
    match &ended {
        Ended::Proven => settle(engine, &operation, &step.action, engine.clock.now()).await?,
        Ended::Failed(problem) => journal(engine, id, index, StepEvent::Failed { problem: problem.clone() }).await?,
        Ended::Parked(problem) => journal(engine, id, index, StepEvent::Parked { problem: problem.clone() }).await?,
    }
    Ok(ended)
}

/// One step between its first and its last journal entry.
async fn drive(
    engine: &Engine,
    id: OperationId,
    index: u16,
    context: &StepContext<'_>,
    leave: &Leave,
) -> Result<Ended, StoreError> {
    match steps::probe(context).await {
        Err(stop) => return Ok(stop.into()),
        Ok(Probe::AlreadyDone) => {
            journal(engine, id, index, StepEvent::Proven { already: true }).await?;
            return Ok(Ended::Proven);
        }
        Ok(Probe::Needed) => {}
    }
    if let Some(problem) = leave.hinders(engine, context).await? {
        return Ok(Ended::Parked(problem));
    }
    if let Err(stop) = steps::act(context).await {
        return Ok(stop.into());
    }
    journal(engine, id, index, StepEvent::Acted).await?;
    if let Err(stop) = steps::prove(context).await {
        return Ok(stop.into());
    }
    journal(engine, id, index, StepEvent::Proven { already: false }).await?;
    steps::clean_up(context).await;
    Ok(Ended::Proven)
}

/// What the console itself has to know after a step; done again at start-up, so a crash in between loses nothing.
async fn settle(engine: &Engine, operation: &Operation, action: &Action, at: Timestamp) -> Result<(), StoreError> {
    if action.changes_cluster() {
        forget_verification(engine, operation.cluster, at).await?;
    }
    if let Action::CreateCluster { name, .. } = action {
        match engine.store.rename_cluster(operation.cluster, name.as_str()).await {
            // Another cluster is called so here: people keep both apart by the name they gave this one.
            Ok(()) | Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
        engine.store.set_phase(operation.cluster, ClusterPhase::Live).await?;
    }
    engine.watch(operation.cluster).await;
    engine.hub.look_again(operation.cluster);
    Ok(())
}

/// What was verified before the cluster was changed says nothing about the cluster of now.
async fn forget_verification(engine: &Engine, cluster: ClusterId, changed_at: Timestamp) -> Result<(), StoreError> {
    for _ in 0..DRAFT_TRIES {
        let mut draft = engine.store.draft(cluster).await?;
        if draft.verified_at.is_none_or(|at| at > changed_at) {
            return Ok(());
        }
        draft.verified_at = None;
        match engine.store.save_draft(cluster, &draft, None).await {
            Ok(_) => return Ok(()),
            // A person saved their choice in between: theirs is kept, and looked at again.
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn journal(engine: &Engine, id: OperationId, step: u16, event: StepEvent) -> Result<(), StoreError> {
    let entry = JournalEntry { operation: id, step, at: engine.clock.now(), event };
    engine.store.journal(&entry, None).await?;
    publish(engine, id).await;
    Ok(())
}

async fn finish(
    engine: &Engine,
    operation: &Operation,
    who: &Person,
    to: OperationState,
    code: AuditCode,
    outcome: Outcome,
) -> Result<(), StoreError> {
    let mut entry = engine.operation_entry(operation, code, who, outcome).await;
    if let OperationState::Failed { step, problem } | OperationState::Parked { step, problem } = &to {
        entry.step = Some(*step);
        entry.details.insert("problem".to_owned(), problem.code.as_str().to_owned());
    }
    for _ in 0..STATE_TRIES {
        let from = engine.store.operation(operation.id).await?.state;
        if !from.is_carried_out() {
            // It was ended by somebody at this very moment.
            return Ok(());
        }
        match engine.store.set_state(operation.id, &from, &to, Some(entry.clone()), engine.clock.now()).await {
            Ok(()) => {
                publish(engine, operation.id).await;
                return Ok(());
            }
            // A pause was asked for, or taken back, in between.
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Conflict { what: "another state of the operation" })
}

/// Pushes an operation to the browsers.
pub async fn publish(engine: &Engine, id: OperationId) {
    if let Ok(operation) = engine.store.operation(id).await {
        engine.hub.push(operation.cluster, Live::Operation(Box::new(operation)));
    }
}

/// At start-up: commands of unknown outcome are said so, what never began is given up, countdowns that nobody could see
/// are over, steps that were proven are settled, running operations go on.
///
/// # Errors
/// When the store fails.
pub async fn recover(engine: &Engine) -> Result<usize, Problem> {
    engine.audit.close_unpaired().await.map_err(|error| store_problem(&error))?;
    for operation in engine.store.proposed().await.map_err(|error| store_problem(&error))? {
        give_up_unbegun(engine, &operation).await.map_err(|error| store_problem(&error))?;
    }
    engine.end_countdowns().await?;
    let unfinished = engine.store.unfinished().await.map_err(|error| store_problem(&error))?;
    engine.forget_all_withdrawn().await.map_err(|error| store_problem(&error))?;
    let mut resumed = 0;
    for operation in unfinished {
        settle_proven(engine, &operation).await.map_err(|error| store_problem(&error))?;
        if !operation.state.is_carried_out() {
            continue;
        }
        if matches!(operation.plan.intent, Intent::InstallKey { .. }) {
            park_without_password(engine, &operation).await.map_err(|error| store_problem(&error))?;
            continue;
        }
        let who = responsible(engine, &operation).await.map_err(|error| store_problem(&error))?;
        let entry =
            engine.operation_entry(&operation, AuditCode::OperationResumed, &Person::system(), Outcome::Started).await;
        engine.audit.write(entry).await.map_err(|error| store_problem(&error))?;
        spawn_taken(engine.clone(), operation.id, who, None, Taken::ByConsole);
        resumed += 1;
    }
    Ok(resumed)
}

/// Who last went on with it, or else who proposed it.
async fn responsible(engine: &Engine, operation: &Operation) -> Result<Person, StoreError> {
    let filter = AuditFilter {
        operation: Some(operation.id),
        code: Some(AuditCode::OperationResumed),
        ..AuditFilter::default()
    };
    let page = engine.store.find(&filter, RESUMES_MAX).await?;
    let system = Person::system();
    let person = page.entries.into_iter().map(|one| one.entry.who).find(|who| *who != system.name);
    Ok(Person { name: person.unwrap_or_else(|| operation.proposed_by.clone()) })
}

/// Written down, and the console ended before it could take its place: nothing was done, and nobody waits for it.
async fn give_up_unbegun(engine: &Engine, operation: &Operation) -> Result<(), StoreError> {
    let mut entry =
        engine.operation_entry(operation, AuditCode::OperationAbandoned, &Person::system(), Outcome::Success).await;
    entry.details.insert("why".to_owned(), "the console ended before it began".to_owned());
    engine
        .store
        .set_state(operation.id, &operation.state, &OperationState::Abandoned, Some(entry), engine.clock.now())
        .await
}

async fn settle_proven(engine: &Engine, operation: &Operation) -> Result<(), StoreError> {
    for (step, status) in operation.plan.steps.iter().zip(&operation.steps) {
        if let StepStatus::Proven { at, .. } = status {
            settle(engine, operation, &step.action, *at).await?;
        }
    }
    Ok(())
}

/// The password was only in memory; a person types it again, which makes a new operation.
async fn park_without_password(engine: &Engine, operation: &Operation) -> Result<(), StoreError> {
    let problem = Problem::new(ProblemCode::OutcomeUnknown).with("node", &operation.plan.target);
    let to = OperationState::Failed { step: 0, problem };
    let who = Person { name: operation.proposed_by.clone() };
    finish(engine, operation, &who, to, AuditCode::OperationFinished, Outcome::Unknown).await
}
