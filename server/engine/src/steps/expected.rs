//! `pvecm expected`: everything is asked again seconds before, and its exit code proves nothing.

use super::{Probe, StepContext, StepResult, Stop};
use crate::audit::shown;
use crate::context::store_problem;
use crate::evidence::{answer, unreadable};
use crate::limits::{AUDIT_SILENCE_MAX_CHARS, POLL_PAUSE};
use crate::ports::Output;
use crate::recovery::{members_of, reached};
use futures::future::join_all;
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::bmc::Binding;
use model::facts::{CorosyncConf, QuorumStatus};
use model::inventory::Node;
use model::lowering::{AFTER, BEFORE, DETAIL_MOMENT, DETAIL_SILENT_TO, DETAIL_UNASKED};
use model::problem::{Problem, ProblemCode};
use model::recovery::counted::united;
use model::recovery::{Absent, DeathProof, Recovery, WrittenOff};
use pve::{cmap, files, pvecm, quorumtool};

/// What the step is to come to.
#[derive(Debug, Clone, Copy)]
pub struct Aim {
    /// The argument of the command: the votes that were present when it was planned.
    votes: u32,
    /// What corosync expects afterwards: more, where a QDevice has votes that it does not cast.
    expected: u32,
}

impl Aim {
    pub fn of(votes: u32, expected: Option<u32>) -> Self {
        Self { votes, expected: expected.unwrap_or(votes) }
    }

    /// *Quorate, and expected is exactly that number*, with the votes of the plan; a QDevice that has found its voice since
    /// is no harm.
    fn is_reached(self, status: &QuorumStatus) -> bool {
        let of_nodes = status.total_votes.saturating_sub(status.qdevice_votes.unwrap_or(0));
        let as_planned = status.total_votes == self.votes || of_nodes == self.votes;
        status.quorate && status.expected_votes == self.expected && as_planned
    }
}

/// Done, needed, or refused: the same questions as when it was planned, for the world may have moved since.
pub async fn probe(
    context: &StepContext<'_>,
    aim: Aim,
    members: &[String],
    written_off: &[WrittenOff],
) -> StepResult<Probe> {
    let node = context.node(context.step.node).await?;
    let ((status, output), conf) = futures::try_join!(quorum(context, &node), conf(context, &node))?;
    if aim.is_reached(&status) {
        // It may be this very step that did it, before the console ended.
        note(context, &node, AFTER, &members_of(&status, &conf), (&status, &output)).await?;
        return Ok(Probe::AlreadyDone);
    }
    let moved = |what: &str| Stop::Failed(Problem::new(ProblemCode::WorldChanged).with("what", what));
    if status.total_votes != aim.votes {
        return Err(moved("votes"));
    }
    if reached(aim.votes, &status, &conf) != aim.expected {
        return Err(moved("QDevice"));
    }
    if members_of(&status, &conf) != members {
        return Err(moved("members"));
    }
    ask_bmcs(context, written_off).await?;
    let (cluster, id) = (context.operation.cluster, context.operation.id);
    let now = context.engine.recovery_after(cluster, written_off, Some(id)).await.map_err(Stop::Parked)?;
    if let Some(obstacle) = now.obstacles().into_iter().next() {
        // What could not be read now may be read later, and the watchdogs run out; everything else is known.
        let passes = [&now.unread, &now.conf_unread, &now.fencing].iter().any(|one| one.as_ref() == Some(&obstacle));
        return Err(if passes { Stop::Parked(obstacle) } else { Stop::Failed(obstacle) });
    }
    if !same_nodes(&now, written_off) {
        return Err(moved("absent nodes"));
    }
    still_off(&now, written_off)?;
    let mut entry = seen(context, &node, BEFORE, members, (&status, &output)).await;
    entry.details.extend(silence(&now.absent));
    write(context, entry).await?;
    Ok(Probe::Needed)
}

