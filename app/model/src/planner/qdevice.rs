//! The QDevice's packages, and taking the device out of a cluster again.

use super::{PlanWorld, consequence, frozen, step};
use crate::inventory::{ClusterPhase, Node, Purpose};
use crate::plan::{Action, Consequence, ConsequenceCode, Intent, Plan, Step, SystemPackage};
use crate::problem::{Problem, ProblemCode};
use crate::quorum::{forecast, qdevice_votes};
use crate::remedy::Look;
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
