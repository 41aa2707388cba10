//! The QDevice's packages, and taking the device out of a cluster again.

use super::{PlanWorld, consequence, frozen, step};
use crate::inventory::{ClusterPhase, Node, Purpose};
use crate::plan::{Action, Consequence, ConsequenceCode, Intent, KeyFile, Plan, QDEVICE_STORE, Step, SystemPackage};
use crate::problem::{Problem, ProblemCode};
use crate::quorum::{forecast, qdevice_votes};
use crate::remedy::{Look, kept_path};
use crate::risk::Risk;
use crate::topology::Snapshot;

pub(super) fn remove(intent: &Intent, world: &PlanWorld<'_>) -> Result<Plan, Problem> {
    if world.cluster.phase != ClusterPhase::Live {
        return Err(ProblemCode::NotInCluster.into());
    }
    // Where the configuration has not been read yet, the step itself looks.
    if world.snapshot.is_some_and(|snapshot| snapshot.config_version.is_some() && snapshot.qdevice.is_none()) {
        return Err(Problem::new(ProblemCode::NotFound).with("what", "QDevice"));
    }
    let (members, _) = members(world);
    let first = members.first().ok_or(ProblemCode::NodeCountTooLow)?;
    let count = u32::try_from(members.len()).unwrap_or(u32::MAX);
    let (before, after) = (forecast(count, qdevice_votes(count)), forecast(count, 0));
    let consequences = vec![consequence(
        ConsequenceCode::VotesChange,
        &[
            ("expected_before", before.expected_votes.to_string()),
            ("expected_after", after.expected_votes.to_string()),
            ("tolerates_before", before.tolerates.to_string()),
            ("tolerates_after", after.tolerates.to_string()),
        ],
    )];
    let steps = vec![step(first, Action::RemoveQdevice { votes_after: after.expected_votes })];
    Ok(frozen(intent, world, Risk::Disruptive, world.cluster.name.to_string(), steps, consequences))
}

/// A set-up that stopped, or a daemon that died: the configuration has the device, and some node does not ask it for its vote.
pub(super) fn start(intent: &Intent, world: &PlanWorld<'_>) -> Result<Plan, Problem> {
    if world.cluster.phase != ClusterPhase::Live {
        return Err(ProblemCode::NotInCluster.into());
    }
    let Some(Look::QdeviceDaemons(look)) = world.look else { return Err(ProblemCode::Internal.into()) };
    let Some(host) = &look.host else { return Err(Problem::new(ProblemCode::NotFound).with("what", "QDevice")) };
    let (members, _) = members(world);
    let stopped = members.iter().filter(|node| look.stopped.contains(&node.id));
    let mut steps: Vec<Step> = stopped.map(|node| step(node, Action::StartQdevice)).collect();
    if steps.is_empty() {
        return Err(Problem::new(ProblemCode::QdeviceRunsEverywhere).with("host", host));
    }
    // A set-up that stopped has not taken the first node's key away again.
    // The nodes may call its host something else than the console does; one alone can only be that one.
    let mut hosts: Vec<&Node> = world.nodes.iter().filter(|node| node.purpose == Purpose::Qnetd).collect();
    if hosts.len() > 1 {
        hosts.retain(|node| node.address.host == *host);
    }
    let asked = hosts.first().copied();
    if let Some((asked, first)) = asked.zip(members.first()) {
        let (of, of_name) = (first.id, first.label().to_owned());
        steps.push(step(asked, Action::ForgetRootKey { of, of_name, file: KeyFile::Own }));
    }
    Ok(frozen(intent, world, Risk::Reversible, world.cluster.name.to_string(), steps, Vec::new()))
}

/// A step for each node that has certificates of another device: beside them new ones would never be made.
pub(super) fn leftovers(members: &[&Node], world: &PlanWorld<'_>) -> (Vec<Step>, Vec<Consequence>) {
    let Some(Look::Qdevice(look)) = world.look else { return (Vec::new(), Vec::new()) };
    let found = members.iter().filter_map(|node| {
        let (_, digest) = look.leftovers.iter().find(|(id, _)| *id == node.id)?;
        let params = [("node", node.label().to_owned()), ("file", kept_path(QDEVICE_STORE, digest.short()))];
        let kept = consequence(ConsequenceCode::CopyKept, &params);
        Some((step(node, Action::SetAsideQdeviceStore { digest: digest.clone() }), kept))
    });
    found.unzip()
}

/// The cluster's own nodes, and those of the draft that have still to join, both in their order. Where nobody has read the
/// cluster's list yet, all count as its own.
pub(super) fn members<'a>(world: &PlanWorld<'a>) -> (Vec<&'a Node>, Vec<&'a Node>) {
    let known = world.snapshot.filter(|snapshot| snapshot.cluster_name.is_some());
    let listed = |node: &&Node| {
        let own =
            |snapshot: &Snapshot| snapshot.nodes.iter().any(|one| one.id == Some(node.id) && one.corosync_id.is_some());
        known.is_none_or(own)
    };
    let mut all: Vec<&Node> = world.nodes.iter().filter(|node| node.purpose == Purpose::Member).collect();
    all.sort_by_key(|node| node.position);
    all.into_iter().partition(listed)
}

/// A step for each machine that says that its package is missing: the host first, because without it the others are of no use.
pub(super) fn installs(host: &Node, members: &[&Node], world: &PlanWorld<'_>) -> (Vec<Step>, Vec<Consequence>) {
    let Some(Look::Qdevice(look)) = world.look else { return (Vec::new(), Vec::new()) };
    let of_host = look.host.then_some((host, SystemPackage::CorosyncQnetd));
    let of_members = members.iter().filter(|node| look.nodes.contains(&node.id));
    let all = of_host.into_iter().chain(of_members.map(|node| (*node, SystemPackage::CorosyncQdevice)));
    let parts = all.map(|(node, package)| {
        let fetched = consequence(ConsequenceCode::PackageFetched, &[("node", node.label().to_owned())]);
        (step(node, Action::InstallPackage { package }), fetched)
    });
    parts.unzip()
}
