//! The QDevice's daemon on one node: started where the configuration has a device that this node does not ask.

use crate::limits::POLL_PAUSE;
use crate::steps::{Probe, StepContext, StepResult, Stop};
use model::facts::{QdeviceFlags, QuorumStatus};
use model::inventory::Node;
use model::problem::{Problem, ProblemCode};
use pve::files;

pub async fn probe(context: &StepContext<'_>) -> StepResult<Probe> {
    let node = &context.node(context.step.node).await?;
    let conf = context.conf(node, &files::local_corosync_conf()).await?;
    let conf = conf.ok_or_else(|| Stop::Failed(Problem::new(ProblemCode::NotInCluster).with("node", node.label())))?;
    if conf.qdevice.is_none() {
        return Err(Stop::Failed(Problem::new(ProblemCode::NotFound).with("what", "QDevice")));
    }
    Ok(if votes_here(context, node).await? { Probe::AlreadyDone } else { Probe::Needed })
}

pub async fn act(context: &StepContext<'_>) -> StepResult<()> {
    let node = &context.node(context.step.node).await?;
    context.change_ok(node, &pve::qdevice::start_daemon()).await
}

/// The flag V of this node, as it says itself.
pub async fn prove(context: &StepContext<'_>) -> StepResult<()> {
    let node = &context.node(context.step.node).await?;
    while !votes_here(context, node).await? {
        tokio::time::sleep(POLL_PAUSE).await;
    }
    Ok(())
}

async fn votes_here(context: &StepContext<'_>, node: &Node) -> StepResult<bool> {
    let conf = context.conf(node, &files::local_corosync_conf()).await?;
    let own = conf.and_then(|conf| conf.nodes.into_iter().find(|one| one.name == node.label())).map(|one| one.id);
    Ok(context.quorum(node).await?.zip(own).is_some_and(|(status, own)| votes(&status, own)))
}

fn votes(status: &QuorumStatus, own: u32) -> bool {
    status.qdevice_votes.is_some_and(|votes| votes > 0)
        && status.members.iter().any(|member| {
            member.id == own && matches!(member.qdevice, Some(QdeviceFlags::Registered { voting: true, .. }))
        })
}