/// What the command rests on: of each absent node, who knocked at it and heard nothing, and who could not.
fn silence(absent: &[Absent]) -> Vec<(String, String)> {
    let silent = absent.iter().map(|node| match node.silent_to.as_slice() {
        // Its BMC alone has proven it off.
        [] => format!("{}: –", node.name),
        knocked => format!("{}: {}", node.name, knocked.join(", ")),
    });
    let unasked = absent.iter().filter(|node| !node.unasked.is_empty()).map(|node| {
        let by = node.unasked.iter().map(|one| format!("{} ({})", one.by, one.problem.code.as_str()));
        format!("{}: {}", node.name, by.collect::<Vec<_>>().join(", "))
    });
    let details = [(DETAIL_SILENT_TO, bounded(silent)), (DETAIL_UNASKED, bounded(unasked))];
    let told = details.into_iter().filter(|(_, value)| !value.is_empty());
    told.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn bounded(nodes: impl Iterator<Item = String>) -> String {
    let whole = nodes.collect::<Vec<_>>().join("; ");
    match whole.char_indices().nth(AUDIT_SILENCE_MAX_CHARS) {
        Some((end, _)) => format!("{}…", whole.get(..end).unwrap_or_default()),
        None => whole,
    }
}

/// Every bound BMC of an absent node is asked once more, also where a person attests: one that says *on* is heard.
async fn ask_bmcs(context: &StepContext<'_>, written_off: &[WrittenOff]) -> StepResult<()> {
    let (engine, cluster) = (context.engine, context.operation.cluster);
    let parked = |error| Stop::Parked(store_problem(&error));
    let nodes = engine.store.nodes(cluster).await.map_err(parked)?;
    let absent = |id| {
        let node = nodes.iter().find(|node| node.id == id);
        node.is_some_and(|node| written_off.iter().any(|one| Some(&one.name) == node.name.as_ref()))
    };
    let bmcs = engine.store.bmcs(cluster).await.map_err(parked)?;
    let asked = bmcs
        .iter()
        .filter(|bmc| matches!(bmc.binding, Binding::Bound { .. }) && absent(bmc.node))
        .map(|bmc| engine.ask_power(bmc.node));
    join_all(asked).await.into_iter().collect::<Result<Vec<_>, _>>().map_err(Stop::Parked)?;
    engine.hold_evidence(context.operation).await;
    Ok(())
}

/// What a BMC proved when the plan was made it has to say again, as the BMC of the same machine.
fn still_off(now: &Recovery, written_off: &[WrittenOff]) -> StepResult<()> {
    for one in written_off {
        let DeathProof::ReadOff(then) = &one.proof else { continue };
        let seen = now.absent.iter().find(|node| node.name == one.name).and_then(|node| node.bmc.as_ref());
        if seen.and_then(|seen| seen.proof.as_ref()).is_some_and(|read| read.uuid == then.uuid) {
            continue;
        }
        let problem = seen.and_then(|seen| seen.problem.clone());
        let missing = || Problem::new(ProblemCode::BmcMissing).with("node", &one.name);
        return Err(Stop::Failed(problem.unwrap_or_else(missing)));
    }
    Ok(())
}

/// Its corosync.conf with what its corosync counts by: the file may have been edited since.
async fn conf(context: &StepContext<'_>, node: &Node) -> StepResult<CorosyncConf> {
    let conf = context.conf(node, &files::local_corosync_conf()).await?;
    let none = || Stop::Failed(Problem::new(ProblemCode::NotInCluster).with("node", node.label()));
    let conf = conf.ok_or_else(none)?;
    let output = context.read(node, &cmap::map()).await?;
    let running = cmap::conf(answer(&output)).map_err(|error| Stop::Parked(unreadable(&error, node.label())))?;
    Ok(united(&conf, [&running]))
}

/// Into the audit, and not among the evidence alone: what the votes were before and after is asked years later.
pub async fn note(
    context: &StepContext<'_>,
    node: &Node,
    moment: &str,
    members: &[String],
    told: (&QuorumStatus, &Output),
) -> StepResult<()> {
    write(context, seen(context, node, moment, members, told).await).await
}

async fn write(context: &StepContext<'_>, entry: AuditEntry) -> StepResult<()> {
    context.engine.audit.write(entry).await.map_err(|error| Stop::Parked(store_problem(&error)))
}

async fn seen(
    context: &StepContext<'_>,
    node: &Node,
    moment: &str,
    members: &[String],
    (status, output): (&QuorumStatus, &Output),
) -> AuditEntry {
    let (code, done) = (AuditCode::QuorumSeen, Outcome::Success);
    let mut entry = context.engine.operation_entry(context.operation, code, context.who, done).await;
    entry.node = Some(node.label().to_owned());
    entry.step = Some(context.index);
    entry.command = Some(quorumtool::status().display());
    entry.exit = output.exit;
    entry.output = shown(output);
    let details = [
        (DETAIL_MOMENT, moment.to_owned()),
        ("quorate", if status.quorate { "yes" } else { "no" }.to_owned()),
        ("expected", status.expected_votes.to_string()),
        ("votes", status.total_votes.to_string()),
        ("quorum", status.quorum.to_string()),
        ("members", members.join(", ")),
    ];
    entry.details.extend(details.map(|(name, value)| (name.to_owned(), value)));
    entry
}

/// Somebody joined or left since the plan: then other people have to be asked about other nodes.
fn same_nodes(now: &Recovery, written_off: &[WrittenOff]) -> bool {
    let absent = now.absent.iter().map(|node| node.name.as_str());
    absent.eq(written_off.iter().map(|node| node.name.as_str()))
}

pub async fn act(context: &StepContext<'_>, votes: u32) -> StepResult<()> {
    let node = context.node(context.step.node).await?;
    let output = context.change(&node, &pvecm::expected(votes)).await?;
    // Its words may say no where its exit code does not; its silence proves nothing.
    match pve::outcome::expected(answer(&output)) {
        None => Ok(()),
        Some(words) => {
            Err(Stop::Failed(Problem::new(ProblemCode::ExpectedRefused).with("node", node.label()).quoting(words)))
        }
    }
}

pub async fn prove(context: &StepContext<'_>, aim: Aim) -> StepResult<()> {
    let node = context.node(context.step.node).await?;
    loop {
        let (status, output) = quorum(context, &node).await?;
        if aim.is_reached(&status) {
            let members = members_of(&status, &conf(context, &node).await?);
            return note(context, &node, AFTER, &members, (&status, &output)).await;
        }
        tokio::time::sleep(POLL_PAUSE).await;
    }
}

/// A node that does not say what its quorum is parks the step: nothing is known.
pub async fn quorum(context: &StepContext<'_>, node: &Node) -> StepResult<(QuorumStatus, Output)> {
    let output = context.read(node, &quorumtool::status()).await?;
    let status = quorumtool::quorum(answer(&output));
    let status = status.map_err(|error| Stop::Parked(unreadable(&error, node.label())))?;
    Ok((status, output))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::recovery::Unasked;

    fn absent(name: &str, silent_to: &[&str], unasked: &[&str]) -> Absent {
        let unasked =
            unasked.iter().map(|by| Unasked { by: (*by).to_owned(), problem: ProblemCode::Unreachable.into() });
        Absent {
            name: name.to_owned(),
            id: None,
            votes: 1,
            addresses: Vec::new(),
            answers: Vec::new(),
            own_view: None,
            guests: None,
            services: None,
            silent_to: silent_to.iter().map(|by| (*by).to_owned()).collect(),
            unasked: unasked.collect(),
            bmc: None,
        }
    }

    #[test]
    fn who_heard_nothing_and_who_could_not_ask_is_said_of_each() {
        let all = [absent("pve2", &["console", "pve1"], &[]), absent("pve3", &[], &["pve1", "qnetd1"])];
        let told = silence(&all);
        let [(silent_to, silent), (unasked, deaf)] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((silent_to.as_str(), silent.as_str()), ("silent_to", "pve2: console, pve1; pve3: –"));
        assert_eq!((unasked.as_str(), deaf.as_str()), ("unasked", "pve3: pve1 (unreachable), qnetd1 (unreachable)"));
        assert_eq!(silence(&all[..1]).len(), 1, "where everybody could ask nothing is said of it");
    }

    #[test]
    fn many_names_are_cut() {
        let name = "n".repeat(AUDIT_SILENCE_MAX_CHARS);
        let told = silence(&[absent(&name, &["console"], &[])]);
        assert_eq!(told[0].1.chars().count(), AUDIT_SILENCE_MAX_CHARS + 1);
        assert!(told[0].1.ends_with('…'));
    }
}
