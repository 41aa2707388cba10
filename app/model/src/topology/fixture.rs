//! A cluster for tests, built answer by answer. Node `n` is called after a tree, has corosync's id `n` and one vote.

use super::{Contact, NodeView, Snapshot, fold};
use crate::facts::{
    ConfNode, ConfQdevice, CorosyncConf, LinkState, LinkStatus, QdeviceFlags, QuorumMember, QuorumStatus,
};
use crate::ids::{ClusterId, NodeId};
use crate::observation::Fact;
use crate::problem::ProblemCode;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).expect("a time")
}

pub fn name(n: u32) -> String {
    ["ash", "beech", "cedar", "douglas", "elm"]
        .get(n as usize - 1)
        .map_or_else(|| format!("tree{n}"), ToString::to_string)
}

pub fn conf(nodes: u32) -> CorosyncConf {
    let node = |n: u32| ConfNode {
        name: name(n),
        id: n,
        votes: 1,
        addresses: BTreeMap::from([(0, format!("10.7.0.{n}")), (1, format!("10.8.0.{n}"))]),
    };
    CorosyncConf {
        cluster_name: "grove".into(),
        config_version: u64::from(nodes),
        nodes: (1..=nodes).map(node).collect(),
        link_priorities: BTreeMap::from([(0, 10), (1, 20)]),
        qdevice: None,
        token_coefficient: None,
        quorum_options: BTreeMap::new(),
    }
}

/// Node `own` sees `members` on `ring`, of `expected` votes.
pub fn status(own: u32, members: &[u32], ring: &str, expected: u32) -> QuorumStatus {
    let row = |n: u32| QuorumMember { id: n, votes: 1, name: format!("10.7.0.{n}"), local: n == own, qdevice: None };
    let total_votes = u32::try_from(members.len()).expect("few members");
    let quorum = crate::quorum::quorum(expected);
    QuorumStatus {
        nodes: total_votes,
        node_id: own,
        ring_id: ring.into(),
        quorate: total_votes >= quorum,
        expected_votes: expected,
        highest_expected: expected,
        total_votes,
        quorum,
        blocked: total_votes < quorum,
        flags: BTreeSet::new(),
        members: members.iter().map(|n| row(*n)).collect(),
        qdevice_votes: None,
    }
}

/// Node `own` has both links to `peers`, except for the `(link, peer)` that are `cut`.
pub fn links(own: u32, peers: &[u32], cut: &[(u8, u32)]) -> LinkStatus {
    let row = |link: u8, peer: u32| LinkState {
        link,
        peer,
        enabled: true,
        connected: !cut.contains(&(link, peer)),
        local_address: None,
        peer_address: None,
        mtu: Some(1397),
    };
    let rows = peers.iter().filter(|peer| **peer != own).flat_map(|peer| [row(0, *peer), row(1, *peer)]);
    LinkStatus { node_id: own, transport: "knet".into(), links: rows.collect() }
}

pub fn fact<T>(own: u32, command: &str, value: T, second: i64) -> Fact<T> {
    Fact { value, node: format!("label of {}", name(own)), command: command.into(), at: time(second) }
}

/// What node `own` of `all` nodes says at a time, being with `members` on `ring`.
pub fn view(own: u32, members: &[u32], ring: &str, all: u32, second: i64) -> NodeView {
    NodeView {
        quorum: Some(fact(own, "corosync-quorumtool -si", status(own, members, ring, all), second)),
        ring_since: Some(time(second)),
        links: Some(fact(own, "corosync-cfgtool -n", links(own, members, &[]), second)),
        conf: Some(fact(own, "cat /etc/pve/corosync.conf", conf(all), second)),
        ..silent(own)
    }
}

/// A machine that has said nothing yet.
pub fn silent(own: u32) -> NodeView {
    let id = NodeId::from_uuid(Uuid::from_u128(u128::from(own)));
    NodeView { contact: Contact::Connected { since: time(-100) }, ..NodeView::untried(id, name(own)) }
}

pub fn cut_off(mut view: NodeView, second: i64) -> NodeView {
    view.contact = Contact::Lost { since: time(second), problem: ProblemCode::ConnectionLost.into() };
    view
}

/// Adds a QDevice with one vote; `voting` says what the flag V is.
pub fn with_qdevice(mut view: NodeView, voting: bool) -> NodeView {
    let flags = QdeviceFlags::Registered { alive: true, voting, master_wins: false };
    if let Some(fact) = &mut view.quorum {
        for member in &mut fact.value.members {
            member.qdevice = Some(flags);
        }
        fact.value.expected_votes += 1;
        fact.value.total_votes += u32::from(voting);
        fact.value.qdevice_votes = Some(u32::from(voting));
        fact.value.quorum = crate::quorum::quorum(fact.value.expected_votes);
        fact.value.quorate = fact.value.total_votes >= fact.value.quorum;
    }
    if let Some(fact) = &mut view.conf {
        fact.value.qdevice = Some(ConfQdevice {
            model: "net".into(),
            host: Some("10.7.0.99".into()),
            algorithm: Some("ffsplit".into()),
            votes: 1,
        });
    }
    view
}

pub fn folded(views: &[NodeView], second: i64) -> Snapshot {
    fold(ClusterId::from_uuid(Uuid::from_u128(7)), views, Vec::new(), &BTreeMap::new(), time(second))
}
