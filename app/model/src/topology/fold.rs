//! From the nodes' answers to one snapshot.

use super::pairs::pair_links;
use super::pmxcfs::pmxcfs_state;
use super::told::{Answer, Told};
use super::{Aged, Contact, Happening, MayStop, Membership, NodeState, Partition, QdeviceState, Snapshot, judge};
use crate::capability::{self, Capability, Packages};
use crate::facts::{CorosyncConf, LinkStatus, PmxMembers, QdeviceFlags, QuorumStatus};
use crate::ids::{ClusterId, NodeId};
use crate::observation::{AGE_FILES, AGE_MEMBERSHIP, AGE_SLOW, Fact, Freshness, carry};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The last answers of one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeView {
    pub id: NodeId,
    /// The name as `hostname` prints it, which corosync.conf uses too.
    pub name: String,
    pub contact: Contact,
    pub quorum: Option<Fact<QuorumStatus>>,
    /// When this machine first told the ring of `quorum`, without another one in between.
    pub ring_since: Option<Timestamp>,
    /// When this machine was seen to lose its quorum, or was first seen without one; `None` where it has one.
    pub quorum_lost_at: Option<Timestamp>,
    /// corosync does not run there, or the machine is in no cluster; never together with `quorum`.
    pub no_quorum: Option<Fact<()>>,
    pub links: Option<Fact<LinkStatus>>,
    pub members: Option<Fact<PmxMembers>>,
    pub conf: Option<Fact<CorosyncConf>>,
    pub packages: Option<Fact<Packages>>,
    /// The letters of the options that `corosync-quorumtool` knows there.
    pub quorumtool_options: Option<Fact<BTreeSet<char>>>,
}

impl NodeView {
    /// A machine that has not been tried yet and has said nothing.
    #[must_use]
    pub const fn untried(id: NodeId, name: String) -> Self {
        Self {
            id,
            name,
            contact: Contact::Untried,
            quorum: None,
            ring_since: None,
            quorum_lost_at: None,
            no_quorum: None,
            links: None,
            members: None,
            conf: None,
            packages: None,
            quorumtool_options: None,
        }
    }
}

/// Folds the views of all machines of a cluster. `happened` and `changed` come from the previous snapshots.
#[must_use]
pub fn fold(
    cluster: ClusterId,
    views: &[NodeView],
    happened: Vec<Happening>,
    changed: &BTreeMap<String, Timestamp>,
    now: Timestamp,
) -> Snapshot {
    let told = Told::new(views, now);
    let partitions = told.partitions();
    let agreement = judge::agreement(&partitions);
    let best = best_status(&told, &partitions);
    let quorum = counting_quorum(&told, &partitions, best);
    let nodes = node_states(&told, &partitions, changed);
    let links = pair_links(&told);
    let qdevice = qdevice_state(&told, best);
    Snapshot {
        cluster,
        at: now,
        cluster_name: told.conf.map(|fact| carry(fact, fact.value.cluster_name.clone())),
        config_version: told.conf.map(|fact| carry(fact, fact.value.config_version)),
        expected_set: told.conf.and_then(|fact| fact.value.expected_set()),
        health: judge::health(&agreement, &nodes, &links, qdevice.as_ref()),
        tolerates: quorum.as_ref().and_then(|aged| judge::tolerates(aged, &partitions, told.conf_nodes())),
        agreement,
        quorum,
        nodes,
        links,
        qdevice,
        happened,
        next_aging: next_aging(views, now),
    }
}

/// The answer that counts: a quorate view before others, the one that most nodes tell, the one with most votes,
/// then the newest. The count of tellers comes before the votes: a lone node can claim any number of them.
fn best_status<'a>(told: &Told<'a>, partitions: &[Partition]) -> Option<Answer<'a>> {
    let tellers = |view: &NodeView| group_of(view, partitions).map_or(1, |one| one.told_by.len());
    let rank = |(view, fact): &Answer<'_>| (fact.value.quorate, tellers(view), fact.value.total_votes, fact.at);
    told.believed.iter().copied().max_by_key(rank)
}

fn group_of<'p>(view: &NodeView, partitions: &'p [Partition]) -> Option<&'p Partition> {
    partitions.iter().find(|one| one.told_by.contains(&view.name))
}

/// The quorum that the page's first sentence rests on; when nothing is believed, the last that was heard, as unknown.
fn counting_quorum(told: &Told<'_>, partitions: &[Partition], best: Option<Answer<'_>>) -> Option<Aged<Partition>> {
    let last_heard = || {
        told.views
            .iter()
            .filter_map(|view| view.quorum.as_ref().map(|fact| (view, fact)))
            .max_by_key(|(_, fact)| fact.at)
    };
    let (view, fact) = best.or_else(last_heard)?;
    let grouped = group_of(view, partitions).cloned();
    let value = grouped.unwrap_or_else(|| told.partition_of(&fact.value, view.name.clone()));
    Some(Aged { fact: carry(fact, value), freshness: told.freshness(fact.at) })
}

