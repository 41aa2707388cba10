//! What a request rests on, as a list that two times can be compared by.

use crate::digest::{self, Digest};
use crate::inventory::Purpose;
use crate::observation::Freshness;
use crate::plan::Intent;
use crate::planner::PlanWorld;
use crate::topology::{Aged, Contact, Health, LinkHealth, Membership, NodeState, Partition, Snapshot};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The domain word of the digest of a list of facts.
const FACTS_DIGEST_DOMAIN: &str = "quorate-facts/v1";

crate::problem::codes!(
    /// What a line is about (`fact_CODE` in the locales).
    FactCode {
        ClusterName => "cluster_name",
        ConfigVersion => "config_version",
        Members => "members",
        ExpectedVotes => "expected_votes",
        TotalVotes => "total_votes",
        Quorate => "quorate",
        QdeviceVotes => "qdevice_votes",
        /// Of one node, in corosync.conf.
        NodeVotes => "node_votes",
        /// Of one node; only one that answers is known to be on.
        Power => "power",
        /// Numbers of the guests of one node, running or not.
        Guests => "guests",
        // Not material
        Health => "health",
        Ring => "ring",
        LinksNotUp => "links_not_up",
        Answers => "answers",
        Version => "version",
    }
);

/// Of a node without guests; no guest has this number.
const NO_GUESTS: &str = "0";

/// Node -> numbers of its guests, running or not; a node without guests has no entry.
pub type GuestList = BTreeMap<String, BTreeSet<u32>>;

/// One line; a value of `None` is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FactLine {
    pub code: FactCode,
    /// The node, where the line is about one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    pub value: Option<String>,
}

impl FactLine {
    fn new(code: FactCode, about: &str, value: Option<String>) -> Self {
        Self { code, about: about.to_owned(), value }
    }
}

/// A line that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub code: FactCode,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    pub then: Option<String>,
    pub now: Option<String>,
}

/// What became of material facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compared {
    Same,
    /// Nothing that is known differs, but what was known then is not known now.
    CannotTell,
    Changed,
}

/// The material facts of an intent, sorted. What the console cannot tell is a line without a value, not a missing line.
#[must_use]
pub fn material(intent: &Intent, world: &PlanWorld<'_>, guests: Option<&GuestList>) -> Vec<FactLine> {
    let mut lines = match intent {
        // One machine is logged in to; nothing of the cluster matters for it.
        Intent::InstallKey { .. } | Intent::AdmitConsole { .. } => Vec::new(),
        Intent::Withdraw { .. } => identity(world),
        // What joins has no guests, and those of the members run on.
        Intent::JoinNodes { .. } | Intent::SetUpQdevice { .. } | Intent::RemoveQdevice | Intent::StartQdevice => {
            [identity(world), quorum(world), machines(world)].concat()
        }
        _ => [identity(world), quorum(world), machines(world), guests_of(world.snapshot, guests)].concat(),
    };
    lines.sort();
    lines
}

fn identity(world: &PlanWorld<'_>) -> Vec<FactLine> {
    let name = world.snapshot.and_then(|one| one.cluster_name.as_ref()).map(|fact| fact.value.clone());
    vec![
        FactLine::new(FactCode::ClusterName, "", name),
        FactLine::new(FactCode::Members, "", partition(world.snapshot).map(members)),
    ]
}

fn quorum(world: &PlanWorld<'_>) -> Vec<FactLine> {
    let told = partition(world.snapshot);
    let version = world.snapshot.and_then(|one| one.config_version.as_ref()).map(|fact| fact.value.to_string());
    let device = told.map(|one| one.qdevice_votes.unwrap_or(0).to_string());
    vec![
        FactLine::new(FactCode::ConfigVersion, "", version),
        FactLine::new(FactCode::ExpectedVotes, "", told.map(|one| one.expected_votes.to_string())),
        FactLine::new(FactCode::TotalVotes, "", told.map(|one| one.total_votes.to_string())),
        FactLine::new(FactCode::Quorate, "", told.map(|one| yes_no(one.quorate))),
        FactLine::new(FactCode::QdeviceVotes, "", device),
    ]
}

/// Votes and power of every member-to-be, also of those that nobody sees.
fn machines(world: &PlanWorld<'_>) -> Vec<FactLine> {
    let mut names: BTreeMap<&str, Option<&NodeState>> = world
        .nodes
        .iter()
        .filter(|node| node.purpose == Purpose::Member)
        .map(|node| {
            let seen = world.snapshot.and_then(|one| one.nodes.iter().find(|state| state.id == Some(node.id)));
            (seen.map_or_else(|| node.label(), |state| state.name.as_str()), seen)
        })
        .collect();
    for state in world.snapshot.into_iter().flat_map(|one| &one.nodes) {
        names.entry(&state.name).or_insert(Some(state));
    }
    let lines = |(name, state): (&str, Option<&NodeState>)| {
        let votes = state.and_then(|state| state.votes).map(|votes| votes.to_string());
        let on = state.is_some_and(is_on).then(|| "on".to_owned());
        [FactLine::new(FactCode::NodeVotes, name, votes), FactLine::new(FactCode::Power, name, on)]
    };
    names.into_iter().flat_map(lines).collect()
}

