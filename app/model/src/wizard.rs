//! The six steps as a typed machine: what is done is read from facts, not remembered by the page.

#[cfg(test)]
mod tests;

use crate::ids::NodeId;
use crate::inventory::{Cluster, ClusterPhase, LogIn, Node, Purpose};
use crate::links::{self, LinkPlan};
use crate::preflight::{Acknowledgement, CheckId, Matrix};
use crate::problem::{Problem, ProblemCode};
use crate::quorum::{QdeviceAdvice, qdevice_advice};
use crate::topology::{Agreement, Membership, Snapshot};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The smallest cluster that the wizard builds, in nodes.
pub const NODES_MIN: usize = 2;

/// The six steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WizardStep {
    Prerequisites,
    Network,
    Create,
    Join,
    Verify,
    Qdevice,
}

impl WizardStep {
    pub const ALL: [Self; 6] =
        [Self::Prerequisites, Self::Network, Self::Create, Self::Join, Self::Verify, Self::Qdevice];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Prerequisites => "prerequisites",
            Self::Network => "network",
            Self::Create => "create",
            Self::Join => "join",
            Self::Verify => "verify",
            Self::Qdevice => "qdevice",
        }
    }

    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.word() == word)
    }
}

/// What people have decided so far; everything else is read from the nodes. Kept in the database, shared by the team.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    pub links: Vec<LinkPlan>,
    /// The last verification, if it passed and still counts.
    pub verified_at: Option<Timestamp>,
    /// No QDevice wanted, or none possible.
    pub qdevice_skipped: bool,
    /// Warnings of the checks that somebody answers for.
    #[serde(default)]
    pub acknowledged: Vec<Acknowledgement>,
    /// Who changed the draft last.
    pub touched_by: Option<String>,
    pub touched_at: Option<Timestamp>,
    /// Grows with every change; a page that saves an older revision is told so instead of overwriting.
    pub revision: u64,
}

/// Where a step stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum StepState {
    Done,
    /// Can be worked on now.
    Open,
    /// Cannot be entered yet, and why.
    Blocked {
        problem: Problem,
    },
    /// Deliberately left out.
    Skipped,
}

/// The world that the machine judges.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    pub cluster: &'a Cluster,
    pub nodes: &'a [Node],
    pub draft: &'a Draft,
    pub matrix: Option<&'a Matrix>,
    pub snapshot: Option<&'a Snapshot>,
    pub now: Timestamp,
}

impl World<'_> {
    fn members(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.purpose == Purpose::Member)
    }

    /// The nodes that are not in the cluster yet, in the order in which they were added.
    #[must_use]
    pub fn joiners(&self) -> Vec<NodeId> {
        let mut waiting: Vec<&Node> = self.members().filter(|node| !self.is_member(node)).collect();
        waiting.sort_by_key(|node| node.position);
        waiting.iter().map(|node| node.id).collect()
    }

    /// Nodes of a living cluster's draft that its corosync.conf does not list; none while nobody has read that file.
    #[must_use]
    pub fn newcomers(&self) -> Vec<NodeId> {
        let Some(snapshot) = self.snapshot.filter(|one| one.cluster_name.is_some()) else { return Vec::new() };
        let listed = |id: NodeId| snapshot.nodes.iter().any(|one| one.id == Some(id) && one.corosync_id.is_some());
        let mut new: Vec<&Node> = self.members().filter(|node| !listed(node.id)).collect();
        new.sort_by_key(|node| node.position);
        new.iter().map(|node| node.id).collect()
    }

    /// The links of a living cluster as its nodes tell them.
    #[must_use]
    pub fn fixed_links(&self) -> Vec<LinkPlan> {
        let nodes = self.snapshot.map(|snapshot| snapshot.nodes.as_slice()).unwrap_or_default();
        let addresses = nodes.iter().filter(|one| one.corosync_id.is_some()).filter_map(|one| {
            let own = one.addresses.iter().filter_map(|(link, text)| Some((*link, text.parse().ok()?)));
            Some((one.id?, own.collect()))
        });
        links::fixed(&addresses.collect(), &self.draft.links)
    }

    /// A newcomer without an address on one of the cluster's links.
    fn unlinked(&self) -> Option<&Node> {
        let new = self.newcomers();
        if new.is_empty() {
            return None;
        }
        let fixed = self.fixed_links();
        let complete = |id: &NodeId| {
            fixed.iter().all(|one| {
                let chosen = self.draft.links.iter().find(|link| link.number == one.number);
                chosen.is_some_and(|link| link.addresses.contains_key(id))
            })
        };
        self.members().find(|node| new.contains(&node.id) && !complete(&node.id))
    }

    fn is_member(&self, node: &Node) -> bool {
        self.snapshot.is_some_and(|snapshot| {
            snapshot.nodes.iter().any(|state| state.id == Some(node.id) && state.membership == Membership::Member)
        })
    }
}

/// The state of each step, in order.
#[must_use]
pub fn states(world: &World<'_>) -> Vec<(WizardStep, StepState)> {
    WizardStep::ALL.into_iter().map(|step| (step, state(step, world))).collect()
}

/// The step that a person should be on: the first that is open.
#[must_use]
pub fn current(world: &World<'_>) -> WizardStep {
    states(world)
        .into_iter()
        .find(|(_, state)| matches!(state, StepState::Open))
        .map_or(WizardStep::Qdevice, |(step, _)| step)
}

