//! A machine's power, from outside.

use super::{PlanWorld, consequence, frozen, step};
use crate::bmc::{BmcWay, SystemUuid};
use crate::ids::NodeId;
use crate::inventory::{Node, Purpose};
use crate::plan::{Action, Consequence, ConsequenceCode, Intent, Plan};
use crate::problem::Problem;
use crate::risk::Risk;

pub(super) fn off(
    intent: &Intent,
    node: NodeId,
    way: &BmcWay,
    uuid: &SystemUuid,
    world: &PlanWorld<'_>,
) -> Result<Plan, Problem> {
    let node = world.node_for(node, Purpose::Member)?;
    let steps = vec![step(node, Action::PowerOff { way: way.clone(), uuid: uuid.clone() })];
    Ok(frozen(intent, world, Risk::Destructive, node.label().to_owned(), steps, cut(node, way, world)))
}

pub(super) fn on(
    intent: &Intent,
    node: NodeId,
    way: &BmcWay,
    uuid: &SystemUuid,
    world: &PlanWorld<'_>,
) -> Result<Plan, Problem> {
    let node = world.node_for(node, Purpose::Member)?;
    let steps = vec![step(node, Action::PowerOn { way: way.clone(), uuid: uuid.clone() })];
    Ok(frozen(intent, world, Risk::Reversible, node.label().to_owned(), steps, vec![starts(node)]))
}

/// Two steps, each with its proof: one command for both could not tell a machine that was never off from one that came back.
pub(super) fn cycle(
    intent: &Intent,
    node: NodeId,
    way: &BmcWay,
    uuid: &SystemUuid,
    world: &PlanWorld<'_>,
) -> Result<Plan, Problem> {
    let node = world.node_for(node, Purpose::Member)?;
    let steps = vec![
        step(node, Action::PowerOff { way: way.clone(), uuid: uuid.clone() }),
        step(node, Action::PowerOn { way: way.clone(), uuid: uuid.clone() }),
    ];
    let mut consequences = cut(node, way, world);
    consequences.push(starts(node));
    Ok(frozen(intent, world, Risk::Destructive, node.label().to_owned(), steps, consequences))
}

fn starts(node: &Node) -> Consequence {
    consequence(ConsequenceCode::MachineStarts, &[("node", node.label().to_owned())])
}

/// What goes with it, and what the others can do then.
fn cut(node: &Node, way: &BmcWay, world: &PlanWorld<'_>) -> Vec<Consequence> {
    let named = [("node", node.label().to_owned()), ("bmc", way.to_string())];
    let told = world.snapshot.and_then(|snapshot| snapshot.quorum.as_ref()).map(|aged| &aged.fact.value);
    let votes = match told.zip(world.votes_cast_by(node.id)) {
        None => consequence(ConsequenceCode::VotesUnknown, &[]),
        Some((told, own)) => {
            let left = told.total_votes.saturating_sub(own);
            let numbers = |code, more: &[(&str, String)]| {
                let all = [&[("votes", left.to_string()), ("quorum", told.quorum.to_string())][..], more].concat();
                consequence(code, &all)
            };
            if left < told.quorum {
                numbers(ConsequenceCode::QuorumGoes, &[])
            } else {
                numbers(ConsequenceCode::VotesWithout, &[("spare", (left - told.quorum).to_string())])
            }
        }
    };
    vec![consequence(ConsequenceCode::PowerCut, &named), votes]
}
