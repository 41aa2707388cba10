//! Intent and world in, typed steps out. Pure: same input, same plan.
//!
//! The commands of each step are filled in by the crate that builds command lines; a plan is frozen only after that.

mod console;
mod midway;
mod power;
mod qdevice;
mod recovery;
mod remedy;
mod restart;
#[cfg(test)]
mod tests;

use crate::ids::NodeId;
use crate::inventory::{Cluster, ClusterPhase, Node, Purpose};
use crate::links::LinkPlan;
use crate::observation::Freshness;
use crate::plan::{
    Action, Consequence, ConsequenceCode, Intent, KeyFile, LinkArgument, MaterialFacts, Plan, QDEVICE_STORE, Step,
};
use crate::problem::{Problem, ProblemCode};
use crate::quorum::{QdeviceAdvice, forecast, qdevice_advice, qdevice_votes};
use crate::remedy::Look;
use crate::risk::Risk;
use crate::topology::Snapshot;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What the planner knows.
#[derive(Debug, Clone, Copy)]
pub struct PlanWorld<'a> {
    pub cluster: &'a Cluster,
    pub nodes: &'a [Node],
    pub snapshot: Option<&'a Snapshot>,
    /// What was read for this very intent, where one needs more than what is known.
    pub look: Option<&'a Look>,
}

impl<'a> PlanWorld<'a> {
    fn node(&self, id: NodeId) -> Result<&'a Node, Problem> {
        self.nodes.iter().find(|node| node.id == id).ok_or_else(|| ProblemCode::NotFound.into())
    }

    /// A machine that was added for this purpose: a QDevice's host in a nodelist, or a member as its own witness,
    /// would turn the votes into something else than people believe.
    fn node_for(&self, id: NodeId, purpose: Purpose) -> Result<&'a Node, Problem> {
        let node = self.node(id)?;
        if node.purpose == purpose {
            return Ok(node);
        }
        let code = match purpose {
            Purpose::Member => ProblemCode::NotANode,
            Purpose::Qnetd => ProblemCode::NotAQnetdHost,
            // No plan asks for one.
            Purpose::Jump => ProblemCode::Internal,
        };
        Err(Problem::new(code).with("node", node.label()))
    }

    /// The votes that a machine casts now; 0 where it is not among the members, `None` where that is not known.
    #[must_use]
    pub fn votes_cast_by(&self, id: NodeId) -> Option<u32> {
        let snapshot = self.snapshot?;
        let quorum = snapshot.quorum.as_ref().filter(|aged| aged.freshness != Freshness::Unknown)?;
        let state = snapshot.nodes.iter().find(|state| state.id == Some(id))?;
        if quorum.fact.value.members.contains(&state.name) { state.votes } else { Some(0) }
    }

    /// Materially, the world in which a plan was made: what may not have moved when it runs.
    #[must_use]
    pub fn facts(&self) -> MaterialFacts {
        let quorum = self.snapshot.and_then(|snapshot| snapshot.quorum.as_ref()).map(|aged| &aged.fact.value);
        MaterialFacts {
            cluster_name: self
                .snapshot
                .and_then(|snapshot| snapshot.cluster_name.as_ref())
                .map(|fact| fact.value.clone()),
            config_version: self.snapshot.and_then(|snapshot| snapshot.config_version.as_ref()).map(|fact| fact.value),
            members: quorum.map(|partition| partition.members.clone()).unwrap_or_default(),
            expected_votes: quorum.map(|partition| partition.expected_votes),
        }
    }
}

/// Plans an intent. The steps have no commands yet.
///
/// # Errors
/// Why there can be no such plan.
pub fn plan(intent: &Intent, world: &PlanWorld<'_>) -> Result<Plan, Problem> {
    match intent {
        Intent::InstallKey { node } => console::install(intent, *node, world),
        Intent::AdmitConsole { node, share } => console::admit(intent, *node, *share, world),
        Intent::Withdraw { leave } => console::withdraw(intent, leave, world),
        Intent::CreateCluster { first, links, .. } => create(intent, *first, links, world),
        Intent::JoinNodes { joiners, member, links } => join(intent, joiners, *member, links, world),
        Intent::SetUpQdevice { host, address, against_advice } => {
            set_up_qdevice(intent, *host, *address, *against_advice, world)
        }
        Intent::RemoveQdevice => qdevice::remove(intent, world),
        Intent::StartQdevice => qdevice::start(intent, world),
        Intent::SetExpected { through, votes, members, written_off } => {
            recovery::expected(intent, *through, *votes, members, written_off, world)
        }
        Intent::Remedy { node, remedy } => remedy::remedy(intent, *node, *remedy, world),
        Intent::TakeBack { .. } => remedy::take_back(intent, world),
        Intent::PowerOff { node, way, uuid } => power::plan(intent, *node, way, uuid, &[power::Turn::Off], world),
        Intent::PowerOn { node, way, uuid } => power::plan(intent, *node, way, uuid, &[power::Turn::On], world),
        Intent::PowerCycle { node, way, uuid } => {
            power::plan(intent, *node, way, uuid, &[power::Turn::Off, power::Turn::On], world)
        }
        Intent::FinishJoin { node, links } => midway::finish(intent, *node, links, world),
        Intent::UndoJoin { node } => midway::undo(intent, *node, world),
        Intent::RestartCorosync { node } => restart::corosync(intent, *node, world),
    }
}