fn state(step: WizardStep, world: &World<'_>) -> StepState {
    let live = world.cluster.phase == ClusterPhase::Live;
    match step {
        WizardStep::Prerequisites => prerequisites(world, live),
        WizardStep::Network => network(world, live),
        WizardStep::Create if live => StepState::Done,
        WizardStep::Create => after_checks(world, live, || match network(world, live) {
            StepState::Open => blocked(ProblemCode::LinksIncomplete),
            StepState::Done | StepState::Skipped => StepState::Open,
            blocked @ StepState::Blocked { .. } => blocked,
        }),
        WizardStep::Join => join(world, live),
        WizardStep::Verify => verify(world, live),
        WizardStep::Qdevice => qdevice(world, live),
    }
}

fn blocked(code: ProblemCode) -> StepState {
    StepState::Blocked { problem: code.into() }
}

/// What needs checks that still count. Green results that have grown too old are another thing than red ones.
fn after_checks(world: &World<'_>, live: bool, own: impl FnOnce() -> StepState) -> StepState {
    let old = |matrix: &Matrix| matrix.passes() && matrix.stale(world.now) && covers(matrix, world);
    match prerequisites(world, live) {
        StepState::Done | StepState::Skipped => own(),
        StepState::Open if world.matrix.is_some_and(old) => blocked(ProblemCode::ChecksStale),
        StepState::Open => blocked(ProblemCode::ChecksNotPassed),
        blocked @ StepState::Blocked { .. } => blocked,
    }
}

fn prerequisites(world: &World<'_>, live: bool) -> StepState {
    // What was checked before creating is behind us; new joiners are checked again by the join's own probes.
    if live {
        return StepState::Done;
    }
    let ready = world.members().filter(|node| matches!(node.log_in, LogIn::Works { .. })).count();
    let enough = ready >= NODES_MIN && ready == world.members().count();
    let passed = world.matrix.is_some_and(|matrix| {
        matrix.passes()
            && !matrix.stale(world.now)
            && covers(matrix, world)
            && matrix.unacknowledged(&world.draft.acknowledged).next().is_none()
    });
    if enough && passed { StepState::Done } else { StepState::Open }
}

/// The matrix is about exactly the nodes that are there now.
fn covers(matrix: &Matrix, world: &World<'_>) -> bool {
    world.members().count() == matrix.nodes.len()
        && world.members().all(|node| matrix.nodes.iter().any(|column| column.node == node.id))
}

fn network(world: &World<'_>, live: bool) -> StepState {
    if live {
        return if world.unlinked().is_some() { StepState::Open } else { StepState::Done };
    }
    if only_ports_block(world) {
        return links_chosen(world);
    }
    after_checks(world, live, || links_chosen(world))
}

fn links_chosen(world: &World<'_>) -> StepState {
    let complete = !world.draft.links.is_empty()
        && world.draft.links.iter().all(|link| world.members().all(|node| link.addresses.contains_key(&node.id)));
    if complete { StepState::Done } else { StepState::Open }
}

/// Without a choice of links every shared network has to pass UDP; choosing others is the way out, so it must be open.
fn only_ports_block(world: &World<'_>) -> bool {
    world.matrix.is_some_and(|matrix| {
        matrix.finished_at.is_some()
            && !matrix.stale(world.now)
            && covers(matrix, world)
            && matrix.cells.iter().filter(|cell| cell.verdict.blocks()).all(|cell| cell.check == CheckId::Ports)
    })
}

fn join(world: &World<'_>, live: bool) -> StepState {
    if !live {
        return blocked(ProblemCode::NotInCluster);
    }
    if world.snapshot.is_none_or(|snapshot| matches!(snapshot.agreement, Agreement::Unknown)) {
        return StepState::Open;
    }
    if let Some(node) = world.unlinked() {
        return StepState::Blocked { problem: Problem::new(ProblemCode::LinksIncomplete).with("node", node.label()) };
    }
    if world.joiners().is_empty() { StepState::Done } else { StepState::Open }
}

fn verify(world: &World<'_>, live: bool) -> StepState {
    if !live {
        return blocked(ProblemCode::NotInCluster);
    }
    if let Some(problem) = outside(world) {
        return StepState::Blocked { problem };
    }
    if world.draft.verified_at.is_some() { StepState::Done } else { StepState::Open }
}

fn qdevice(world: &World<'_>, live: bool) -> StepState {
    if !live {
        return blocked(ProblemCode::NotInCluster);
    }
    if world.snapshot.is_some_and(|snapshot| snapshot.qdevice.as_ref().is_some_and(|aged| aged.fact.value.works())) {
        return StepState::Done;
    }
    if world.draft.qdevice_skipped {
        return StepState::Skipped;
    }
    match (qdevice_advice(u32::try_from(world.members().count()).unwrap_or(u32::MAX)), outside(world)) {
        (QdeviceAdvice::Refused, _) => StepState::Skipped,
        (_, Some(problem)) => StepState::Blocked { problem },
        (_, None) => StepState::Open,
    }
}

/// Somebody who has still to join, or a member that is away: the first is this wizard's work, the second a fault.
fn outside(world: &World<'_>) -> Option<Problem> {
    let (waiting, new) = (world.joiners(), world.newcomers());
    let labels = world.members().filter(|node| new.contains(&node.id)).map(|node| node.label().to_owned());
    match (waiting.is_empty(), new.is_empty()) {
        (true, _) => None,
        (false, true) => Some(ProblemCode::MembersOffline.into()),
        (false, false) => {
            Some(Problem::new(ProblemCode::NodesNotJoined).with("nodes", labels.collect::<Vec<_>>().join(", ")))
        }
    }
}
