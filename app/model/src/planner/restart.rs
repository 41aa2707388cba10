//! Restarting corosync on one node: its vote is missing for a moment, and nothing else may hang on it.

use super::{PlanWorld, consequence, frozen, step};
use crate::ids::NodeId;
use crate::inventory::{ClusterPhase, Purpose};
use crate::plan::{Action, Consequence, ConsequenceCode, Intent, Plan};
use crate::problem::{Problem, ProblemCode};
use crate::remedy::{CorosyncLook, Look};
use crate::risk::Risk;

pub(super) fn corosync(intent: &Intent, id: NodeId, world: &PlanWorld<'_>) -> Result<Plan, Problem> {
    if world.cluster.phase != ClusterPhase::Live {
        return Err(ProblemCode::NotInCluster.into());
    }
    let node = world.node_for(id, Purpose::Member)?;
    let Some(Look::Corosync(look)) = world.look else { return Err(ProblemCode::Internal.into()) };
    let mut consequences: Vec<Consequence> = votes(look, node.label())?.into_iter().collect();
    let unknown = consequences.iter().any(|one| one.code == ConsequenceCode::QuorumNotKnown);
    // Where the quorum goes, it goes on every node of that side.
    let everywhere = unknown || consequences.iter().any(|one| one.code == ConsequenceCode::QuorumLostMeanwhile);
    let counts = look.armed.iter().filter(|name| everywhere || *name == node.label());
    consequences.extend(counts.map(|name| consequence(ConsequenceCode::WatchdogCounts, &[("node", name.clone())])));
    let steps = vec![step(node, Action::RestartCorosync { was: look.run.clone() })];
    let risk = if unknown { Risk::Destructive } else { Risk::Disruptive };
    Ok(frozen(intent, world, risk, node.label().to_owned(), steps, consequences))
}

/// What the missing vote means; an error where it would cost a quorum that somebody else could save first.
fn votes(look: &CorosyncLook, node: &str) -> Result<Option<Consequence>, Problem> {
    let own = look.told.iter().find(|one| one.quorate && one.members.contains(&look.own_id));
    let Some(side) = own else {
        if look.told.iter().any(|one| one.quorate) {
            // The quorate side goes on without it anyway.
            return Ok(None);
        }
        // Silence of its own corosync is no answer: only who has it on a side without quorum speaks for it then.
        let spoken_for = look.told.iter().any(|one| one.members.contains(&look.own_id));
        let unknown = look.own_untold && !spoken_for;
        // Where nobody is quorate, this may be what brings the quorum back.
        let code = if unknown { ConsequenceCode::QuorumNotKnown } else { ConsequenceCode::ExpectedIsLast };
        return Ok(Some(consequence(code, &[("node", node.to_owned())])));
    };
    let after = side.votes.saturating_sub(look.own_votes);
    let told = [("node", node.to_owned()), ("votes", after.to_string()), ("quorum", side.quorum.to_string())];
    if after >= side.quorum {
        return Ok(Some(consequence(ConsequenceCode::VoteMissingMeanwhile, &told)));
    }
    let complete = side.members.len() >= look.configured && !look.device_missing;
    if complete {
        // Nobody is absent who could lend a vote: two nodes without a QDevice have no other way.
        return Ok(Some(consequence(ConsequenceCode::QuorumLostMeanwhile, &told)));
    }
    let [(_, node), (_, votes), (_, quorum)] = told;
    let refused = Problem::new(ProblemCode::RestartCostsQuorum);
    Err(refused.with("node", node).with("votes", votes).with("quorum", quorum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remedy::SideTold;

    fn told(members: &[u32], quorate: bool, quorum: u32) -> SideTold {
        let votes = u32::try_from(members.len()).expect("few");
        SideTold { quorate, votes, quorum, members: members.to_vec() }
    }

    fn look(configured: usize, told: Vec<SideTold>) -> CorosyncLook {
        CorosyncLook {
            run: None,
            armed: Vec::new(),
            own_id: 1,
            own_votes: 1,
            own_untold: false,
            configured,
            device_missing: false,
            told,
        }
    }

    fn code(look: &CorosyncLook) -> Result<Option<ConsequenceCode>, ProblemCode> {
        votes(look, "pve1").map(|one| one.map(|one| one.code)).map_err(|problem| problem.code)
    }

    #[test]
    fn a_vote_too_many_is_missed_by_nobody() {
        let three = look(3, vec![told(&[1, 2, 3], true, 2)]);
        assert_eq!(code(&three), Ok(Some(ConsequenceCode::VoteMissingMeanwhile)));
        let said = votes(&three, "pve1").expect("planned").expect("said");
        assert_eq!((said.params["votes"].as_str(), said.params["quorum"].as_str()), ("2", "2"));
    }

    #[test]
    fn a_quorum_that_somebody_absent_could_save_is_not_given_away() {
        let broken = look(3, vec![told(&[1, 2], true, 2)]);
        assert_eq!(code(&broken), Err(ProblemCode::RestartCostsQuorum));
        let deaf = CorosyncLook { device_missing: true, ..look(2, vec![told(&[1, 2], true, 2)]) };
        assert_eq!(code(&deaf), Err(ProblemCode::RestartCostsQuorum));
    }

    #[test]
    fn where_there_is_no_other_way_it_is_said() {
        assert_eq!(code(&look(2, vec![told(&[1, 2], true, 2)])), Ok(Some(ConsequenceCode::QuorumLostMeanwhile)));
        assert_eq!(code(&look(1, vec![told(&[1], true, 1)])), Ok(Some(ConsequenceCode::QuorumLostMeanwhile)));
        assert_eq!(code(&look(3, vec![told(&[1], false, 2)])), Ok(Some(ConsequenceCode::ExpectedIsLast)));
        assert_eq!(code(&look(3, vec![])), Ok(Some(ConsequenceCode::ExpectedIsLast)), "its corosync does not run");
    }

    #[test]
    fn a_corosync_that_does_not_say_is_not_taken_for_one_without_quorum() {
        let hangs = |told| CorosyncLook { own_untold: true, ..look(3, told) };
        assert_eq!(code(&hangs(vec![])), Ok(Some(ConsequenceCode::QuorumNotKnown)));
        let apart = hangs(vec![told(&[2], false, 2)]);
        assert_eq!(code(&apart), Ok(Some(ConsequenceCode::QuorumNotKnown)), "its own side was not heard");
        // The others' answers decide where they tell.
        assert_eq!(code(&hangs(vec![told(&[1, 2], false, 3)])), Ok(Some(ConsequenceCode::ExpectedIsLast)));
        assert_eq!(code(&hangs(vec![told(&[2, 3], true, 2)])), Ok(None));
        assert_eq!(code(&hangs(vec![told(&[1, 2, 3], true, 2)])), Ok(Some(ConsequenceCode::VoteMissingMeanwhile)));
        assert_eq!(code(&hangs(vec![told(&[1, 2], true, 2)])), Err(ProblemCode::RestartCostsQuorum));
    }

    #[test]
    fn a_node_that_the_others_do_without_costs_nothing() {
        let apart = look(3, vec![told(&[1], false, 2), told(&[2, 3], true, 2)]);
        assert_eq!(code(&apart), Ok(None));
    }
}
