//! The key of a cluster that is gone: set aside, never deleted, and never touched where a cluster might use it.

use super::changed;
use crate::evidence::{answer, unreadable};
use crate::remedy::digest_in;
use crate::steps::{Probe, StepContext, StepResult, Stop};
use model::inventory::Node;
use model::problem::{Problem, ProblemCode};
use model::remedy::ContentDigest;
use pve::files::{self, NodeFile};
use pve::systemd::{self, Service};

pub const FILE: &str = "/etc/corosync/authkey";

async fn digest(context: &StepContext<'_>, node: &Node, file: NodeFile) -> StepResult<Option<ContentDigest>> {
    let output = context.read(node, &files::sha256sums(&[file])).await?;
    digest_in(answer(&output)).map_err(|error| Stop::Parked(unreadable(&error, node.label())))
}

async fn present(context: &StepContext<'_>, node: &Node) -> StepResult<Option<ContentDigest>> {
    digest(context, node, NodeFile::CorosyncAuthkey).await
}

async fn is_kept(context: &StepContext<'_>, node: &Node, of: &ContentDigest) -> StepResult<bool> {
    Ok(digest(context, node, NodeFile::KeptAuthkey(of.clone())).await?.as_ref() == Some(of))
}

pub async fn probe_aside(context: &StepContext<'_>, node: &Node, of: &ContentDigest) -> StepResult<Probe> {
    match present(context, node).await? {
        None => Ok(Probe::AlreadyDone),
        Some(other) if other != *of => Err(changed(node, FILE)),
        Some(_) => in_no_cluster(context, node).await.map(|()| Probe::Needed),
    }
}

pub async fn probe_back(context: &StepContext<'_>, node: &Node, of: &ContentDigest) -> StepResult<Probe> {
    match present(context, node).await? {
        Some(there) if there == *of => Ok(Probe::AlreadyDone),
        Some(_) => Err(changed(node, FILE)),
        None if is_kept(context, node, of).await? => in_no_cluster(context, node).await.map(|()| Probe::Needed),
        None => Err(changed(node, &NodeFile::KeptAuthkey(of.clone()).path())),
    }
}

pub async fn is_aside(context: &StepContext<'_>, node: &Node, of: &ContentDigest) -> StepResult<bool> {
    Ok(present(context, node).await?.is_none() && is_kept(context, node, of).await?)
}

pub async fn is_back(context: &StepContext<'_>, node: &Node, of: &ContentDigest) -> StepResult<bool> {
    Ok(present(context, node).await?.as_ref() == Some(of))
}

/// No configuration of a cluster, neither its own nor the shared one, and no corosync.
async fn in_no_cluster(context: &StepContext<'_>, node: &Node) -> StepResult<()> {
    let refused = |code| Err(Stop::Failed(Problem::new(code).with("node", node.label())));
    for (file, code) in [
        (NodeFile::ClusterCorosyncConf, ProblemCode::InOtherCluster),
        (NodeFile::LocalCorosyncConf, ProblemCode::LeftoverConfig),
    ] {
        if context.ask(node, &files::exists(&file), files::yes_or_no).await? {
            return refused(code);
        }
    }
    let services = [Service::Corosync];
    let states =
        context.ask(node, &systemd::is_active(&services), |answer| systemd::activity(answer, &services)).await?;
    if states.get(&Service::Corosync).is_some_and(|state| matches!(state.as_str(), "active" | "activating")) {
        return refused(ProblemCode::CorosyncRunning);
    }
    Ok(())
}
