//! Lowering the expected votes for a partition that has lost its quorum.

use super::{PlanWorld, consequence, frozen, step};
use crate::ids::NodeId;
use crate::inventory::{ClusterPhase, Purpose};
use crate::plan::{Action, ConsequenceCode, Intent, Plan};
use crate::problem::{Problem, ProblemCode};
use crate::quorum::{lowered, quorum};
use crate::recovery::{DeathProof, WrittenOff};
use crate::remedy::Look;
use crate::risk::Risk;

pub(super) fn expected(
    intent: &Intent,
    through: NodeId,
    votes: u32,
    members: &[String],
    written_off: &[WrittenOff],
    world: &PlanWorld<'_>,
) -> Result<Plan, Problem> {
    if world.cluster.phase != ClusterPhase::Live {
        return Err(ProblemCode::NotInCluster.into());
    }
    let node = world.node_for(through, Purpose::Member)?;
    if written_off.is_empty() {
        return Err(Problem::new(ProblemCode::ExpectedNotNeeded).with("votes", votes));
    }
    let Some(Look::SilentDevice { votes: of_device, options }) = world.look else {
        return Err(ProblemCode::Internal.into());
    };
    // So many votes are asked for because so many are present: the step refuses where that has changed.
    let reached = lowered(votes, votes, *of_device);
    if let Some(blocked) = options.kept_blocked(votes, reached, *of_device) {
        return Err(blocked);
    }
    let expected = (reached != votes).then_some(reached);
    // What is typed says what is done, not only where.
    let target = format!("expected {votes} on {}", world.cluster.name);
    let action = Action::SetExpected { votes, expected, members: members.to_vec(), written_off: written_off.to_vec() };
    let names: Vec<&str> = written_off.iter().map(|one| one.name.as_str()).collect();
    let names = names.join(", ");
    let mut consequences = vec![
        consequence(ConsequenceCode::QuorumByDecree, &[("votes", votes.to_string()), ("nodes", names.clone())]),
        consequence(ConsequenceCode::SplitIfAlive, &[("nodes", names)]),
    ];
    if let Some(expected) = expected {
        let told = [("votes", votes), ("device", *of_device), ("expected", expected), ("quorum", quorum(expected))];
        let told = told.map(|(name, number)| (name, number.to_string()));
        consequences.push(consequence(ConsequenceCode::QdeviceStillExpected, &told));
    }
    // Who agrees has to see on whose word, or on which answer.
    consequences.extend(written_off.iter().map(|one| match &one.proof {
        DeathProof::Attested { by, how } => {
            let told = [("node", one.name.clone()), ("by", by.clone()), ("how", how.clone())];
            consequence(ConsequenceCode::AttestedOff, &told)
        }
        DeathProof::ReadOff(read) => {
            let told = [
                ("node", one.name.clone()),
                ("bmc", read.bmc.clone()),
                ("at", read.at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()),
                ("command", read.command.clone()),
                ("answer", read.answer.clone()),
            ];
            consequence(ConsequenceCode::ReadOff, &told)
        }
    }));
    let guests: Vec<String> = written_off.iter().flat_map(|one| &one.guests).map(u32::to_string).collect();
    if !guests.is_empty() {
        consequences.push(consequence(ConsequenceCode::GuestsMayRunTwice, &[("guests", guests.join(", "))]));
    }
    let services: Vec<&str> = written_off.iter().flat_map(|one| &one.services).map(String::as_str).collect();
    if !services.is_empty() {
        consequences.push(consequence(ConsequenceCode::ServicesRecovered, &[("services", services.join(", "))]));
    }
    consequences.push(consequence(ConsequenceCode::ExpectedRisesAgain, &[]));
    Ok(frozen(intent, world, Risk::Destructive, target, vec![step(node, action)], consequences))
}
