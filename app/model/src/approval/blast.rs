//! What a plan does to the votes, as far as what is known tells.

use super::facts::GuestList;
use crate::observation::Freshness;
use crate::plan::{Intent, Plan};
use crate::planner::PlanWorld;
use crate::quorum::{qdevice_votes, quorum};
use crate::topology::{Partition, QdeviceState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Votes and quorum, now and after; `None` where it is not known.
///
/// `quorum_after = floor(expected_after / 2) + 1` (`exec/votequorum.c`), `margin = votes - quorum`: how many further
/// votes may be lost; below zero the cluster stands still.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blast {
    pub votes_now: Option<u32>,
    pub quorum_now: Option<u32>,
    pub votes_after: Option<u32>,
    pub quorum_after: Option<u32>,
    pub margin_after: Option<i64>,
    /// The smallest margin on the way, when a step has raised the expected votes and the new vote is not there yet.
    pub margin_meanwhile: Option<i64>,
    /// Guests on the machines that the plan stops or cuts off.
    pub guests: Option<u32>,
    /// Their numbers.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub guest_ids: BTreeSet<u32>,
}

/// One vote each: what `pvecm create` and `pvecm add` give a node by themselves.
const VOTES_OF_NEW_NODE: u32 = 1;

impl Blast {
    /// Of a plan in the world that it was made for.
    #[must_use]
    pub fn of(plan: &Plan, world: &PlanWorld<'_>, guests: Option<&GuestList>) -> Self {
        let told = world
            .snapshot
            .and_then(|snapshot| snapshot.quorum.as_ref())
            .filter(|aged| aged.freshness != Freshness::Unknown)
            .map(|aged| &aged.fact.value);
        let now = Self {
            votes_now: told.map(|one| one.total_votes),
            quorum_now: told.map(|one| one.quorum),
            ..Self::default()
        };
        let affected = affected(plan, guests);
        let count = affected.as_ref().map(|all| u32::try_from(all.len()).unwrap_or(u32::MAX));
        let now = Self { guests: count, guest_ids: affected.unwrap_or_default(), ..now };
        match &plan.intent {
            Intent::CreateCluster { .. } => now.reaching(VOTES_OF_NEW_NODE, VOTES_OF_NEW_NODE),
            Intent::JoinNodes { joiners, .. } => {
                told.map_or_else(|| now.clone(), |told| now.clone().joined(told, joiners.len()))
            }
            Intent::SetUpQdevice { .. } => {
                let nodes = told.map_or(0, |told| u32::try_from(told.members.len()).unwrap_or(u32::MAX));
                told.map_or_else(|| now.clone(), |told| now.clone().raised(told, qdevice_votes(nodes)))
            }
            Intent::Withdraw { .. } => told.map_or_else(|| now.clone(), |told| now.clone().raised(told, 0)),
            Intent::RemoveQdevice => told
                .zip(world.snapshot.and_then(|snapshot| snapshot.qdevice.as_ref()))
                .map_or_else(|| now.clone(), |(told, device)| now.clone().without_device(told, &device.fact.value)),
            Intent::SetExpected { votes, .. } => now.reaching(*votes, plan.lowered_to().unwrap_or(*votes)),
            Intent::PowerOff { node, .. } | Intent::PowerCycle { node, .. } => {
                let own = world.votes_cast_by(*node);
                told.zip(own).map_or_else(
                    || now.clone(),
                    |(told, own)| now.clone().moved(told, told.total_votes.saturating_sub(own), told.expected_votes),
                )
            }
            Intent::RestartCorosync { node } => {
                let state = world.snapshot.and_then(|one| one.nodes.iter().find(|state| state.id == Some(*node)));
                let own = state.and_then(|state| state.votes).unwrap_or(1);
                told.map_or_else(|| now.clone(), |told| now.clone().without_for_a_moment(told, own))
            }
            // What is not reckoned is not known.
            _ => now,
        }
    }

    fn joined(self, told: &Partition, joiners: usize) -> Self {
        let new = u32::try_from(joiners).unwrap_or(u32::MAX).saturating_mul(VOTES_OF_NEW_NODE);
        // While the first of them joins, it is expected and does not vote yet; each further one finds a vote more.
        let meanwhile = margin(told.total_votes, quorum(told.expected_votes.saturating_add(VOTES_OF_NEW_NODE)));
        Self { margin_meanwhile: Some(meanwhile), ..self.raised(told, new) }
    }

    /// The votes are the same afterwards; in between those of one node are missing.
    fn without_for_a_moment(self, told: &Partition, own: u32) -> Self {
        let meanwhile = margin(told.total_votes.saturating_sub(own), told.quorum);
        Self { margin_meanwhile: Some(meanwhile), ..self.raised(told, 0) }
    }

    /// What it casts goes from those present; what it is configured with was expected, cast or not.
    fn without_device(self, told: &Partition, device: &QdeviceState) -> Self {
        let votes = told.total_votes.saturating_sub(told.qdevice_votes.unwrap_or(0));
        self.moved(told, votes, told.expected_votes.saturating_sub(device.configured_votes))
    }

    fn raised(self, told: &Partition, votes: u32) -> Self {
        self.moved(told, told.total_votes.saturating_add(votes), told.expected_votes.saturating_add(votes))
    }

    /// Where as many votes are expected as now, the quorum is what the nodes say: with `two_node` it is no half.
    fn moved(self, told: &Partition, votes: u32, expected: u32) -> Self {
        if expected == told.expected_votes {
            self.left_with(votes, told.quorum)
        } else {
            self.reaching(votes, expected)
        }
    }

    fn reaching(self, votes: u32, expected: u32) -> Self {
        self.left_with(votes, quorum(expected))
    }

    fn left_with(self, votes: u32, quorum: u32) -> Self {
        Self { votes_after: Some(votes), quorum_after: Some(quorum), margin_after: Some(margin(votes, quorum)), ..self }
    }
}

/// Joins, the QDevice and a withdrawal leave every guest where it runs; else those of the nodes that the steps change.
fn affected(plan: &Plan, guests: Option<&GuestList>) -> Option<BTreeSet<u32>> {
    match &plan.intent {
        Intent::JoinNodes { .. }
        | Intent::SetUpQdevice { .. }
        | Intent::RemoveQdevice
        | Intent::StartQdevice
        | Intent::Withdraw { .. }
        | Intent::PowerOn { .. } => return Some(BTreeSet::new()),
        // Those that could run twice.
        Intent::SetExpected { written_off, .. } => {
            return Some(written_off.iter().flat_map(|one| one.guests.iter().copied()).collect());
        }
        _ => {}
    }
    let guests = guests?;
    let nodes: BTreeSet<&str> = plan.steps.iter().map(|step| step.node_name.as_str()).collect();
    Some(nodes.into_iter().filter_map(|node| guests.get(node)).flatten().copied().collect())
}

const fn margin(votes: u32, quorum: u32) -> i64 {
    votes as i64 - quorum as i64
}
