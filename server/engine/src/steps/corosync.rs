//! `systemctl restart corosync`: which run is meant is known by systemd's number of it, so that it is never restarted twice.

use super::context::{failed, quorum_told};
use super::create::writable;
use super::midway::services;
use super::{Probe, StepContext, StepResult, Stop};
use crate::context::store_problem;
use crate::evidence::unreadable;
use crate::limits::{POLL_PAUSE, RESTART_SETTLES};
use model::facts::QuorumStatus;
use model::inventory::{Node, Purpose};
use model::operation::StepStatus;
use model::plan::{Consequence, ConsequenceCode};
use model::problem::{Problem, ProblemCode};
use pve::systemd::{self, Service};
use pve::{corosync_conf, files, quorumtool};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Done where another run is there than the one that was meant, and the others see the node again.
pub async fn probe(context: &StepContext<'_>, was: Option<&str>) -> StepResult<Probe> {
    let node = context.node(context.step.node).await?;
    let until = Instant::now() + patience(context);
    loop {
        let now = context.ask(&node, &systemd::run(Service::Corosync), systemd::run_of).await?;
        match now.active() {
            Some(run) if Some(run) != was => {
                prove(context, was).await?;
                return Ok(Probe::AlreadyDone);
            }
            None if Instant::now() < until => sleep(POLL_PAUSE).await,
            _ => break,
        }
    }
    same_configuration(context, &node).await?;
    votes_stay(context, &node).await?;
    Ok(Probe::Needed)
}

/// Where the plan promised a quorum that does without this vote, others may have gone since.
async fn votes_stay(context: &StepContext<'_>, node: &Node) -> StepResult<()> {
    let promised = |one: &Consequence| one.code == ConsequenceCode::VoteMissingMeanwhile;
    if !context.operation.plan.consequences.iter().any(promised) {
        return Ok(());
    }
    let id = own_id(context, node).await?;
    // Without corosync, or without a quorum, there is nothing left to lose.
    let Some(now) = side(context, node, id).await?.filter(|now| now.quorate) else { return Ok(()) };
    let own = now.members.iter().find(|one| one.id == id).map_or(0, |one| one.votes);
    let left = now.total_votes.saturating_sub(own);
    if left >= now.quorum {
        return Ok(());
    }
    let costs = Problem::new(ProblemCode::RestartCostsQuorum).with("node", node.label());
    Err(Stop::Failed(costs.with("votes", left).with("quorum", now.quorum)))
}

/// The node's side; `None` where its corosync does not run and nobody counts it, or where a quorate side is without it. That a
/// corosync which is to be restarted does not answer is no surprise, and one that lets nobody in says the same as one that does not
/// run: then who has the node on its side speaks for it, and without one a silence parks.
async fn side(context: &StepContext<'_>, node: &Node, id: u32) -> StepResult<Option<QuorumStatus>> {
    let own = quorum_told(&context.read(node, &quorumtool::status()).await?);
    let silence = match own {
        Ok(Some(told)) => return Ok(Some(told)),
        Ok(None) => None,
        Err(error) => Some(Stop::Parked(unreadable(&error, node.label()))),
    };
    let mut told: Vec<QuorumStatus> = Vec::new();
    for other in others(context, node).await? {
        // One that cannot be reached is no witness; the next one may be.
        if context.engine.shell_to(&other).await.is_ok() {
            let said = context.read(&other, &quorumtool::status()).await;
            told.extend(said.ok().and_then(|output| quorum_told(&output).ok()).flatten());
        }
    }
    let has = |one: &&QuorumStatus| one.members.iter().any(|member| member.id == id);
    match told.iter().filter(has).max_by_key(|one| one.quorate) {
        Some(with) => Ok(Some(with.clone())),
        None if told.iter().any(|one| one.quorate) => Ok(None),
        None => silence.map_or(Ok(None), Err),
    }
}

/// A step that was begun before may find systemd in the middle of it: what is away comes back by itself, or does not.
fn patience(context: &StepContext<'_>) -> Duration {
    // The operation was read before the step was started again.
    match context.operation.steps.get(usize::from(context.index)) {
        Some(StepStatus::Waiting) | None => Duration::ZERO,
        Some(_) => RESTART_SETTLES,
    }
}

/// A start that fails leaves the node without corosync: that is not nothing.
pub async fn act(context: &StepContext<'_>) -> StepResult<()> {
    let node = context.node(context.step.node).await?;
    let command = systemd::restart(Service::Corosync);
    let output = context.change(&node, &command).await?;
    if output.success() { Ok(()) } else { Err(Stop::Parked(failed(&node, &command, &output))) }
}

