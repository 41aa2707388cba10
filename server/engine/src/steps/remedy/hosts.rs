//! `/etc/hosts`, byte for byte.

use super::changed;
use crate::evidence::{answer, unreadable};
use crate::steps::{Probe, StepContext, StepResult, Stop};
use model::inventory::Node;
use model::name::NodeName;
use model::problem::{Problem, ProblemCode};
use pve::files::{self, NodeFile};
use pve::{network, remedy};
use std::net::IpAddr;

pub const FILE: &str = "/etc/hosts";

/// The bytes that are there now; what cannot be such a file is not believed.
async fn content(context: &StepContext<'_>, node: &Node) -> StepResult<Vec<u8>> {
    let output = context.read(node, &files::hosts()).await?;
    let lines = files::content(answer(&output)).map_err(|error| Stop::Parked(unreadable(&error, node.label())))?;
    let entry = |line: &String| line.split_whitespace().next().is_some_and(|word| word.parse::<IpAddr>().is_ok());
    match lines {
        Some(lines) if !lines.iter().any(entry) => {
            Err(Stop::Parked(Problem::new(ProblemCode::Garbage).with("node", node.label()).with("what", FILE)))
        }
        _ => Ok(output.stdout),
    }
}

pub async fn probe(context: &StepContext<'_>, node: &Node, old: &str, new: &str) -> StepResult<Probe> {
    let there = content(context, node).await?;
    if there == new.as_bytes() {
        return Ok(Probe::AlreadyDone);
    }
    if there != old.as_bytes() {
        return Err(changed(node, FILE));
    }
    if context.ask(node, &remedy::is_link(&NodeFile::Hosts), files::yes_or_no).await? {
        // A link's target may be shared, and it would be replaced by a file.
        let unfit = Problem::new(ProblemCode::FileUnfit).with("node", node.label()).with("file", FILE);
        return Err(Stop::Failed(unfit));
    }
    Ok(Probe::Needed)
}

pub async fn is(context: &StepContext<'_>, node: &Node, wanted: &str) -> StepResult<bool> {
    Ok(content(context, node).await? == wanted.as_bytes())
}

/// The resolver says so too: what the file seems to say is not what counts.
pub async fn leads_to(context: &StepContext<'_>, node: &Node, name: &str, address: IpAddr) -> StepResult<bool> {
    let name: NodeName = name.parse().map_err(|error: model::name::NameError| Stop::Failed(error.into()))?;
    let found = context.ask(node, &network::ahosts(&name), network::resolved).await?;
    Ok(found.contains(&address) && !found.iter().any(IpAddr::is_loopback))
}
