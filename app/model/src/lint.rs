//! What no plan may have, whoever made it: checked before a person sees the plan, and again before it runs.

use crate::ids::NodeId;
use crate::plan::{Action, Intent, LinkArgument, Plan, Step};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use thiserror::Error;

/// The most nodes of a cluster that the console builds.
pub const NODES_MAX: usize = 32;

/// A fault of a plan; steps count from 0.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum LintFault {
    #[error("the plan has no steps")]
    NoSteps,
    #[error("the plan has no target")]
    NoTarget,
    #[error("step {step} names no node")]
    NoNode { step: usize },
    #[error("step {step} has no command, or an empty one")]
    NoCommand { step: usize },
    #[error("a command of step {step} has a control character")]
    ControlCharacter { step: usize },
    #[error("step {step} joins without {missing:?} before it, in the order keys, trust, join")]
    JoinUnprepared { step: usize, missing: JoinNeed },
    #[error("{address} is used twice")]
    AddressTwice { address: IpAddr },
    #[error("{node} shall join itself")]
    JoinsItself { node: NodeId },
    #[error("{node} shall join twice")]
    JoinsTwice { node: NodeId },
    #[error("the cluster would have {nodes} nodes")]
    TooManyNodes { nodes: usize },
}

/// What has to come before a join (`pvecm add --use_ssh`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JoinNeed {
    /// The joiner's root key exists.
    RootKey,
    /// The member accepts that key.
    Authorized,
    /// The joiner knows the member's host keys, at the address that the join uses.
    Trust,
}

/// Every fault of a plan, in the order of its steps; empty means that it may be shown and run.
#[must_use]
pub fn lint(plan: &Plan) -> Vec<LintFault> {
    let mut found = Vec::new();
    if plan.target.trim().is_empty() {
        found.push(LintFault::NoTarget);
    }
    if plan.steps.is_empty() {
        found.push(LintFault::NoSteps);
    }
    for (index, step) in plan.steps.iter().enumerate() {
        lint_step(index, step, &mut found);
        lint_join(index, step, &plan.steps, &mut found);
    }
    lint_addresses(plan, &mut found);
    lint_nodes(plan, &mut found);
    found
}

fn lint_step(step: usize, one: &Step, found: &mut Vec<LintFault>) {
    if one.node_name.trim().is_empty() || one.node.as_uuid().is_nil() {
        found.push(LintFault::NoNode { step });
    }
    if one.commands.is_empty() || one.commands.iter().any(|command| command.trim().is_empty()) {
        found.push(LintFault::NoCommand { step });
    }
    // A line break or an escape would show one command and run another.
    if one.commands.iter().any(|command| command.chars().any(char::is_control)) {
        found.push(LintFault::ControlCharacter { step });
    }
}

/// Keys, then trust, then the join.
fn lint_join(step: usize, one: &Step, steps: &[Step], found: &mut Vec<LintFault>) {
    let Action::JoinCluster { member, member_address, .. } = &one.action else {
        return;
    };
    if one.node == *member {
        found.push(LintFault::JoinsItself { node: one.node });
    }
    let at = |wanted: &dyn Fn(&Step) -> bool| steps.iter().take(step).position(wanted);
    let key = at(&|other| other.node == one.node && other.action == Action::MakeRootKey);
    let authorized = at(&|other| {
        other.node == *member && matches!(&other.action, Action::AuthorizeRootKey { of, .. } if *of == one.node)
    });
    let trust = at(&|other| {
        let knows = matches!(&other.action, Action::TrustHostKeys { of, address, .. } if of == member && address == member_address);
        other.node == one.node && knows
    });
    let needs = [
        (JoinNeed::RootKey, key.is_some()),
        (JoinNeed::Authorized, authorized.is_some() && key < authorized),
        (JoinNeed::Trust, trust.is_some() && authorized < trust),
    ];
    found.extend(
        needs.into_iter().filter(|(_, met)| !met).map(|(missing, _)| LintFault::JoinUnprepared { step, missing }),
    );
}

/// Every address belongs to one node and one link.
fn lint_addresses(plan: &Plan, found: &mut Vec<LintFault>) {
    let mut owners: BTreeMap<IpAddr, BTreeSet<(NodeId, u8)>> = BTreeMap::new();
    for step in &plan.steps {
        for link in link_arguments(&step.action) {
            owners.entry(link.address).or_default().insert((step.node, link.number));
        }
    }
    if let Intent::CreateCluster { links, .. } | Intent::JoinNodes { links, .. } = &plan.intent {
        for link in links {
            for (node, address) in &link.addresses {
                owners.entry(*address).or_default().insert((*node, link.number));
            }
        }
    }
    let twice = owners.into_iter().filter(|(_, users)| users.len() > 1);
    found.extend(twice.map(|(address, _)| LintFault::AddressTwice { address }));
}

fn link_arguments(action: &Action) -> &[LinkArgument] {
    match action {
        Action::CreateCluster { links, .. } | Action::JoinCluster { links, .. } => links,
        _ => &[],
    }
}

fn lint_nodes(plan: &Plan, found: &mut Vec<LintFault>) {
    let Intent::JoinNodes { joiners, member, .. } = &plan.intent else {
        return;
    };
    let mut seen = BTreeSet::new();
    for node in joiners {
        if node == member && !found.contains(&LintFault::JoinsItself { node: *node }) {
            found.push(LintFault::JoinsItself { node: *node });
        }
        if !seen.insert(node) {
            found.push(LintFault::JoinsTwice { node: *node });
        }
    }
    // The member is there even when nobody wrote down who else is.
    let nodes = plan.facts.members.len().max(1) + joiners.len();
    if nodes > NODES_MAX {
        found.push(LintFault::TooManyNodes { nodes });
    }
}

#[cfg(test)]
mod tests;
