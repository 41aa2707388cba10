//! A machine's power, from outside.

use super::{PlanWorld, consequence, frozen, step};
use crate::bmc::{BmcWay, SystemUuid};
use crate::ids::NodeId;
use crate::inventory::{Node, Purpose};
use crate::plan::{Action, Consequence, ConsequenceCode, Intent, Plan};
use crate::problem::Problem;
use crate::risk::Risk;

/// Which way a machine's power is turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Off,
    On,
}

/// One step for each turn, with a proof of its own: one command for off and on could not tell a machine that was never off from
/// one that came back.
pub(super) fn plan(
    intent: &Intent,
    node: NodeId,
    way: &BmcWay,
    uuid: &SystemUuid,
    turns: &[Turn],
    world: &PlanWorld<'_>,
) -> Result<Plan, Problem> {
    let node = world.node_for(node, Purpose::Member)?;
    let (mut risk, mut steps, mut consequences) = (Risk::Reversible, Vec::new(), Vec::new());
    for turn in turns {
        let (way, uuid) = (way.clone(), uuid.clone());
        match turn {
            Turn::Off => {
                risk = Risk::Destructive;
                consequences.extend(cut(node, &way, world));
                steps.push(step(node, Action::PowerOff { way, uuid }));
            }
            Turn::On => {
                consequences.push(starts(node));
                steps.push(step(node, Action::PowerOn { way, uuid }));
            }
        }
    }
    Ok(frozen(intent, world, risk, node.label().to_owned(), steps, consequences))
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