fn frozen(
    intent: &Intent,
    world: &PlanWorld<'_>,
    risk: Risk,
    target: String,
    steps: Vec<Step>,
    mut consequences: Vec<Consequence>,
) -> Plan {
    debug_assert!(risk <= Intent::highest_risk(intent.word()), "a policy's own line would begin below the class");
    let keeps = steps.iter().find(|step| step.action.keeps_database());
    consequences
        .extend(keeps.map(|step| consequence(ConsequenceCode::DatabaseKept, &[("node", step.node_name.clone())])));
    Plan {
        cluster: world.cluster.id,
        intent: intent.clone(),
        risk,
        target,
        steps,
        consequences,
        facts: world.facts(),
        acknowledged: Vec::new(),
    }
}

fn step(node: &Node, action: Action) -> Step {
    Step { node: node.id, node_name: node.label().to_owned(), action, commands: Vec::new() }
}

fn consequence(code: ConsequenceCode, params: &[(&str, String)]) -> Consequence {
    let params: BTreeMap<String, String> =
        params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Consequence { code, params }
}

/// The arguments `--linkN` of one node. Priorities count at create only (`pvecm`), so a join leaves them out.
fn link_arguments(links: &[LinkPlan], node: &Node, with_priority: bool) -> Result<Vec<LinkArgument>, Problem> {
    if links.is_empty() {
        return Err(ProblemCode::LinksIncomplete.into());
    }
    let mut arguments = links
        .iter()
        .map(|link| {
            let address = link.addresses.get(&node.id).copied().ok_or_else(|| {
                Problem::new(ProblemCode::LinksIncomplete).with("node", node.label()).with("link", link.number)
            })?;
            Ok(LinkArgument { number: link.number, address, priority: link.priority.filter(|_| with_priority) })
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    arguments.sort_by_key(|argument| argument.number);
    Ok(arguments)
}

fn create(intent: &Intent, first: NodeId, links: &[LinkPlan], world: &PlanWorld<'_>) -> Result<Plan, Problem> {
    let Intent::CreateCluster { name, .. } = intent else { return Err(ProblemCode::Internal.into()) };
    if world.cluster.phase == ClusterPhase::Live {
        return Err(Problem::new(ProblemCode::ClusterAlreadyBuilt).with("name", &world.cluster.name));
    }
    let node = world.node_for(first, Purpose::Member)?;
    let arguments = link_arguments(links, node, true)?;
    let steps = vec![
        console::keep(node),
        step(node, Action::CreateCluster { name: name.clone(), links: arguments }),
        step(node, Action::ShareConsoleKey),
    ];
    let label = [("node", node.label().to_owned())];
    let consequences = vec![
        consequence(ConsequenceCode::NamesFinal, &label),
        consequence(ConsequenceCode::PmxcfsRestarts, &label),
        consequence(ConsequenceCode::SshConfigRewritten, &label),
    ];
    Ok(frozen(intent, world, Risk::Disruptive, name.to_string(), steps, consequences))
}

fn join(
    intent: &Intent,
    joiners: &[NodeId],
    member: NodeId,
    links: &[LinkPlan],
    world: &PlanWorld<'_>,
) -> Result<Plan, Problem> {
    if joiners.is_empty() {
        return Err(ProblemCode::NodeCountTooLow.into());
    }
    if world.cluster.phase != ClusterPhase::Live {
        return Err(ProblemCode::NotInCluster.into());
    }
    // Said before a key is carried anywhere; the step looks again.
    if world.snapshot.is_some_and(|snapshot| snapshot.qdevice.is_some()) {
        return Err(ProblemCode::QdeviceBeforeJoin.into());
    }
    let member = world.node_for(member, Purpose::Member)?;
    let member_address = link_arguments(links, member, false)?
        .first()
        .map(|argument| argument.address)
        .ok_or(ProblemCode::LinksIncomplete)?;
    let mut steps = Vec::new();
    let mut consequences = Vec::new();
    for id in joiners {
        let joiner = world.node_for(*id, Purpose::Member)?;
        steps.extend(join_one(joiner, member, member_address, links, world)?);
        consequences.push(consequence(ConsequenceCode::JoinerConfigReplaced, &[("node", joiner.label().to_owned())]));
    }
    let members =
        world.snapshot.and_then(|snapshot| snapshot.quorum.as_ref()).map_or(0, |aged| aged.fact.value.members.len());
    if members == 1 {
        consequences
            .insert(0, consequence(ConsequenceCode::FirstNodeMayLoseQuorum, &[("node", member.label().to_owned())]));
    }
    Ok(frozen(intent, world, Risk::Disruptive, world.cluster.name.to_string(), steps, consequences))
}

fn join_one(
    joiner: &Node,
    member: &Node,
    member_address: IpAddr,
    links: &[LinkPlan],
    world: &PlanWorld<'_>,
) -> Result<Vec<Step>, Problem> {
    let of_name = joiner.label().to_owned();
    let member_name = member.label().to_owned();
    let join = Action::JoinCluster {
        cluster: world.cluster.name.clone(),
        name: of_name.clone(),
        member: member.id,
        member_name: member_name.clone(),
        member_address,
        links: link_arguments(links, joiner, false)?,
    };
    Ok(vec![
        console::keep(joiner),
        step(joiner, Action::MakeRootKey),
        step(member, Action::AuthorizeRootKey { of: joiner.id, of_name, file: KeyFile::Cluster }),
        step(joiner, Action::TrustHostKeys { of: member.id, of_name: member_name, address: member_address }),
        step(joiner, join),
    ])
}

fn set_up_qdevice(
    intent: &Intent,
    host: NodeId,
    address: IpAddr,
    against_advice: bool,
    world: &PlanWorld<'_>,
) -> Result<Plan, Problem> {
    if world.cluster.phase != ClusterPhase::Live {
        return Err(ProblemCode::NotInCluster.into());
    }
    let host = world.node_for(host, Purpose::Qnetd)?;
    let (members, waiting) = qdevice::members(world);
    // With them the count is another one, and with a device in the cluster none of them could join.
    if !waiting.is_empty() {
        let names: Vec<&str> = waiting.iter().map(|node| node.label()).collect();
        return Err(Problem::new(ProblemCode::NodesNotJoined).with("nodes", names.join(", ")));
    }
    let first = members.first().ok_or(ProblemCode::NodeCountTooLow)?;
    let count = u32::try_from(members.len()).unwrap_or(u32::MAX);
    let force = qdevice_advice(count) == QdeviceAdvice::Refused;
    if force && !against_advice {
        return Err(Problem::new(ProblemCode::QdeviceOddCount).with("nodes", count));
    }
    if world.snapshot.is_some_and(|snapshot| snapshot.qdevice.is_some()) {
        return Err(ProblemCode::QdevicePresent.into());
    }
    let key_of = || (first.id, first.label().to_owned());
    let (of, of_name) = key_of();
    let (mut steps, mut consequences) = qdevice::installs(host, &members, world);
    let (aside, kept) = qdevice::leftovers(&members, world);
    let first_is_clean = aside.iter().any(|step| step.node == first.id);
    steps.extend(aside);
    consequences.extend(kept);
    steps.extend([
        step(first, Action::MakeRootKey),
        step(host, Action::AuthorizeRootKey { of, of_name: of_name.clone(), file: KeyFile::Own }),
        step(first, Action::TrustHostKeys { of: host.id, of_name: host.label().to_owned(), address }),
        step(first, Action::SetUpQdevice { host: host.id, address, votes_before: count, force }),
        step(host, Action::ForgetRootKey { of, of_name: of_name.clone(), file: KeyFile::Own }),
    ]);
    let votes = qdevice_votes(count);
    let (before, after) = (forecast(count, 0), forecast(count, votes));
    if force {
        let params = [("nodes", count.to_string()), ("votes", votes.to_string())];
        consequences.push(consequence(ConsequenceCode::QdeviceAgainstAdvice, &params));
        if !first_is_clean {
            let store = [("node", of_name.clone()), ("path", QDEVICE_STORE.to_owned())];
            consequences.push(consequence(ConsequenceCode::QdeviceStoreDeleted, &store));
        }
    }
    consequences.extend([
        consequence(
            ConsequenceCode::VotesChange,
            &[
                ("expected_before", before.expected_votes.to_string()),
                ("expected_after", after.expected_votes.to_string()),
                ("tolerates_before", before.tolerates.to_string()),
                ("tolerates_after", after.tolerates.to_string()),
            ],
        ),
        consequence(ConsequenceCode::KeyOnQnetdHost, &[("node", of_name), ("host", host.label().to_owned())]),
    ]);
    // Anything by force is destructive.
    let risk = if force { Risk::Destructive } else { Risk::Reversible };
    Ok(frozen(intent, world, risk, world.cluster.name.to_string(), steps, consequences))
}
