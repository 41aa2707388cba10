//! From the nodes' answers to one snapshot.

use super::pairs::pair_links;
use super::told::Told;
use super::{Aged, Contact, Happening, MayStop, Membership, NodeState, Partition, QdeviceState, Snapshot, judge};
use crate::facts::{CorosyncConf, LinkStatus, PmxMembers, QdeviceFlags, QuorumStatus};
use crate::ids::{ClusterId, NodeId};
use crate::observation::{AGE_MEMBERSHIP, AGE_SLOW, Fact, Freshness, carry};
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
    pub links: Option<Fact<LinkStatus>>,
    pub members: Option<Fact<PmxMembers>>,
    pub conf: Option<Fact<CorosyncConf>>,
    pub version: Option<Fact<String>>,
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
    let quorum = counting_quorum(&told, &partitions);
    let nodes = node_states(&told, &partitions, changed);
    let links = pair_links(&told);
    let qdevice = qdevice_state(&told);
    Snapshot {
        cluster,
        at: now,
        cluster_name: told.conf.map(|fact| carry(fact, fact.value.cluster_name.clone())),
        config_version: told.conf.map(|fact| carry(fact, fact.value.config_version)),
        health: judge::health(&agreement, &nodes, &links, qdevice.as_ref()),
        tolerates: quorum.as_ref().and_then(|aged| judge::tolerates(aged, told.conf_nodes())),
        agreement,
        quorum,
        nodes,
        links,
        qdevice,
        happened,
        next_aging: next_aging(views, now),
    }
}

/// The answer that counts: a quorate view before others, the one with most votes, then the newest.
fn best_status<'a>(told: &Told<'a>) -> Option<(&'a NodeView, &'a Fact<QuorumStatus>)> {
    let rank = |(_, fact): &(&NodeView, &Fact<QuorumStatus>)| (fact.value.quorate, fact.value.total_votes, fact.at);
    told.believed().into_iter().max_by_key(rank)
}

/// The quorum that the page's first sentence rests on; when nothing is believed, the last that was heard, as unknown.
fn counting_quorum(told: &Told<'_>, partitions: &[Partition]) -> Option<Aged<Partition>> {
    let last_heard = || {
        told.views
            .iter()
            .filter_map(|view| view.quorum.as_ref().map(|fact| (view, fact)))
            .max_by_key(|(_, fact)| fact.at)
    };
    let (view, fact) = best_status(told).or_else(last_heard)?;
    let grouped = partitions.iter().find(|one| one.told_by.contains(&view.name)).cloned();
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
        version: view
            .and_then(|view| view.version.as_ref())
            .map(|fact| Aged { fact: fact.clone(), freshness: AGE_SLOW.judge(fact.at, told.now) }),
        addresses: listed.map(|node| node.addresses.clone()).unwrap_or_default(),
    }
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
    let believed = told.believed().into_iter();
    believed.filter_map(|(_, fact)| Some((fact.at, row(fact)?))).max_by_key(|(at, _)| *at).map(|(_, flags)| flags)
}

/// A configured QDevice of which the nodes say nothing casts no votes.
fn qdevice_state(told: &Told<'_>) -> Option<Aged<QdeviceState>> {
    let configured = told.conf?.value.qdevice.as_ref()?;
    let (_, fact) = best_status(told)?;
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
    let looks = |view: &NodeView| [view.quorum.as_ref().map(|fact| fact.at), view.links.as_ref().map(|fact| fact.at)];
    views.iter().flat_map(looks).flatten().filter_map(|at| AGE_MEMBERSHIP.next_change(at, now)).min()
}
