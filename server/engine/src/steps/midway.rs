//! The steps that carry a join that died midway through, or take it back. Each looks again right before it acts.

mod member;

use super::context::failed;
use super::create::writable;
use super::{Probe, StepContext, StepResult, Stop, keys, withdraw};
use crate::limits::POLL_PAUSE;
use crate::render::remedy_commands;
use model::ids::NodeId;
use model::inventory::Node;
use model::name::NodeName;
use model::plan::Action;
use model::problem::{Problem, ProblemCode};
use pve::files::{self, NodeFile};
use pve::ssh_keys::KeyFile;
use pve::systemd::{self, Service};
use tokio::time::sleep;

/// The exit code of a script that found other files, or running services, than it was made for.
const EXIT_CHANGED: i32 = pve::remedy::EXIT_CHANGED;

/// Whether a step belongs to a join that died midway.
pub const fn is_its(action: &Action) -> bool {
    matches!(
        action,
        Action::StartMember { .. }
            | Action::MakeNodeFiles { .. }
            | Action::StopMember
            | Action::RegainQuorum { .. }
            | Action::RemoveUnjoined { .. }
            | Action::WithdrawRootKey { .. }
            | Action::StandAlone { .. }
    )
}

fn needed_unless(done: bool) -> Probe {
    if done { Probe::AlreadyDone } else { Probe::Needed }
}

pub async fn probe(context: &StepContext<'_>) -> StepResult<Probe> {
    let node = &context.node(context.step.node).await?;
    match &context.step.action {
        Action::StartMember { name, member, .. } => probe_start(context, node, *member, name).await,
        Action::MakeNodeFiles { name } => Ok(needed_unless(has_certificate(context, node, name).await?)),
        Action::StopMember => Ok(needed_unless(is_stopped(context, node).await? || alone(context, node).await?)),
        Action::RegainQuorum { votes, without, .. } => member::probe_regain(context, node, *votes, *without).await,
        Action::RemoveUnjoined { name, joiner } => member::probe_remove(context, node, name, *joiner).await,
        Action::WithdrawRootKey { of, .. } => {
            let line = keys::root_line(context, *of).await?;
            Ok(needed_unless(!withdraw::shares(context, node, &line).await?))
        }
        Action::StandAlone { .. } => probe_alone(context, node).await,
        _ => Err(Stop::Failed(ProblemCode::Internal.into())),
    }
}

pub async fn act(context: &StepContext<'_>) -> StepResult<()> {
    let node = &context.node(context.step.node).await?;
    match &context.step.action {
        Action::RegainQuorum { votes, .. } => member::regain(context, node, *votes).await,
        Action::RemoveUnjoined { name, .. } => member::remove(context, node, name).await,
        Action::WithdrawRootKey { of, .. } => {
            let line = keys::root_line(context, *of).await?;
            keys::wait_writable(context, node).await?;
            withdraw::take_out(context, node, KeyFile::ClusterAuthorizedKeys, &line, false).await
        }
        other => {
            for command in remedy_commands(other).map_err(Stop::Failed)? {
                let output = context.change(node, &command).await?;
                match output.exit {
                    Some(0) => {}
                    Some(EXIT_CHANGED) => {
                        return Err(Stop::Failed(Problem::new(ProblemCode::WorldChanged).with("what", "pve-cluster")));
                    }
                    Some(_) if !output.timed_out() => return Err(Stop::Failed(failed(node, &command, &output))),
                    _ => return Err(Stop::Parked(failed(node, &command, &output))),
                }
            }
            Ok(())
        }
    }
}