fn node_states(told: &Told<'_>, partitions: &[Partition], changed: &BTreeMap<String, Timestamp>) -> Vec<NodeState> {
    let listed = told.conf_nodes().iter().map(|node| node.name.as_str());
    let names: BTreeSet<&str> = told.views.iter().map(|view| view.name.as_str()).chain(listed).collect();
    let mut states: Vec<NodeState> =
        names.into_iter().map(|name| node_state(name, told, partitions, changed)).collect();
    states.sort_by(|a, b| {
        (a.corosync_id.unwrap_or(u32::MAX), &a.name).cmp(&(b.corosync_id.unwrap_or(u32::MAX), &b.name))
    });
    states
}

fn node_state(
    name: &str,
    told: &Told<'_>,
    partitions: &[Partition],
    changed: &BTreeMap<String, Timestamp>,
) -> NodeState {
    let view = told.view(name);
    let listed = told.listed(name);
    let membership = judge::membership(name, listed.is_some(), told.conf.is_some(), partitions);
    let source = membership_source(name, membership, told, partitions);
    NodeState {
        id: view.map(|view| view.id),
        name: name.to_owned(),
        corosync_id: listed.map(|node| node.id),
        votes: listed.map(|node| node.votes),
        contact: view.map_or(Contact::Untried, |view| view.contact.clone()),
        membership,
        freshness: source.as_ref().map_or(Freshness::Unknown, |fact| told.freshness(fact.at)),
        membership_source: source,
        changed_at: changed.get(name).copied(),
        may_stop: listed.map_or(MayStop::NotKnown, |node| judge::may_stop(name, node.votes, membership, partitions)),
        qdevice: listed.and_then(|node| qdevice_flags(node.id, told)),
        version: view.and_then(|view| version(view, told)),
        capability: view.and_then(|view| capability(view, told)),
        pmxcfs: view.and_then(|view| pmxcfs_state(view, told)),
        addresses: listed.map(|node| node.addresses.clone()).unwrap_or_default(),
    }
}

fn version(view: &NodeView, told: &Told<'_>) -> Option<Aged<String>> {
    let fact = view.packages.as_ref()?;
    let version = fact.value.get("pve-manager")?.clone();
    Some(Aged { fact: carry(fact, version), freshness: AGE_SLOW.judge(fact.at, told.now) })
}

fn capability(view: &NodeView, told: &Told<'_>) -> Option<Aged<Capability>> {
    let fact = view.packages.as_ref()?;
    let options = view.quorumtool_options.as_ref().map(|options| &options.value);
    let value = capability::judge(&fact.value, options);
    Some(Aged { fact: carry(fact, value), freshness: AGE_SLOW.judge(fact.at, told.now) })
}

/// The newest of the answers that the judgement rests on.
fn membership_source(
    name: &str,
    membership: Membership,
    told: &Told<'_>,
    partitions: &[Partition],
) -> Option<Fact<()>> {
    if membership == Membership::NotJoined {
        return told.conf.map(|fact| carry(fact, ()));
    }
    let speaks = |one: &&Partition| {
        let inside = one.members.iter().any(|member| member == name);
        match membership {
            Membership::Member => inside && one.quorate,
            Membership::Isolated => inside && !one.quorate,
            Membership::Absent => !inside && one.quorate,
            Membership::NotJoined | Membership::Unknown => false,
        }
    };
    partitions
        .iter()
        .filter(speaks)
        .flat_map(|one| &one.told_by)
        .filter_map(|teller| told.view(teller)?.quorum.as_ref())
        .max_by_key(|fact| fact.at)
        .map(|fact| carry(fact, ()))
}

fn qdevice_flags(id: u32, told: &Told<'_>) -> Option<QdeviceFlags> {
    let row = |fact: &Fact<QuorumStatus>| fact.value.members.iter().find(|member| member.id == id)?.qdevice;
    let believed = told.believed.iter();
    believed.filter_map(|(_, fact)| Some((fact.at, row(fact)?))).max_by_key(|(at, _)| *at).map(|(_, flags)| flags)
}

/// A configured QDevice of which the nodes say nothing casts no votes.
fn qdevice_state(told: &Told<'_>, best: Option<Answer<'_>>) -> Option<Aged<QdeviceState>> {
    let configured = told.conf?.value.qdevice.as_ref()?;
    let (_, fact) = best?;
    let voting = |flags: Option<QdeviceFlags>| matches!(flags, Some(QdeviceFlags::Registered { voting: true, .. }));
    let members = &fact.value.members;
    let value = QdeviceState {
        host: configured.host.clone(),
        algorithm: configured.algorithm.clone(),
        votes: fact.value.qdevice_votes.unwrap_or(0),
        configured_votes: configured.votes,
        votes_for_all: !members.is_empty() && members.iter().all(|member| voting(member.qdevice)),
    };
    Some(Aged { fact: carry(fact, value), freshness: told.freshness(fact.at) })
}

fn next_aging(views: &[NodeView], now: Timestamp) -> Option<Timestamp> {
    let looks = |view: &NodeView| {
        let membership = |at: Option<Timestamp>| at.and_then(|at| AGE_MEMBERSHIP.next_change(at, now));
        [
            membership(view.quorum.as_ref().map(|fact| fact.at)),
            membership(view.links.as_ref().map(|fact| fact.at)),
            view.members.as_ref().and_then(|fact| AGE_FILES.next_change(fact.at, now)),
        ]
    };
    views.iter().flat_map(looks).flatten().min()
}
