//! `pvecm qdevice setup` on the first member.

pub mod daemon;
mod guards;
pub mod store;

use super::{Probe, StepContext, StepResult, Stop, unit};
use crate::context::store_problem;
use crate::evidence::answer;
use crate::limits::{POLL_PAUSE, QNETD_KNOCK_S};
use futures::future::try_join_all;
use model::facts::{CorosyncConf, QdeviceFlags, QuorumStatus, TcpProbe};
use model::ids::NodeId;
use model::inventory::{Node, Purpose};
use model::plan::{Action, QDEVICE_STORE};
use model::problem::{Problem, ProblemCode};
use pve::files::{self, NodeFolder};
use pve::network;
use pve::outcome::{self, QdeviceOutcome};
use pve::packages::{self, Package};
use pve::probe::{self, ProbePlan};
use pve::quorumtool;
use std::net::{IpAddr, SocketAddr};

struct Setup {
    first: Node,
    host: Node,
    address: IpAddr,
    force: bool,
    members: Vec<Node>,
}

async fn parts(context: &StepContext<'_>) -> StepResult<Setup> {
    let Action::SetUpQdevice { host, address, force, .. } = &context.step.action else {
        return Err(Stop::Failed(ProblemCode::Internal.into()));
    };
    let host: NodeId = *host;
    let nodes = context
        .engine
        .store
        .nodes(context.operation.cluster)
        .await
        .map_err(|error| Stop::Parked(store_problem(&error)))?;
    let members = nodes.into_iter().filter(|node| node.purpose == Purpose::Member).collect();
    Ok(Setup {
        first: context.node(context.step.node).await?,
        host: context.node(host).await?,
        address: *address,
        force: *force,
        members,
    })
}

pub async fn probe(context: &StepContext<'_>) -> StepResult<Probe> {
    let setup = parts(context).await?;
    if unit::attached(context, &setup.first).await? {
        return Ok(Probe::Needed);
    }
    let conf = context.members_conf(&setup.first).await?;
    if let Some(device) = &conf.qdevice {
        if device.host.as_deref() != Some(setup.address.to_string().as_str()) {
            return Err(Stop::Failed(ProblemCode::QdevicePresent.into()));
        }
        return if votes_everywhere(context, &setup).await? {
            Ok(Probe::AlreadyDone)
        } else {
            Err(Stop::Parked(Problem::new(ProblemCode::QdeviceHalfway).with("host", setup.host.label())))
        };
    }
    all_joined(&setup, &conf)?;
    guards::no_switch_is_set(&conf)?;
    guards::first_link_is_there(&conf)?;
    if conf.nodes.len() % 2 == 1 && !setup.force {
        return Err(Stop::Failed(Problem::new(ProblemCode::QdeviceOddCount).with("nodes", conf.nodes.len())));
    }
    all_online(context, &setup.first, conf.nodes.len()).await?;
    nothing_left_over(context, &setup).await?;
    packages_there(context, &setup).await?;
    host_is_no_guest(context, &setup).await?;
    host_is_reached(context, &setup).await?;
    Ok(Probe::Needed)
}

/// A node of the draft that has still to join would never show the flag V, and the votes were counted with it.
fn all_joined(setup: &Setup, conf: &CorosyncConf) -> StepResult<()> {
    let listed = |name: &&str| conf.nodes.iter().any(|one| one.name == *name);
    let waiting: Vec<&str> = setup.members.iter().map(Node::label).filter(|name| !listed(name)).collect();
    if waiting.is_empty() {
        return Ok(());
    }
    Err(Stop::Failed(Problem::new(ProblemCode::NodesNotJoined).with("nodes", waiting.join(", "))))
}

/// `pvecm` refuses while any node is offline; said before it does. What corosync does not say parks: nobody knows then.
pub async fn all_online(context: &StepContext<'_>, first: &Node, listed: usize) -> StepResult<()> {
    let status = context.ask(first, &quorumtool::status(), quorumtool::quorum).await?;
    let online = status.members.len();
    if online != listed {
        let offline = Problem::new(ProblemCode::MembersOffline).with("online", online).with("listed", listed);
        return Err(Stop::Failed(offline));
    }
    if status.quorate { Ok(()) } else { Err(Stop::Failed(ProblemCode::ClusterNotQuorate.into())) }
}

/// `pvecm` looks for an earlier device's certificates only where it runs, and by force deletes them there; on every other
/// node they would stay beside the new ones, and that node would not be let in by the new host.
async fn nothing_left_over(context: &StepContext<'_>, setup: &Setup) -> StepResult<()> {
    let asked = setup.members.iter().filter(|node| !(setup.force && node.id == setup.first.id));
    for node in asked {
        if context.ask(node, &files::list_all(&NodeFolder::QdeviceStore), files::names_all).await?.is_some() {
            let problem = Problem::new(ProblemCode::QdeviceLeftovers).with("node", node.label());
            return Err(Stop::Failed(problem.with("path", QDEVICE_STORE)));
        }
    }
    Ok(())
}

