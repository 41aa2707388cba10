//! A node's own rules of Proxmox VE's firewall.

use super::{changed, swap};
use crate::evidence::{answer, unreadable};
use crate::limits::POLL_PAUSE;
use crate::steps::{Probe, StepContext, StepResult, Stop};
use model::inventory::Node;
use model::name::NodeName;
use model::problem::{Problem, ProblemCode};
use pve::files::{self, NodeFile};
use pve::remedy;

fn parsed(name: &str) -> StepResult<NodeName> {
    name.parse().map_err(|error: model::name::NameError| Stop::Failed(error.into()))
}

fn path(name: &NodeName) -> String {
    NodeFile::HostFirewall(name.clone()).path()
}

/// The file's bytes; `None` where there is none.
async fn content(context: &StepContext<'_>, node: &Node, name: &NodeName) -> StepResult<Option<String>> {
    let output = context.read(node, &remedy::host_firewall(name)).await?;
    let lines = files::content(answer(&output)).map_err(|error| Stop::Parked(unreadable(&error, node.label())))?;
    let garbage =
        |_| Stop::Parked(Problem::new(ProblemCode::Garbage).with("node", node.label()).with("what", path(name)));
    lines.map(|_| String::from_utf8(output.stdout).map_err(garbage)).transpose()
}

pub async fn probe(
    context: &StepContext<'_>,
    node: &Node,
    name: &str,
    old: Option<&str>,
    new: Option<&str>,
) -> StepResult<Probe> {
    let name = parsed(name)?;
    let there = content(context, node, &name).await?;
    match there.as_deref() {
        now if now == new => Ok(Probe::AlreadyDone),
        now if now == old => Ok(Probe::Needed),
        _ => Err(changed(node, &path(&name))),
    }
}

pub async fn write(
    context: &StepContext<'_>,
    node: &Node,
    name: &str,
    old: Option<&str>,
    new: Option<&str>,
) -> StepResult<()> {
    let name = parsed(name)?;
    let command =
        remedy::write_host_firewall(&name, old, new).ok_or_else(|| Stop::Failed(ProblemCode::Internal.into()))?;
    swap(context, node, &command, &path(&name)).await
}

/// The file is there, and the kernel has its rules: the firewall's service looks every ten seconds.
pub async fn prove(context: &StepContext<'_>, node: &Node, name: &str, new: Option<&str>) -> StepResult<()> {
    let name = parsed(name)?;
    if content(context, node, &name).await?.as_deref() != new {
        let missing = Problem::new(ProblemCode::ProofMissing).with("node", node.label());
        return Err(Stop::Parked(missing.with("what", path(&name))));
    }
    loop {
        let state = context.ask(node, &remedy::firewall_status(), remedy::firewall_state).await?;
        if !state.enabled || (state.running && !state.pending) {
            return Ok(());
        }
        tokio::time::sleep(POLL_PAUSE).await;
    }
}
