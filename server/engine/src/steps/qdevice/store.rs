//! Certificates of an earlier device, or of a set-up that stopped: set aside, and never touched where a device uses them.

use crate::steps::context::failed;
use crate::steps::{Probe, StepContext, StepResult, Stop};
use model::inventory::Node;
use model::plan::QDEVICE_STORE;
use model::problem::{Problem, ProblemCode};
use model::remedy::ContentDigest;
use pve::files::{self, NodeFolder};
use pve::qdevice;

fn changed(node: &Node) -> Stop {
    Stop::Failed(Problem::new(ProblemCode::FileChanged).with("node", node.label()).with("file", QDEVICE_STORE))
}

async fn is_there(context: &StepContext<'_>, node: &Node, folder: &NodeFolder) -> StepResult<bool> {
    Ok(context.ask(node, &files::list_all(folder), files::names_all).await?.is_some())
}

pub async fn probe(context: &StepContext<'_>, of: &ContentDigest) -> StepResult<Probe> {
    let node = &context.node(context.step.node).await?;
    if !is_there(context, node, &NodeFolder::QdeviceStore).await? {
        return Ok(Probe::AlreadyDone);
    }
    // An empty `/etc/pve` says nothing: the device that uses the store may be in the configuration that is not shown.
    let conf = context.cluster_conf(node).await?;
    if conf.is_some_and(|conf| conf.qdevice.is_some()) {
        return Err(Stop::Failed(ProblemCode::QdevicePresent.into()));
    }
    if context.ask(node, &qdevice::store(), qdevice::store_digest).await? != *of {
        return Err(changed(node));
    }
    Ok(Probe::Needed)
}

pub async fn act(context: &StepContext<'_>, of: &ContentDigest) -> StepResult<()> {
    let node = &context.node(context.step.node).await?;
    let command = qdevice::set_aside_store(of);
    let output = context.change(node, &command).await?;
    match output.exit {
        Some(0) => Ok(()),
        Some(pve::remedy::EXIT_CHANGED) => Err(changed(node)),
        Some(_) if !output.timed_out() => Err(Stop::Failed(failed(node, &command, &output))),
        _ => Err(Stop::Parked(failed(node, &command, &output))),
    }
}

/// The store is gone, and the kept one is there.
pub async fn prove(context: &StepContext<'_>, of: &ContentDigest) -> StepResult<()> {
    let node = &context.node(context.step.node).await?;
    let kept = NodeFolder::KeptQdeviceStore(of.clone());
    if !is_there(context, node, &NodeFolder::QdeviceStore).await? && is_there(context, node, &kept).await? {
        return Ok(());
    }
    Err(Stop::Parked(Problem::new(ProblemCode::ProofMissing).with("node", node.label())))
}