async fn packages_there(context: &StepContext<'_>, setup: &Setup) -> StepResult<()> {
    for node in &setup.members {
        // Only an answer says that it is missing; a node that does not answer is no reason to give up.
        let query = packages::query(&[Package::CorosyncQdevice]);
        if !context.ask(node, &query, packages::installed).await?.contains_key(Package::CorosyncQdevice.name()) {
            return Err(Stop::Failed(Problem::new(ProblemCode::QdevicePackageMissing).with("node", node.label())));
        }
    }
    let query = packages::query(&[Package::CorosyncQnetd]);
    if context.ask(&setup.host, &query, packages::installed).await?.contains_key(Package::CorosyncQnetd.name()) {
        return Ok(());
    }
    Err(Stop::Failed(Problem::new(ProblemCode::QnetdMissing).with("host", setup.host.label())))
}

/// A host that runs in the cluster would go with the half that it should decide for. It is recognised by its network cards.
async fn host_is_no_guest(context: &StepContext<'_>, setup: &Setup) -> StepResult<()> {
    let cards = context.ask(&setup.host, &network::ip_link(), network::interfaces).await?;
    let macs: Vec<String> = cards.into_iter().filter_map(|card| card.mac).collect();
    let host = setup.host.label();
    let Some(command) = pve::qdevice::guests_with(&macs) else {
        return Err(Stop::Parked(Problem::new(ProblemCode::Garbage).with("node", host).with("what", "ip -j link")));
    };
    let found = context.ask(&setup.first, &command, pve::qdevice::guest_paths).await?;
    match found.into_iter().next() {
        None => Ok(()),
        Some(guest) => {
            Err(Stop::Failed(Problem::new(ProblemCode::QnetdIsGuest).with("host", host).with("guest", guest)))
        }
    }
}

/// Every node has to reach the host by itself: one that does not would lose the device's vote.
async fn host_is_reached(context: &StepContext<'_>, setup: &Setup) -> StepResult<()> {
    let target = SocketAddr::new(setup.address, pve::qdevice::QNETD_PORT);
    let plan = ProbePlan { tcp: vec![target], ..ProbePlan::default() };
    let command = probe::run(&plan, QNETD_KNOCK_S);
    let knocks = setup.members.iter().map(|node| context.ask(node, &command, probe::report));
    let reports = try_join_all(knocks).await?;
    let closed = setup
        .members
        .iter()
        .zip(reports)
        .find(|(_, report)| !matches!(report.tcp.get(&target.to_string()), Some(TcpProbe::Open { .. })));
    match closed {
        None => Ok(()),
        Some((node, _)) => Err(Stop::Failed(
            Problem::new(ProblemCode::QnetdUnreachable)
                .with("node", node.label())
                .with("host", setup.host.label())
                .with("address", target),
        )),
    }
}

pub async fn act(context: &StepContext<'_>) -> StepResult<()> {
    let setup = parts(context).await?;
    let command = pve::pvecm::qdevice_setup(setup.address, setup.force);
    let output = unit::run(context, &setup.first, &command).await?;
    match outcome::qdevice(answer(&output)) {
        QdeviceOutcome::SetUp => Ok(()),
        QdeviceOutcome::Refused { reasons } => Err(Stop::Failed(
            Problem::new(ProblemCode::CommandFailed)
                .with("node", setup.first.label())
                .with("what", command.display())
                .with("exit", output.exit.unwrap_or(-1))
                .quoting(reasons.join("; ")),
        )),
        QdeviceOutcome::Failed { text, .. } => Err(halfway(context, &setup, text).await),
        QdeviceOutcome::Unclear { .. } => Err(halfway(context, &setup, String::new()).await),
    }
}

/// The configuration tells how far it came: without the device in it no vote has changed.
async fn halfway(context: &StepContext<'_>, setup: &Setup, text: String) -> Stop {
    let conf = context.conf(&setup.first, &files::cluster_corosync_conf()).await;
    let code = match conf {
        Ok(Some(conf)) if conf.qdevice.is_none() => ProblemCode::QdeviceNotConfigured,
        Ok(Some(_)) => ProblemCode::QdeviceHalfway,
        Ok(None) | Err(_) => ProblemCode::OutcomeUnknown,
    };
    let problem = Problem::new(code).with("host", setup.host.label()).with("node", setup.first.label());
    Stop::Parked(problem.quoting(text))
}

/// The flag V on every member, seen from every member, and the device's vote.
pub async fn prove(context: &StepContext<'_>) -> StepResult<()> {
    let setup = parts(context).await?;
    while !votes_everywhere(context, &setup).await? {
        tokio::time::sleep(POLL_PAUSE).await;
    }
    Ok(())
}

async fn votes_everywhere(context: &StepContext<'_>, setup: &Setup) -> StepResult<bool> {
    for node in &setup.members {
        if !context.quorum(node).await?.is_some_and(|status| votes(&status)) {
            return Ok(false);
        }
    }
    Ok(!setup.members.is_empty())
}

fn votes(status: &QuorumStatus) -> bool {
    status.quorate
        && status.qdevice_votes.is_some_and(|votes| votes > 0)
        && status
            .members
            .iter()
            .all(|member| matches!(member.qdevice, Some(QdeviceFlags::Registered { voting: true, .. })))
}