pub async fn prove(context: &StepContext<'_>) -> StepResult<()> {
    let node = &context.node(context.step.node).await?;
    loop {
        let there = match &context.step.action {
            Action::StartMember { name, member, .. } => together(context, node, *member, name).await?,
            Action::MakeNodeFiles { name } => has_certificate(context, node, name).await?,
            Action::StopMember => is_stopped(context, node).await?,
            Action::RegainQuorum { votes, .. } => member::is_regained(context, node, *votes).await?,
            Action::RemoveUnjoined { name, .. } => member::is_removed(context, node, name).await?,
            Action::WithdrawRootKey { of, .. } => {
                let line = keys::root_line(context, *of).await?;
                !withdraw::shares(context, node, &line).await?
            }
            Action::StandAlone { .. } => alone(context, node).await?,
            _ => return Err(Stop::Failed(ProblemCode::Internal.into())),
        };
        if there {
            return Ok(());
        }
        sleep(POLL_PAUSE).await;
    }
}

/// Whether corosync and pmxcfs run.
pub async fn services(context: &StepContext<'_>, node: &Node) -> StepResult<(bool, bool)> {
    const SERVICES: [Service; 2] = [Service::Corosync, Service::PveCluster];
    let reads = |answer: pve::Answer<'_>| systemd::activity(answer, &SERVICES);
    let states = context.ask(node, &systemd::is_active(&SERVICES), reads).await?;
    let runs = |service| states.get(&service).is_some_and(|state| state == "active");
    Ok((runs(Service::Corosync), runs(Service::PveCluster)))
}

async fn exists(context: &StepContext<'_>, node: &Node, file: &NodeFile) -> StepResult<bool> {
    context.ask(node, &files::exists(file), files::yes_or_no).await
}

async fn is_stopped(context: &StepContext<'_>, node: &Node) -> StepResult<bool> {
    Ok(services(context, node).await? == (false, false))
}

fn node_name(name: &str) -> StepResult<NodeName> {
    name.parse().map_err(|error: model::name::NameError| Stop::Failed(error.into()))
}

async fn has_certificate(context: &StepContext<'_>, node: &Node, name: &str) -> StepResult<bool> {
    exists(context, node, &NodeFile::NodeCertificate(node_name(name)?)).await
}

/// No file of a cluster, corosync off, and `/etc/pve` takes writes: as before the join.
async fn alone(context: &StepContext<'_>, node: &Node) -> StepResult<bool> {
    for file in [NodeFile::CorosyncAuthkey, NodeFile::LocalCorosyncConf] {
        if exists(context, node, &file).await? {
            return Ok(false);
        }
    }
    Ok(services(context, node).await? == (false, true) && writable(context, node).await?)
}

async fn probe_alone(context: &StepContext<'_>, node: &Node) -> StepResult<Probe> {
    if alone(context, node).await? {
        return Ok(Probe::AlreadyDone);
    }
    if services(context, node).await?.0 {
        return Err(Stop::Failed(Problem::new(ProblemCode::CorosyncRunning).with("node", node.label())));
    }
    Ok(Probe::Needed)
}

/// pmxcfs may start only where the join has moved the node's own database away: with it, what the node had before could
/// become the whole cluster's.
async fn probe_start(context: &StepContext<'_>, node: &Node, member: NodeId, name: &str) -> StepResult<Probe> {
    if together(context, node, member, name).await? {
        return Ok(Probe::AlreadyDone);
    }
    let nothing_runs = services(context, node).await? == (false, false);
    if nothing_runs && exists(context, node, &NodeFile::PmxDatabase).await? {
        return Err(Stop::Failed(Problem::new(ProblemCode::DatabaseInPlace).with("node", node.label())));
    }
    Ok(Probe::Needed)
}

/// The member lists the node, both are quorate in one ring, and `/etc/pve` takes writes on both.
async fn together(context: &StepContext<'_>, node: &Node, member: NodeId, name: &str) -> StepResult<bool> {
    let member = context.node(member).await?;
    let conf = context.conf(&member, &files::cluster_corosync_conf()).await?;
    let listed = conf.and_then(|conf| conf.nodes.into_iter().find(|one| one.name == name));
    let Some(listed) = listed else { return Ok(false) };
    for one in [&member, node] {
        let status = context.quorum(one).await?;
        let in_ring = status.is_some_and(|status| status.quorate && status.members.iter().any(|it| it.id == listed.id));
        if !in_ring || !writable(context, one).await? {
            return Ok(false);
        }
    }
    Ok(true)
}