/// The list is of the whole cluster: it says nothing of machines that are in none.
fn guests_of(snapshot: Option<&Snapshot>, guests: Option<&GuestList>) -> Vec<FactLine> {
    let nodes = snapshot.into_iter().flat_map(|one| &one.nodes);
    let members = nodes.filter(|node| node.membership != Membership::NotJoined);
    members
        .map(|node| {
            let of_node = guests.map(|list| list.get(&node.name).map_or_else(|| NO_GUESTS.to_owned(), numbers));
            FactLine::new(FactCode::Guests, &node.name, of_node)
        })
        .collect()
}

/// Which ones, and not how many: another guest in the place of one is another plan.
fn numbers(guests: &BTreeSet<u32>) -> String {
    let numbers: Vec<String> = guests.iter().map(u32::to_string).collect();
    numbers.join(", ")
}

/// That a node is silent does not prove that it is off.
fn is_on(state: &NodeState) -> bool {
    let told = state.membership == Membership::Member && state.freshness != Freshness::Unknown;
    told || matches!(state.contact, Contact::Connected { .. })
}

fn partition(snapshot: Option<&Snapshot>) -> Option<&Partition> {
    let Aged { fact, freshness } = snapshot?.quorum.as_ref()?;
    (*freshness != Freshness::Unknown).then_some(&fact.value)
}

fn members(partition: &Partition) -> String {
    let mut names: Vec<&str> = partition.members.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.join(", ")
}

fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

/// What people want to see changed although no approval depends on it, sorted.
#[must_use]
pub fn around(snapshot: Option<&Snapshot>, guests: Option<&GuestList>) -> Vec<FactLine> {
    let Some(snapshot) = snapshot else { return Vec::new() };
    let health = (snapshot.health != Health::Unknown).then(|| snapshot.health.word().to_owned());
    let ring = partition(Some(snapshot)).map(|one| one.ring_id.clone());
    let mut down: Vec<String> = snapshot
        .links
        .iter()
        .filter(|link| matches!(link.health, LinkHealth::Down | LinkHealth::OneWay))
        .map(|link| format!("{}: {} – {}", link.link, link.from, link.to))
        .collect();
    down.sort_unstable();
    let mut lines = vec![
        FactLine::new(FactCode::Health, "", health),
        FactLine::new(FactCode::Ring, "", ring),
        FactLine::new(FactCode::LinksNotUp, "", Some(down.join("; "))),
    ];
    lines.extend(guests_of(Some(snapshot), guests));
    for node in &snapshot.nodes {
        let answers = match node.contact {
            Contact::Connected { .. } => Some(yes_no(true)),
            Contact::Lost { .. } => Some(yes_no(false)),
            Contact::Untried => None,
        };
        lines.push(FactLine::new(FactCode::Answers, &node.name, answers));
        let version = node.version.as_ref().map(|aged| aged.fact.value.clone());
        lines.push(FactLine::new(FactCode::Version, &node.name, version));
    }
    lines.sort();
    lines
}

/// # Errors
/// When the list cannot be written as JSON.
pub fn facts_digest(facts: &[FactLine]) -> Result<Digest, serde_json::Error> {
    digest::of(FACTS_DIGEST_DOMAIN, &facts)
}

/// The lines that differ, in their order; a line that one side does not have is not known there.
#[must_use]
pub fn changes(then: &[FactLine], now: &[FactLine]) -> Vec<Change> {
    type Sides<'a> = (Option<&'a String>, Option<&'a String>);
    let mut sides: BTreeMap<(FactCode, &str), Sides<'_>> = BTreeMap::new();
    for line in then {
        sides.entry((line.code, line.about.as_str())).or_default().0 = line.value.as_ref();
    }
    for line in now {
        sides.entry((line.code, line.about.as_str())).or_default().1 = line.value.as_ref();
    }
    sides
        .into_iter()
        .filter(|(_, (then, now))| then != now)
        .map(|((code, about), (then, now))| Change {
            code,
            about: about.to_owned(),
            then: then.cloned(),
            now: now.cloned(),
        })
        .collect()
}

/// Whether material facts still hold. A line more or less is a change, even where its value is not known.
#[must_use]
pub fn compare(then: &[FactLine], now: &[FactLine]) -> Compared {
    let keys = |lines: &[FactLine]| lines.iter().map(|line| (line.code, line.about.clone())).collect::<Vec<_>>();
    let changed = changes(then, now);
    if keys(then) != keys(now) || changed.iter().any(|change| change.now.is_some()) {
        Compared::Changed
    } else if changed.is_empty() {
        Compared::Same
    } else {
        Compared::CannotTell
    }
}

/// Whether everything that was known then is still so, for a plan whose agreement is used up: what nobody could tell then nobody
/// relied on, so that it is known by now is no change.
#[must_use]
pub fn still_holds(then: &[FactLine], now: &[FactLine]) -> Compared {
    let moved: Vec<Change> = changes(then, now).into_iter().filter(|change| change.then.is_some()).collect();
    if moved.iter().any(|change| change.now.is_some()) {
        Compared::Changed
    } else if moved.is_empty() {
        Compared::Same
    } else {
        Compared::CannotTell
    }
}
