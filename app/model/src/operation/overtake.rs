//! Who may stop an operation, or end it in favour of another one, and in favour of which.

use super::Operation;
use crate::approval::same_person;
use crate::plan::Intent;
use crate::problem::{Problem, ProblemCode};
use crate::role::Role;

impl Operation {
    /// Whether `who` may let it pause, or give it up.
    ///
    /// # Errors
    /// `StopNotYours` for who is neither its owner nor an approver.
    pub fn may_be_stopped(&self, who: &str, role: Role) -> Result<(), Problem> {
        if self.is_answered_for(who, role) {
            return Ok(());
        }
        Err(Problem::new(ProblemCode::StopNotYours).with("by", &self.proposed_by))
    }

    fn is_answered_for(&self, who: &str, role: Role) -> bool {
        same_person(&self.proposed_by, who) || role >= Role::Approver
    }

    /// Whether `who` may end this operation so that `by` can run.
    ///
    /// # Errors
    /// `NothingToOvertake`, `OvertakeNotThis`, or `OvertakeNotYours` for who is neither its owner nor an approver.
    pub fn may_be_overtaken(&self, by: &Intent, who: &str, role: Role) -> Result<(), Problem> {
        if !self.state.holds_cluster() {
            return Err(ProblemCode::NothingToOvertake.into());
        }
        if !by.overtakes() {
            return Err(Problem::new(ProblemCode::OvertakeNotThis).with("intent", by.word()));
        }
        if self.is_answered_for(who, role) {
            return Ok(());
        }
        Err(Problem::new(ProblemCode::OvertakeNotYours).with("by", &self.proposed_by))
    }

    /// The step that was begun and has not ended, where there is one.
    #[must_use]
    pub fn in_flight(&self) -> Option<u16> {
        use super::StepStatus::{Acted, Parked, Started};
        let begun =
            self.steps.iter().position(|status| matches!(status, Started { .. } | Acted { .. } | Parked { .. }));
        begun.and_then(|step| u16::try_from(step).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest;
    use crate::ids::{ClusterId, NodeId, OperationId};
    use crate::operation::{Extent, OperationState, StepStatus};
    use crate::plan::{Action, KeyFile, MaterialFacts, Plan, Step, Undo};
    use crate::risk::Risk;
    use jiff::Timestamp;
    use uuid::Uuid;

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn operation(state: OperationState, steps: Vec<StepStatus>) -> Operation {
        let id = NodeId::from_uuid(Uuid::nil());
        let of = |name: &str, action| Step { node: id, node_name: name.into(), action, commands: Vec::new() };
        let authorize = Action::AuthorizeRootKey { of: id, of_name: "pve2".into(), file: KeyFile::Cluster };
        let plan = Plan {
            cluster: ClusterId::from_uuid(Uuid::nil()),
            intent: Intent::RemoveQdevice,
            risk: Risk::Disruptive,
            target: "prod".into(),
            steps: vec![of("pve2", Action::MakeRootKey), of("pve1", authorize), of("pve2", Action::MakeRootKey)],
            consequences: Vec::new(),
            facts: MaterialFacts {
                cluster_name: None,
                config_version: None,
                members: Vec::new(),
                expected_votes: None,
            },
            acknowledged: Vec::new(),
        };
        Operation {
            id: OperationId::from_uuid(Uuid::nil()),
            cluster: plan.cluster,
            digest: digest::of("test", &plan).expect("a digest"),
            plan,
            reason: String::new(),
            proposed_by: "Anna".into(),
            proposed_at: AT,
            state,
            steps,
            finished_at: None,
        }
    }

    fn expected() -> Intent {
        let through = NodeId::from_uuid(Uuid::nil());
        Intent::SetExpected { through, votes: 1, members: Vec::new(), written_off: Vec::new() }
    }

    #[test]
    fn its_owner_or_an_approver_may_and_nobody_else() {
        let parked = OperationState::Parked { step: 0, problem: ProblemCode::NodeHangs.into() };
        let paused = OperationState::Paused { step: 0, by: "anna".into(), at: AT };
        let pausing = OperationState::Pausing { by: "anna".into(), at: AT };
        for state in [OperationState::Running, parked, paused, pausing] {
            let one = operation(state, Vec::new());
            let code = |who: &str, role| one.may_be_overtaken(&expected(), who, role).err().map(|problem| problem.code);
            assert_eq!(code("anna", Role::Operator), None);
            assert_eq!(code("bert", Role::Operator), Some(ProblemCode::OvertakeNotYours));
            assert_eq!(code("bert", Role::Approver), None);
            assert_eq!(code("bert", Role::Admin), None);
        }
    }

    #[test]
    fn only_what_cannot_wait_overtakes_and_only_what_holds_the_cluster_is() {
        let one = operation(OperationState::Running, Vec::new());
        let refused = one.may_be_overtaken(&Intent::RemoveQdevice, "anna", Role::Admin).expect_err("it can wait");
        assert_eq!(refused.code, ProblemCode::OvertakeNotThis);
        let over = OperationState::Overtaken {
            by: one.id,
            intent: "set_expected".into(),
            who: "anna".into(),
            reason: "night".into(),
            at: AT,
        };
        assert!(over.is_over() && !over.holds_cluster());
        for state in [OperationState::Proposed, OperationState::Done, OperationState::Abandoned, over] {
            let refused = operation(state, Vec::new()).may_be_overtaken(&expected(), "anna", Role::Admin);
            assert_eq!(refused.expect_err("it holds nothing").code, ProblemCode::NothingToOvertake);
        }
    }

    #[test]
    fn what_is_left_behind_is_said_step_by_step() {
        let steps =
            vec![StepStatus::Proven { at: AT, already: true }, StepStatus::Acted { at: AT }, StepStatus::Waiting];
        let one = operation(OperationState::Running, steps);
        let left = one.left_behind();
        let told: Vec<_> = left.iter().map(|one| (one.node.as_str(), one.extent, one.undo)).collect();
        assert_eq!(told, [("pve1", Extent::Halfway, Some(Undo::RemoveLine)), ("pve2", Extent::Unbegun, None)]);
        assert_eq!(one.left_in_words(), "pve1: authorize_root_key halfway; pve2: make_root_key unbegun");
        assert_eq!(one.in_flight(), Some(1));
        let done = operation(OperationState::Running, vec![StepStatus::Proven { at: AT, already: false }; 3]);
        assert!(done.left_behind().iter().all(|one| one.extent == Extent::Done));
        assert_eq!(done.in_flight(), None);
    }
}
