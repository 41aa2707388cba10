//! Which of the nodes' answers are still believed, and how they group into partitions.

use super::{Contact, NodeView, Partition};
use crate::facts::{ConfNode, CorosyncConf, QuorumStatus};
use crate::observation::{AGE_MEMBERSHIP, Fact, Freshness};
use jiff::Timestamp;

/// An answer that others contradict for so long is no longer believed, in seconds: one sweep and a little.
///
/// Until then both are shown, because corosync's nodes settle on a new ring within a few token times.
pub const SETTLE_S: i64 = 12;

/// The answers of one moment with the newest configuration.
pub struct Told<'a> {
    pub views: &'a [NodeView],
    pub conf: Option<&'a Fact<CorosyncConf>>,
    pub now: Timestamp,
}

impl<'a> Told<'a> {
    pub fn new(views: &'a [NodeView], now: Timestamp) -> Self {
        // The configuration with the highest version; among equals the newest look.
        let conf =
            views.iter().filter_map(|view| view.conf.as_ref()).max_by_key(|fact| (fact.value.config_version, fact.at));
        Self { views, conf, now }
    }

    pub fn conf_nodes(&self) -> &'a [ConfNode] {
        self.conf.map_or(&[], |fact| &fact.value.nodes)
    }

    pub fn listed(&self, name: &str) -> Option<&'a ConfNode> {
        self.conf_nodes().iter().find(|node| node.name == name)
    }

    pub fn view(&self, name: &str) -> Option<&'a NodeView> {
        self.views.iter().find(|view| view.name == name)
    }

    pub fn freshness(&self, at: Timestamp) -> Freshness {
        AGE_MEMBERSHIP.judge(at, self.now)
    }

    /// Quorum answers that are young enough and not overtaken by newer ones.
    pub fn believed(&self) -> Vec<(&'a NodeView, &'a Fact<QuorumStatus>)> {
        let young: Vec<(&NodeView, &Fact<QuorumStatus>)> = self
            .views
            .iter()
            .filter_map(|view| view.quorum.as_ref().map(|fact| (view, fact)))
            .filter(|(_, fact)| self.freshness(fact.at) != Freshness::Unknown)
            .collect();
        young.iter().filter(|one| !young.iter().any(|other| overtakes(other.1, one.0, one.1))).copied().collect()
    }

    /// Believed views, grouped where they say the same.
    pub fn partitions(&self) -> Vec<Partition> {
        let mut found: Vec<Partition> = Vec::new();
        for (view, fact) in self.believed() {
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
    fn name_of(&self, id: u32, printed: &str) -> String {
        self.conf_nodes().iter().find(|node| node.id == id).map_or_else(|| printed.to_owned(), |node| node.name.clone())
    }
}

/// The answer was given before the connection broke.
pub fn cut_off_since(view: &NodeView, at: Timestamp) -> bool {
    matches!(view.contact, Contact::Lost { since, .. } if since >= at)
}

/// A ring is a statement about every node on it: one of them says otherwise, later, and the older answer cannot be
/// repeated any more, or a majority has gone on, or time enough has passed.
fn overtakes(other: &Fact<QuorumStatus>, view: &NodeView, fact: &Fact<QuorumStatus>) -> bool {
    let on_its_ring = other.value.node_id != fact.value.node_id
        && fact.value.members.iter().any(|member| member.id == other.value.node_id);
    if !on_its_ring || other.at <= fact.at || other.value.ring_id == fact.value.ring_id {
        return false;
    }
    let later_s = other.at.duration_since(fact.at).as_secs();
    other.value.quorate || cut_off_since(view, fact.at) || later_s >= SETTLE_S
}

fn same_view(one: &Partition, other: &Partition) -> bool {
    one.ring_id == other.ring_id
        && one.members == other.members
        && one.quorate == other.quorate
        && one.expected_votes == other.expected_votes
        && one.total_votes == other.total_votes
}
