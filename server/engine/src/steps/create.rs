//! `pvecm create` on the first node.

use super::{Probe, StepContext, StepResult, Stop, unit};
use crate::evidence::{answer, unreadable};
use crate::limits::POLL_PAUSE;
use crate::render::link_options;
use model::facts::{ConfNode, CorosyncConf};
use model::inventory::Node;
use model::name::ClusterName;
use model::plan::LinkArgument;
use model::problem::{Problem, ProblemCode};
use pve::files::{self, NodeFile};
use pve::outcome::{self, CreateOutcome};

pub async fn probe(context: &StepContext<'_>, name: &ClusterName, links: &[LinkArgument]) -> StepResult<Probe> {
    let node = context.node(context.step.node).await?;
    if unit::attached(context, &node).await? {
        return Ok(Probe::Needed);
    }
    if let Some(conf) = context.cluster_conf(&node).await? {
        return judge_existing(context, &node, &conf, name, links).await;
    }
    for (file, code) in [
        (NodeFile::LocalCorosyncConf, ProblemCode::LeftoverConfig),
        (NodeFile::CorosyncAuthkey, ProblemCode::LeftoverAuthkey),
    ] {
        if context.ask(&node, &files::exists(&file), files::yes_or_no).await? {
            return Err(Stop::Failed(Problem::new(code).with("node", node.label())));
        }
    }
    local_links(context, &node, links).await?;
    Ok(Probe::Needed)
}

/// `pvecm create` accepts an address that the node does not have: look before.
pub async fn local_links(context: &StepContext<'_>, node: &Node, links: &[LinkArgument]) -> StepResult<()> {
    let own = context.ask(node, &pve::network::ip_addr(), pve::network::addresses).await?;
    let foreign = links.iter().find(|link| !own.iter().any(|address| address.address == link.address));
    foreign.map_or(Ok(()), |link| {
        Err(Stop::Failed(
            Problem::new(ProblemCode::LinkNotLocal).with("node", node.label()).with("address", link.address),
        ))
    })
}

/// A configuration is there: ours and working, ours and half done, or somebody else's.
async fn judge_existing(
    context: &StepContext<'_>,
    node: &Node,
    conf: &CorosyncConf,
    name: &ClusterName,
    links: &[LinkArgument],
) -> StepResult<Probe> {
    let ours = conf.cluster_name == name.as_str() && conf.nodes.iter().any(|listed| same_addresses(listed, links));
    if !ours {
        return Err(Stop::Failed(
            Problem::new(ProblemCode::InOtherCluster).with("node", node.label()).with("cluster", &conf.cluster_name),
        ));
    }
    let quorate = context.quorum(node).await?.is_some_and(|status| status.quorate);
    if quorate {
        return Ok(Probe::AlreadyDone);
    }
    Err(Stop::Parked(Problem::new(ProblemCode::CreateHalfway).with("node", node.label())))
}

/// The listed node has exactly the planned addresses.
pub fn same_addresses(listed: &ConfNode, links: &[LinkArgument]) -> bool {
    listed.addresses.len() == links.len()
        && links
            .iter()
            .all(|link| listed.addresses.get(&link.number).is_some_and(|address| *address == link.address.to_string()))
}

pub async fn act(context: &StepContext<'_>, name: &ClusterName, links: &[LinkArgument]) -> StepResult<()> {
    let node = context.node(context.step.node).await?;
    let command = pve::pvecm::create(name, &link_options(links).map_err(Stop::Failed)?);
    let output = unit::run(context, &node, &command).await?;
    match outcome::create(answer(&output)) {
        CreateOutcome::Created => Ok(()),
        CreateOutcome::Refused { reasons } => Err(Stop::Failed(
            Problem::new(ProblemCode::CommandFailed)
                .with("node", node.label())
                .with("what", command.display())
                .with("exit", output.exit.unwrap_or(-1))
                .quoting(reasons.join("; ")),
        )),
        CreateOutcome::Failed { text, .. } => {
            Err(Stop::Parked(Problem::new(ProblemCode::CreateHalfway).with("node", node.label()).quoting(text)))
        }
        CreateOutcome::Unclear { .. } => {
            Err(Stop::Parked(Problem::new(ProblemCode::OutcomeUnknown).with("node", node.label())))
        }
    }
}

/// Quorate under the right name, and `/etc/pve` takes writes.
pub async fn prove(context: &StepContext<'_>, name: &ClusterName) -> StepResult<()> {
    let node = context.node(context.step.node).await?;
    loop {
        let conf = context.conf(&node, &files::cluster_corosync_conf()).await.ok().flatten();
        let named = conf.is_some_and(|conf| conf.cluster_name == name.as_str());
        let quorate = context.quorum(&node).await?.is_some_and(|status| status.quorate);
        if named && quorate && writable(context, &node).await? {
            return Ok(());
        }
        tokio::time::sleep(POLL_PAUSE).await;
    }
}

/// Whether `/etc/pve` takes writes there now. No answer in time, and an `/etc/pve` that is not there, are a *no* for now; what
/// makes no sense is told at once.
pub async fn writable(context: &StepContext<'_>, node: &Node) -> StepResult<bool> {
    let output = context.read(node, &files::pmxcfs_writable()).await?;
    files::writable(answer(&output)).or_else(|error| match unreadable(&error, node.label()) {
        problem if problem.code == ProblemCode::Garbage => Err(Stop::Parked(problem)),
        _ => Ok(false),
    })
}