/// Another run, a quorate membership with this node in it as another member sees it, and `/etc/pve` taking writes again where
/// pmxcfs runs; its own word counts only where no other answers. A restart that was to bring a quorum back has succeeded with
/// corosync: whether there is one then is what it was done to find out. The step's time limit ends the waiting.
pub async fn prove(context: &StepContext<'_>, was: Option<&str>) -> StepResult<()> {
    let node = context.node(context.step.node).await?;
    let id = own_id(context, &node).await?;
    let others = others(context, &node).await?;
    loop {
        if is_another_run(context, &node, was).await? {
            let there = if without_quorum(context) {
                lists(context, &node, id).await?.is_some()
            } else {
                is_seen(context, &node, &others, id).await? && takes_writes(context, &node).await?
            };
            if there {
                return Ok(());
            }
        }
        sleep(POLL_PAUSE).await;
    }
}

async fn is_another_run(context: &StepContext<'_>, node: &Node, was: Option<&str>) -> StepResult<bool> {
    let now = context.ask(node, &systemd::run(Service::Corosync), systemd::run_of).await?;
    Ok(now.active().is_some_and(|run| Some(run) != was))
}

async fn own_id(context: &StepContext<'_>, node: &Node) -> StepResult<u32> {
    let conf = context.conf(node, &files::local_corosync_conf()).await?;
    let own = conf.and_then(|conf| conf.nodes.into_iter().find(|one| one.name == node.label()));
    own.map(|one| one.id).ok_or_else(|| Stop::Failed(Problem::new(ProblemCode::NotAMember).with("node", node.label())))
}

async fn others(context: &StepContext<'_>, node: &Node) -> StepResult<Vec<Node>> {
    let nodes = context.engine.store.nodes(context.operation.cluster).await;
    let mut nodes = nodes.map_err(|error| Stop::Parked(store_problem(&error)))?;
    nodes.retain(|one| one.purpose == Purpose::Member && one.id != node.id);
    Ok(nodes)
}

/// Nobody had a quorum when it was planned, or nobody knew of one.
fn without_quorum(context: &StepContext<'_>) -> bool {
    let none =
        |one: &Consequence| matches!(one.code, ConsequenceCode::ExpectedIsLast | ConsequenceCode::QuorumNotKnown);
    context.operation.plan.consequences.iter().any(none)
}

/// `None` where this witness does not list the node; otherwise whether its membership is quorate.
async fn lists(context: &StepContext<'_>, witness: &Node, id: u32) -> StepResult<Option<bool>> {
    let status = context.quorum(witness).await?;
    Ok(status.filter(|one| one.members.iter().any(|member| member.id == id)).map(|one| one.quorate))
}

async fn is_seen(context: &StepContext<'_>, node: &Node, others: &[Node], id: u32) -> StepResult<bool> {
    let mut asked = false;
    for witness in others {
        // One that does not answer is no witness; the next one may be.
        if context.engine.shell_to(witness).await.is_err() {
            continue;
        }
        asked = true;
        if lists(context, witness, id).await? == Some(true) {
            return Ok(true);
        }
    }
    Ok(!asked && lists(context, node, id).await? == Some(true))
}

/// The next node is to be restarted only when this one has the cluster's files again.
async fn takes_writes(context: &StepContext<'_>, node: &Node) -> StepResult<bool> {
    Ok(!services(context, node).await?.1 || writable(context, node).await?)
}

/// Restarted with another configuration than the others have, the node would leave them for good.
async fn same_configuration(context: &StepContext<'_>, node: &Node) -> StepResult<()> {
    let own = version(context, node).await?;
    let own = own.ok_or_else(|| Stop::Failed(Problem::new(ProblemCode::NotInCluster).with("node", node.label())))?;
    for other in others(context, node).await? {
        if context.engine.shell_to(&other).await.is_err() {
            continue;
        }
        match version(context, &other).await? {
            Some(version) if version != own => {
                let differ = Problem::new(ProblemCode::ConfigurationsDiffer).with("node", node.label());
                return Err(Stop::Failed(
                    differ.with("version", own).with("other", other.label()).with("other_version", version),
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

async fn version(context: &StepContext<'_>, node: &Node) -> StepResult<Option<u64>> {
    let conf = context.ask(node, &files::local_corosync_conf(), corosync_conf::conf).await?;
    Ok(conf.map(|conf| conf.config_version))
}
