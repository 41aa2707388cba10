//! The QDevice's packages, and taking the device out of a cluster again.

use super::{PlanWorld, consequence, frozen, step};
use crate::inventory::{ClusterPhase, Node, Purpose};
use crate::plan::{Action, Consequence, ConsequenceCode, Intent, KeyFile, Plan, QDEVICE_STORE, Step, SystemPackage};
use crate::problem::{Problem, ProblemCode};
use crate::quorum::{qdevice_votes, tolerated};
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
    let of_nodes = votes_of(&members, world);
    let votes_after = of_nodes.iter().copied().fold(0, u32::saturating_add);
    let known = world.snapshot.and_then(|snapshot| snapshot.qdevice.as_ref());
    let count = u32::try_from(of_nodes.len()).unwrap_or(u32::MAX);
    let of_device = known.map_or_else(|| qdevice_votes(count), |aged| aged.fact.value.configured_votes);
    let consequences = vec![consequence(
        ConsequenceCode::VotesChange,
        &[
            ("expected_before", votes_after.saturating_add(of_device).to_string()),
            ("expected_after", votes_after.to_string()),
            ("tolerates_before", tolerated(&of_nodes, of_device).to_string()),
            ("tolerates_after", tolerated(&of_nodes, 0).to_string()),
        ],
    )];
    let steps = vec![step(first, Action::RemoveQdevice { votes_after })];
    Ok(frozen(intent, world, Risk::Disruptive, world.cluster.name.to_string(), steps, consequences))
}

/// Each node's votes as corosync.conf has them; one each where the console has not read it yet.
fn votes_of(members: &[&Node], world: &PlanWorld<'_>) -> Vec<u32> {
    let listed = world.snapshot.iter().flat_map(|snapshot| &snapshot.nodes).filter(|node| node.corosync_id.is_some());
    let votes: Option<Vec<u32>> = listed.map(|node| node.votes).collect();
    votes.filter(|votes| !votes.is_empty()).unwrap_or_else(|| vec![1; members.len()])
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
