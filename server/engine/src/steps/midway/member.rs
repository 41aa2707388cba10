//! What a member does about a node whose join is not complete.

use super::{exists, node_name, services};
use crate::evidence::answer;
use crate::recovery::members_of;
use crate::steps::create::writable;
use crate::steps::{Probe, StepContext, StepResult, Stop, expected, keys};
use model::facts::{CorosyncConf, QuorumStatus};
use model::ids::NodeId;
use model::inventory::Node;
use model::lowering::{AFTER, BEFORE};
use model::problem::{Problem, ProblemCode};
use pve::files::{self, NodeFile, NodeFolder};
use pve::{midway, pvecm, quorumtool};

async fn status(context: &StepContext<'_>, node: &Node) -> StepResult<QuorumStatus> {
    context.ask(node, &quorumtool::status(), quorumtool::quorum).await
}

/// The joiner's corosync must not run: it could come into the ring at any moment.
async fn joiner_is_down(context: &StepContext<'_>, joiner: NodeId) -> StepResult<Node> {
    let joiner = context.node(joiner).await?;
    if services(context, &joiner).await?.0 {
        return Err(Stop::Failed(Problem::new(ProblemCode::CorosyncRunning).with("node", joiner.label())));
    }
    Ok(joiner)
}

/// Listed nodes that are not in the ring, without this one.
fn absent_but(conf: &CorosyncConf, status: &QuorumStatus, name: &str) -> Option<String> {
    let present = members_of(status, conf);
    conf.nodes.iter().map(|node| node.name.clone()).find(|one| one != name && !present.contains(one))
}

/// Only the joiner is missing, it is asked itself, and the votes are those that are present.
pub async fn probe_regain(context: &StepContext<'_>, node: &Node, votes: u32, without: NodeId) -> StepResult<Probe> {
    let (status, output) = expected::quorum(context, node).await?;
    if status.quorate {
        return Ok(Probe::AlreadyDone);
    }
    let joiner = joiner_is_down(context, without).await?;
    let conf = context.members_conf(node).await?;
    if let Some(absent) = absent_but(&conf, &status, joiner.label()) {
        let offline = Problem::new(ProblemCode::MembersOffline).with("node", joiner.label()).with("absent", absent);
        return Err(Stop::Failed(offline));
    }
    if status.total_votes != votes {
        return Err(Stop::Failed(Problem::new(ProblemCode::WorldChanged).with("what", "votes")));
    }
    expected::note(context, node, BEFORE, &members_of(&status, &conf), (&status, &output)).await?;
    Ok(Probe::Needed)
}

pub async fn regain(context: &StepContext<'_>, node: &Node, votes: u32) -> StepResult<()> {
    let output = context.change(node, &pvecm::expected(votes)).await?;
    match pve::outcome::expected(answer(&output)) {
        None => Ok(()),
        Some(words) => {
            Err(Stop::Failed(Problem::new(ProblemCode::ExpectedRefused).with("node", node.label()).quoting(words)))
        }
    }
}

pub async fn is_regained(context: &StepContext<'_>, node: &Node, votes: u32) -> StepResult<bool> {
    let (status, output) = expected::quorum(context, node).await?;
    let there = status.quorate && status.expected_votes == votes && writable(context, node).await?;
    if there {
        let members = members_of(&status, &context.members_conf(node).await?);
        expected::note(context, node, AFTER, &members, (&status, &output)).await?;
    }
    Ok(there)
}

async fn has_folder(context: &StepContext<'_>, node: &Node, name: &str) -> StepResult<bool> {
    let folder = NodeFolder::PveNode(node_name(name)?);
    context.ask(node, &files::folder_exists(&folder), files::yes_or_no).await
}

/// A node that has been a whole member leaves by another way, and nobody takes out one that runs.
pub async fn probe_remove(context: &StepContext<'_>, node: &Node, name: &str, joiner: NodeId) -> StepResult<Probe> {
    let conf = context.members_conf(node).await?;
    let listed = conf.nodes.iter().find(|one| one.name == name);
    if listed.is_none() && !has_folder(context, node, name).await? {
        return Ok(Probe::AlreadyDone);
    }
    let about = |code| Problem::new(code).with("node", name).with("member", node.label()).with("name", name);
    if exists(context, node, &NodeFile::NodeCertificate(node_name(name)?)).await? {
        return Err(Stop::Failed(about(ProblemCode::WasAMember)));
    }
    let status = status(context, node).await?;
    if !status.quorate {
        return Err(Stop::Failed(about(ProblemCode::ClusterNotQuorate)));
    }
    if listed.is_some_and(|listed| status.members.iter().any(|one| one.id == listed.id)) {
        return Err(Stop::Failed(about(ProblemCode::NameInCluster).with("cluster", &conf.cluster_name)));
    }
    if let Some(absent) = absent_but(&conf, &status, name) {
        return Err(Stop::Failed(about(ProblemCode::MembersOffline).with("absent", absent)));
    }
    joiner_is_down(context, joiner).await?;
    Ok(Probe::Needed)
}

pub async fn remove(context: &StepContext<'_>, node: &Node, name: &str) -> StepResult<()> {
    let listed = context.members_conf(node).await?.nodes.iter().any(|one| one.name == name);
    let name_of_node = node_name(name)?;
    keys::wait_writable(context, node).await?;
    if listed {
        context.change_ok(node, &pvecm::delnode(&name_of_node)).await?;
        // corosync reads the shorter list; for a moment `/etc/pve` may refuse.
        keys::wait_writable(context, node).await?;
    }
    if has_folder(context, node, name).await? {
        context.change_ok(node, &midway::remove_empty_folder(&name_of_node)).await?;
    }
    Ok(())
}

/// Out of the list, the others quorate; files that are left in its folder are for a person to look at.
pub async fn is_removed(context: &StepContext<'_>, node: &Node, name: &str) -> StepResult<bool> {
    if context.members_conf(node).await?.nodes.iter().any(|one| one.name == name) {
        return Ok(false);
    }
    if !context.quorum(node).await?.is_some_and(|status| status.quorate) {
        return Ok(false);
    }
    if has_folder(context, node, name).await? {
        let left = Problem::new(ProblemCode::NameLeftover).with("node", name).with("member", node.label());
        return Err(Stop::Parked(left.with("name", name)));
    }
    Ok(true)
}
