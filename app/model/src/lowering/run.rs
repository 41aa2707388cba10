//! Where an operation runs `pvecm expected`: as what it is for, or on the way to something else.

use super::first;
use crate::audit::{AuditCode, ChainedEntry, Outcome};
use crate::operation::{Operation, OperationState, StepStatus};
use crate::plan::{Action, Intent};
use crate::problem::ProblemCode;
use jiff::Timestamp;

pub(super) struct Run<'a> {
    /// Index of its step.
    pub step: u16,
    pub votes: u32,
    /// Names of the side that goes on.
    pub members: Vec<String>,
    /// Names of the nodes that it goes on without.
    pub gone: Vec<&'a str>,
}

impl<'a> Run<'a> {
    /// `None` where none of its steps lowers votes.
    pub fn of(operation: &'a Operation) -> Option<Self> {
        if let Intent::SetExpected { votes, members, written_off, .. } = &operation.plan.intent {
            let gone = written_off.iter().map(|node| node.name.as_str()).collect();
            return Some(Self { step: 0, votes: *votes, members: members.clone(), gone });
        }
        (0..).zip(&operation.plan.steps).find_map(|(index, step)| match &step.action {
            Action::RegainQuorum { votes, without_name, .. } => {
                let (members, gone) = (vec![step.node_name.clone()], vec![without_name.as_str()]);
                Some(Self { step: index, votes: *votes, members, gone })
            }
            _ => None,
        })
    }

    /// What is told of the operation as a whole and of this step, oldest first; not what other steps did.
    pub fn entries<'b>(&self, operation: &Operation, all: &'b [ChainedEntry]) -> Vec<&'b ChainedEntry> {
        let is_its = |one: &&ChainedEntry| {
            one.entry.operation == Some(operation.id) && one.entry.step.is_none_or(|step| step == self.step)
        };
        let mut entries: Vec<&ChainedEntry> = all.iter().filter(is_its).collect();
        entries.sort_by_key(|one| one.index);
        entries
    }

    /// When it was proven that the votes are lowered: with the operation, where that is all it is for, or with its step.
    pub fn proven(&self, operation: &Operation, entries: &[&ChainedEntry]) -> Option<Timestamp> {
        if matches!(operation.plan.intent, Intent::SetExpected { .. }) {
            let is_proof = |one: &&&ChainedEntry| {
                one.entry.code == AuditCode::OperationFinished && one.entry.outcome == Outcome::Success
            };
            return entries.iter().find(is_proof).map(|one| one.entry.at);
        }
        // A step that found a quorum has lowered nothing.
        first(entries, AuditCode::CommandStarted)?;
        match operation.steps.get(usize::from(self.step)) {
            Some(StepStatus::Proven { at, .. }) => Some(*at),
            _ => None,
        }
    }
}

/// Names of the side whose votes an operation lowers; `None` where it lowers none.
#[must_use]
pub fn lowered_side(operation: &Operation) -> Option<Vec<String>> {
    Run::of(operation).map(|run| run.members)
}

/// Since when the votes of a cluster may be lowered by an operation: since its proof, or, where it has none, since its command
/// was begun. `None` where nothing was begun, or corosync itself has said no. Entries in any order.
#[must_use]
pub fn may_be_lowered_since(operation: &Operation, entries: &[ChainedEntry]) -> Option<Timestamp> {
    let run = Run::of(operation)?;
    let entries = run.entries(operation, entries);
    let command = first(&entries, AuditCode::CommandStarted).map(|(_, at)| at);
    run.proven(operation, &entries).or(command).filter(|_| !is_refused(&operation.state))
}

/// Corosync's own words say no.
pub(super) fn is_refused(state: &OperationState) -> bool {
    matches!(state, OperationState::Failed { problem, .. } if problem.code == ProblemCode::ExpectedRefused)
}
