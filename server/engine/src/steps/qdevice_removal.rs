//! `pvecm qdevice remove` on the first member.

use super::{Probe, StepContext, StepResult, Stop, unit};
use crate::context::store_problem;
use crate::evidence::answer;
use crate::limits::POLL_PAUSE;
use model::facts::CorosyncConf;
use model::inventory::{Node, Purpose};
use model::problem::{Problem, ProblemCode};
use pve::files;
use pve::outcome::{self, RemovalOutcome};

/// Those that the cluster lists: a node of the draft that has still to join has neither votes nor a configuration.
async fn members(context: &StepContext<'_>, conf: &CorosyncConf) -> StepResult<Vec<Node>> {
    let nodes = context.engine.store.nodes(context.operation.cluster).await;
    let mut nodes = nodes.map_err(|error| Stop::Parked(store_problem(&error)))?;
    nodes.retain(|node| node.purpose == Purpose::Member && conf.nodes.iter().any(|one| one.name == node.label()));
    Ok(nodes)
}

async fn cluster_conf(context: &StepContext<'_>, first: &Node) -> StepResult<CorosyncConf> {
    let conf = context.conf(first, &files::cluster_corosync_conf()).await?;
    conf.ok_or_else(|| Stop::Failed(Problem::new(ProblemCode::NotInCluster).with("node", first.label())))
}

pub async fn probe(context: &StepContext<'_>, votes: u32) -> StepResult<Probe> {
    let first = context.node(context.step.node).await?;
    if unit::attached(context, &first).await? {
        return Ok(Probe::Needed);
    }
    let conf = cluster_conf(context, &first).await?;
    if conf.qdevice.is_none() {
        let members = members(context, &conf).await?;
        return if gone_everywhere(context, &members, votes).await? {
            Ok(Probe::AlreadyDone)
        } else {
            // It is out of the configuration and still counts somewhere: what is missing is for a person to see.
            Err(Stop::Parked(Problem::new(ProblemCode::QdeviceHalfway)))
        };
    }
    // `pvecm` refuses while any node is offline; and without the device every vote is needed.
    let status = context.quorum(&first).await?;
    let online = status.filter(|status| status.quorate).map_or(0, |status| status.members.len());
    if online < conf.nodes.len() {
        let problem = Problem::new(ProblemCode::MembersOffline).with("online", online).with("listed", conf.nodes.len());
        return Err(Stop::Failed(problem));
    }
    Ok(Probe::Needed)
}

pub async fn act(context: &StepContext<'_>) -> StepResult<()> {
    let first = context.node(context.step.node).await?;
    let command = pve::pvecm::qdevice_remove();
    let output = unit::run(context, &first, &command).await?;
    let problem = |code: ProblemCode, text: String| {
        Problem::new(code)
            .with("node", first.label())
            .with("what", command.display())
            .with("exit", output.exit.unwrap_or(-1))
            .quoting(text)
    };
    match outcome::qdevice_removal(answer(&output)) {
        RemovalOutcome::Removed => Ok(()),
        RemovalOutcome::Refused { text } => Err(Stop::Failed(problem(ProblemCode::CommandFailed, text))),
        RemovalOutcome::Unclear { text } => Err(Stop::Parked(problem(ProblemCode::CommandFailed, text))),
    }
}

/// No member's configuration names it, and every member counts with the nodes' own votes.
pub async fn prove(context: &StepContext<'_>, votes: u32) -> StepResult<()> {
    let first = context.node(context.step.node).await?;
    let members = members(context, &cluster_conf(context, &first).await?).await?;
    while !gone_everywhere(context, &members, votes).await? {
        tokio::time::sleep(POLL_PAUSE).await;
    }
    Ok(())
}

async fn gone_everywhere(context: &StepContext<'_>, members: &[Node], votes: u32) -> StepResult<bool> {
    for node in members {
        let conf = context.conf(node, &files::local_corosync_conf()).await?;
        let status = context.quorum(node).await?;
        let counts = status.is_some_and(|status| status.quorate && status.expected_votes == votes);
        if !counts || conf.is_none_or(|conf| conf.qdevice.is_some()) {
            return Ok(false);
        }
    }
    Ok(!members.is_empty())
}
