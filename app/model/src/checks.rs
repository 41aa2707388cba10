//! The prerequisites, one file per check. Pure: what the nodes said in, one cell per check and node out.
//!
//! A fact that is missing is an error, and an error is never a pass.

mod clocks;
#[cfg(test)]
pub(crate) mod fixture;
mod host_names;
mod hosts_file;
mod hosts_line;
mod management_network;
mod no_guests;
mod ports;
mod root_ssh;
mod same_version;
mod sheet;
#[cfg(test)]
mod tests;

use crate::links::LinkPlan;
use crate::preflight::{Cell, CheckId, NodeEvidence};

/// Fills the matrix: one cell per check and node, in the order of [`CheckId::ALL`], then of the nodes.
///
/// `links_planned` are the links that people have chosen, if they have: then a network that shall not carry corosync
/// may lose its packets with a warning. Without a choice every network that all nodes share has to work.
#[must_use]
pub fn judge(nodes: &[NodeEvidence], links_planned: &[LinkPlan]) -> Vec<Cell> {
    CheckId::ALL.iter().flat_map(|check| row(*check, nodes, links_planned)).collect()
}

fn row(check: CheckId, nodes: &[NodeEvidence], links_planned: &[LinkPlan]) -> Vec<Cell> {
    let each = |judge: &dyn Fn(&NodeEvidence) -> Cell| nodes.iter().map(judge).collect();
    match check {
        CheckId::SameVersion => each(&|node| same_version::judge(node, nodes)),
        CheckId::HostNames => each(&|node| host_names::judge(node, nodes)),
        CheckId::HostsFile => each(&hosts_file::judge),
        CheckId::Clocks => each(&|node| clocks::judge(node, nodes)),
        CheckId::ManagementNetwork => each(&|node| management_network::judge(node, nodes)),
        CheckId::Ports => ports::judge(nodes, links_planned),
        CheckId::RootSsh => each(&root_ssh::judge),
        CheckId::NoGuests => each(&no_guests::judge),
    }
}
