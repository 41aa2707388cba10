//! The console's own key: put on machines, shared in a cluster, and taken away again.

use super::{PlanWorld, consequence, frozen, step};
use crate::ids::NodeId;
use crate::inventory::{ClusterPhase, Node, Purpose};
use crate::plan::{Action, Consequence, ConsequenceCode, Intent, Plan, Step};
use crate::problem::{Problem, ProblemCode};
use crate::risk::Risk;
use crate::topology::Membership;

/// The account that a step has to name: root is understood.
fn account(node: &Node) -> Option<String> {
    node.address.needs_sudo().then(|| node.address.user.clone())
}

pub(super) fn keep(node: &Node) -> Step {
    step(node, Action::KeepConsoleKey { account: account(node) })
}

fn about(code: ConsequenceCode, node: &Node) -> Consequence {
    consequence(code, &[("node", node.label().to_owned())])
}

pub(super) fn install(intent: &Intent, id: NodeId, world: &PlanWorld<'_>) -> Result<Plan, Problem> {
    let node = world.node(id)?;
    let stays = about(ConsequenceCode::ConsoleKeyStays, node);
    Ok(frozen(intent, world, Risk::Reversible, node.label().to_owned(), vec![keep(node)], vec![stays]))
}

pub(super) fn admit(intent: &Intent, id: NodeId, share: bool, world: &PlanWorld<'_>) -> Result<Plan, Problem> {
    let node = world.node(id)?;
    let mut steps = vec![keep(node)];
    let mut consequences = vec![about(ConsequenceCode::ConsoleKeyStays, node)];
    if share {
        steps.push(step(node, Action::ShareConsoleKey));
        consequences.push(consequence(ConsequenceCode::ConsoleKeyShared, &[]));
    }
    Ok(frozen(intent, world, Risk::Reversible, node.label().to_owned(), steps, consequences))
}

/// First everything that needs the console's key, then the shared file, then each machine's own files: a machine is done
/// when it refuses the key, and while the shared file still has it none would.
pub(super) fn withdraw(intent: &Intent, leave: &[NodeId], world: &PlanWorld<'_>) -> Result<Plan, Problem> {
    // Where no key was ever confirmed the console has never logged in.
    let mut machines: Vec<&Node> = world.nodes.iter().filter(|node| node.pin.is_some()).collect();
    // A machine through which others are reached goes after them.
    machines.sort_by_key(|node| (is_a_way(node, world), node.position));
    let (left, reached): (Vec<&Node>, Vec<&Node>) = machines.into_iter().partition(|node| leave.contains(&node.id));
    if reached.is_empty() {
        return Err(ProblemCode::NoWayIn.into());
    }
    let mut steps: Vec<Step> = reached
        .iter()
        // Through a jump host the console only passes.
        .filter(|node| node.purpose != Purpose::Jump)
        .map(|node| step(node, Action::ClearLeftovers))
        .collect();
    if world.cluster.phase == ClusterPhase::Live && reached.iter().any(|node| node.purpose == Purpose::Member) {
        steps.push(step(quorate_member(&reached, world)?, Action::RemoveSharedKey));
    }
    steps.extend(reached.iter().map(|node| step(node, Action::RemoveConsoleKey { account: account(node) })));
    let mut consequences: Vec<Consequence> =
        left.iter().map(|node| about(ConsequenceCode::KeyLeftBehind, node)).collect();
    consequences.push(consequence(ConsequenceCode::CopiesDeleted, &[]));
    consequences.push(consequence(ConsequenceCode::AccessEnds, &[]));
    consequences.push(consequence(ConsequenceCode::ClusterForgotten, &[]));
    Ok(frozen(intent, world, Risk::Reversible, world.cluster.name.to_string(), steps, consequences))
}

fn is_a_way(node: &Node, world: &PlanWorld<'_>) -> bool {
    world.nodes.iter().any(|other| other.via == Some(node.id))
}

/// The shared file can be written only where there is quorum.
fn quorate_member<'a>(reached: &[&'a Node], world: &PlanWorld<'_>) -> Result<&'a Node, Problem> {
    let member = |node: &&&Node| {
        world.snapshot.is_some_and(|snapshot| {
            snapshot.nodes.iter().any(|state| state.id == Some(node.id) && state.membership == Membership::Member)
        })
    };
    reached.iter().find(member).copied().ok_or_else(|| ProblemCode::ClusterNotQuorate.into())
}
