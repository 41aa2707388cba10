//! `pvecm qdevice remove` on the first member.

use super::qdevice::all_online;
use super::{Probe, StepContext, StepResult, Stop, unit};
use crate::context::store_problem;
use crate::evidence::answer;
use crate::limits::POLL_PAUSE;
use model::facts::{CorosyncConf, QuorumStatus};
use model::inventory::{Node, Purpose};
use model::problem::{Problem, ProblemCode};
use pve::files;
use pve::outcome::{self, RemovalOutcome};

/// Those that the cluster lists: a node of the draft that has still to join has neither votes nor a configuration.
async fn members(context: &StepContext<'_>, conf: &CorosyncConf) -> StepResult<Vec<Node>> {
    let nodes = context.engine.store.nodes(context.operation.cluster).await;
    let mut nodes = nodes.map_err(|error| Stop::Parked(store_problem(&error)))?;
    nodes.retain(|node| node.purpose == Purpose::Member && conf.nodes.iter().any(|one| one.name == node.label()));
    Ok(nodes)
}

pub async fn probe(context: &StepContext<'_>) -> StepResult<Probe> {
    let first = context.node(context.step.node).await?;
    if unit::attached(context, &first).await? {
        return Ok(Probe::Needed);
    }
    let conf = context.members_conf(&first).await?;
    if conf.qdevice.is_none() {
        let members = members(context, &conf).await?;
        return if gone_everywhere(context, &members).await? {
            Ok(Probe::AlreadyDone)
        } else {
            // It is out of the configuration and still counts somewhere: what is missing is for a person to see.
            Err(Stop::Parked(Problem::new(ProblemCode::QdeviceHalfway)))
        };
    }
    // `pvecm` refuses while any node is offline; and without the device every vote is needed.
    all_online(context, &first, conf.nodes.len()).await?;
    Ok(Probe::Needed)
}

pub async fn act(context: &StepContext<'_>) -> StepResult<()> {
    let first = context.node(context.step.node).await?;
    let command = pve::pvecm::qdevice_remove();
    let output = unit::run(context, &first, &command).await?;
    let problem = |code: ProblemCode, text: String| {
        Problem::new(code)
            .with("node", first.label())
            .with("what", command.display())
            .with("exit", output.exit.unwrap_or(-1))
            .quoting(text)
    };
    match outcome::qdevice_removal(answer(&output)) {
        RemovalOutcome::Removed => Ok(()),
        RemovalOutcome::Refused { text } => Err(Stop::Failed(problem(ProblemCode::CommandFailed, text))),
        RemovalOutcome::Unclear { text } => Err(Stop::Parked(problem(ProblemCode::CommandFailed, text))),
    }
}

/// No member's configuration names it, and every member counts with the nodes' own votes.
pub async fn prove(context: &StepContext<'_>) -> StepResult<()> {
    let first = context.node(context.step.node).await?;
    let members = members(context, &context.members_conf(&first).await?).await?;
    while !gone_everywhere(context, &members).await? {
        tokio::time::sleep(POLL_PAUSE).await;
    }
    Ok(())
}

async fn gone_everywhere(context: &StepContext<'_>, members: &[Node]) -> StepResult<bool> {
    for node in members {
        let conf = context.conf(node, &files::local_corosync_conf()).await?;
        let status = context.quorum(node).await?;
        if !status.zip(conf).is_some_and(|(status, conf)| is_gone(&status, &conf)) {
            return Ok(false);
        }
    }
    Ok(!members.is_empty())
}

/// The node counts with what its own configuration gives the nodes: a node may have more votes than one.
fn is_gone(status: &QuorumStatus, conf: &CorosyncConf) -> bool {
    let of_nodes = conf.nodes.iter().fold(0, |sum: u32, node| sum.saturating_add(node.votes));
    conf.qdevice.is_none() && status.quorate && status.expected_votes == of_nodes
}

#[cfg(test)]
mod tests {
    use super::*;
    use pve::corosync_conf;
    use std::collections::BTreeSet;

    fn status(expected_votes: u32) -> QuorumStatus {
        QuorumStatus {
            nodes: 2,
            node_id: 1,
            ring_id: "1.9".into(),
            quorate: true,
            expected_votes,
            highest_expected: expected_votes,
            total_votes: 3,
            quorum: model::quorum::quorum(expected_votes),
            blocked: false,
            flags: BTreeSet::new(),
            members: Vec::new(),
            qdevice_votes: None,
        }
    }

    fn conf(device: &str) -> CorosyncConf {
        let node = |n: u8, votes: u8| {
            format!("node {{\nname: pve{n}\nnodeid: {n}\nquorum_votes: {votes}\nring0_addr: 10.0.1.{n}\n}}\n")
        };
        let nodes = node(1, 2) + &node(2, 1);
        let totem = "totem {\ncluster_name: prod\nconfig_version: 3\n}\n";
        let text = format!("{totem}nodelist {{\n{nodes}}}\nquorum {{\nprovider: corosync_votequorum\n{device}}}\n");
        corosync_conf::read(&text).expect("readable")
    }

    #[test]
    fn a_node_with_two_votes_counts_as_two() {
        assert!(is_gone(&status(3), &conf("")), "the nodes' votes, not their number");
        assert!(!is_gone(&status(2), &conf("")));
        assert!(!is_gone(&status(4), &conf("")), "the device's vote is still expected");
        assert!(!is_gone(&status(3), &conf("device {\nmodel: net\nvotes: 1\n}\n")));
    }
}
