//! Which of the nodes' answers are still believed, and how they group into partitions.

use super::{Contact, NodeView, Partition};
use crate::facts::{ConfNode, CorosyncConf, CorosyncNodeId, QuorumStatus};
use crate::observation::{AGE_MEMBERSHIP, Fact, Freshness};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// An answer that others contradict for so long is no longer believed, in seconds: one sweep and a little.
///
/// Until then both are shown, because corosync's nodes settle on a new ring within a few token times.
pub const SETTLE_S: i64 = 12;
/// A ring overtakes what its members said up to so long after it was first told, in seconds: about one token time.
///
/// What they say later contradicts whoever tells it: one of them is wrong, and time does not decide which.
const RING_FORMS_S: i64 = 3;

/// One machine's answer about the quorum.
pub type Answer<'a> = (&'a NodeView, &'a Fact<QuorumStatus>);

/// The answers of one moment with the newest configuration.
pub struct Told<'a> {
    pub views: &'a [NodeView],
    pub conf: Option<&'a Fact<CorosyncConf>>,
    pub now: Timestamp,
    /// Quorum answers that are young enough and not overtaken by newer ones.
    pub believed: Vec<Answer<'a>>,
    by_name: BTreeMap<&'a str, &'a NodeView>,
    listed: BTreeMap<&'a str, &'a ConfNode>,
    names: BTreeMap<CorosyncNodeId, &'a str>,
}

impl<'a> Told<'a> {
    pub fn new(views: &'a [NodeView], now: Timestamp) -> Self {
        // The configuration with the highest version; among equals the newest look.
        let conf =
            views.iter().filter_map(|view| view.conf.as_ref()).max_by_key(|fact| (fact.value.config_version, fact.at));
        let nodes = conf.map_or(&[][..], |fact| &fact.value.nodes);
        Self {
            views,
            conf,
            now,
            believed: believed(views, now),
            by_name: views.iter().rev().map(|view| (view.name.as_str(), view)).collect(),
            listed: nodes.iter().rev().map(|node| (node.name.as_str(), node)).collect(),
            names: nodes.iter().rev().map(|node| (node.id, node.name.as_str())).collect(),
        }
    }

    pub fn conf_nodes(&self) -> &'a [ConfNode] {
        self.conf.map_or(&[], |fact| &fact.value.nodes)
    }

    pub fn listed(&self, name: &str) -> Option<&'a ConfNode> {
        self.listed.get(name).copied()
    }

    pub fn view(&self, name: &str) -> Option<&'a NodeView> {
        self.by_name.get(name).copied()
    }

    pub fn freshness(&self, at: Timestamp) -> Freshness {
        AGE_MEMBERSHIP.judge(at, self.now)
    }

    /// Believed views, grouped where they say the same.
    pub fn partitions(&self) -> Vec<Partition> {
        let mut found: Vec<Partition> = Vec::new();
        for (view, fact) in &self.believed {
            let one = self.partition_of(&fact.value, view.name.clone());
            match found.iter_mut().find(|other| same_view(other, &one)) {
                Some(other) => other.told_by.push(view.name.clone()),
                None => found.push(one),
            }
        }
        found
    }

    pub fn partition_of(&self, status: &QuorumStatus, told_by: String) -> Partition {
        let mut members: Vec<String> =
            status.members.iter().map(|member| self.name_of(member.id, &member.name)).collect();
        members.sort();
        Partition {
            ring_id: status.ring_id.clone(),
            quorate: status.quorate,
            expected_votes: status.expected_votes,
            total_votes: status.total_votes,
            quorum: status.quorum,
            members,
            told_by: vec![told_by],
            qdevice_votes: status.qdevice_votes,
        }
    }

    /// corosync prints a name or an address per member; the nodelist tells which name belongs to an id.
    fn name_of(&self, id: CorosyncNodeId, printed: &str) -> String {
        self.names.get(&id).map_or_else(|| printed.to_owned(), |name| (*name).to_owned())
    }
}

fn believed(views: &[NodeView], now: Timestamp) -> Vec<Answer<'_>> {
    let young: Vec<Answer<'_>> = views
        .iter()
        .filter_map(|view| view.quorum.as_ref().map(|fact| (view, fact)))
        .filter(|(_, fact)| AGE_MEMBERSHIP.judge(fact.at, now) != Freshness::Unknown)
        .collect();
    young.iter().filter(|one| !young.iter().any(|other| overtakes(*other, **one))).copied().collect()
}

/// The answer was given before the connection broke.
pub fn cut_off_since(view: &NodeView, at: Timestamp) -> bool {
    matches!(view.contact, Contact::Lost { since, .. } if since >= at)
}

/// A ring is a statement about every node on it: one of them says otherwise, later, and the older answer cannot be
/// repeated any more, or a majority has gone on, or time enough has passed.
///
/// A majority that went on told its ring before the other node spoke again. Who repeats a ring that the others
/// contradict all the time has not gone on: both are shown.
fn overtakes((teller, other): Answer<'_>, (view, fact): Answer<'_>) -> bool {
    if other.at <= fact.at || other.value.ring_id == fact.value.ring_id {
        return false;
    }
    let on_its_ring = other.value.node_id != fact.value.node_id
        && fact.value.members.iter().any(|member| member.id == other.value.node_id);
    if !on_its_ring {
        return false;
    }
    let formed = teller.ring_since.unwrap_or(other.at);
    let went_on = other.value.quorate && fact.at.duration_since(formed).as_secs() < RING_FORMS_S;
    went_on || cut_off_since(view, fact.at) || other.at.duration_since(fact.at).as_secs() >= SETTLE_S
}

fn same_view(one: &Partition, other: &Partition) -> bool {
    one.ring_id == other.ring_id
        && one.members == other.members
        && one.quorate == other.quorate
        && one.expected_votes == other.expected_votes
        && one.total_votes == other.total_votes
}
