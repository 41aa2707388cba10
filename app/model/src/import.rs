//! A cluster that exists already, as one of its nodes tells it: who belongs to it, over which links, and what does not fit.
//!
//! The configuration decides who is a member. What pmxcfs says otherwise is a difference for people, never merged.

#[cfg(test)]
mod tests;

use crate::facts::{ConfNode, ConfQdevice, CorosyncConf, CorosyncNodeId, PmxMember, PmxMembers, QuorumStatus};
use crate::ids::NodeId;
use crate::inventory::{Node, Purpose};
use crate::links::LinkPlan;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What one node said when it was asked about its cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The node's own name.
    pub by: String,
    pub at: Timestamp,
    /// `/etc/pve/corosync.conf`.
    pub shared: Option<CorosyncConf>,
    /// `/etc/corosync/corosync.conf`.
    pub local: Option<CorosyncConf>,
    /// `None` where pmxcfs is not mounted.
    pub members: Option<PmxMembers>,
    /// `None` where corosync does not run or does not answer.
    pub quorum: Option<QuorumStatus>,
    /// How many guests the cluster has; `None` where pmxcfs is not mounted.
    pub guests: Option<u32>,
    /// Names among the ring addresses, and what they lead to on that node.
    pub resolved: BTreeMap<String, IpAddr>,
}

/// One member of the cluster, to be offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// As corosync.conf has it.
    pub name: String,
    pub corosync_id: CorosyncNodeId,
    pub votes: u32,
    /// Where the console might reach it: what pmxcfs says, else the address of its lowest link.
    pub address: String,
    /// Link number -> address in corosync.conf, which may be a host name.
    #[serde(deserialize_with = "crate::keyed::by_number")]
    pub links: BTreeMap<u8, String>,
    /// `None` where nobody tells.
    pub online: Option<bool>,
    /// The machine of this cluster that the console has already.
    pub known: Option<NodeId>,
}

/// Which copy of corosync.conf was believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The cluster's, in `/etc/pve`.
    Shared,
    /// The node's own, because pmxcfs is not mounted there.
    Local,
}

/// A cluster as one of its nodes tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discovery {
    pub cluster_name: String,
    pub config_version: u64,
    pub source: Source,
    /// The node that told it, and when.
    pub told_by: String,
    pub at: Timestamp,
    /// In the order of corosync's ids.
    pub found: Vec<Found>,
    #[serde(deserialize_with = "crate::keyed::by_number")]
    pub link_priorities: BTreeMap<u8, u32>,
    pub qdevice: Option<ConfQdevice>,
    pub quorate: Option<bool>,
    pub guests: Option<u32>,
    pub differs: Vec<Difference>,
    /// Addresses of links that are names, and what they lead to on the node that was asked.
    pub resolved: BTreeMap<String, IpAddr>,
}

/// Something that does not fit together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub code: DifferenceCode,
    pub params: BTreeMap<String, String>,
}

crate::problem::codes!(
    /// Codes of differences; locale key `difference_CODE`. The parameters of the sentence stand at each code.
    DifferenceCode {
        /// pmxcfs is not mounted, so the node's own copy was read. `node`.
        PmxcfsDown => "pmxcfs_down",
        /// corosync does not answer. `node`.
        CorosyncDown => "corosync_down",
        /// Both copies have another version. `shared`, `local`.
        CopiesDiffer => "copies_differ",
        /// pmxcfs has another version in its memory. `conf`, `members`.
        VersionDiffers => "version_differs",
        /// The cluster is called otherwise by pmxcfs. `conf`, `members`.
        NameDiffers => "name_differs",
        /// In corosync.conf, and pmxcfs does not know it. `member`.
        NotInMembers => "not_in_members",
        /// pmxcfs knows it, and it is not in corosync.conf. `member`.
        NotInConf => "not_in_conf",
        /// Another id. `member`, `conf`, `members`.
        IdDiffers => "id_differs",
        /// The node that was asked is not in its own list. `node`.
        SelfMissing => "self_missing",
        /// A link's address is a name that could not be resolved. `member`, `link`, `address`.
        AddressUnresolved => "address_unresolved",
    }
);

/// Puts together what one node told. `None` where it is in no cluster.
#[must_use]
pub fn discover(told: &Told, nodes: &[Node]) -> Option<Discovery> {
    let (conf, source) = believed(told)?;
    let mut found: Vec<Found> = conf.nodes.iter().map(|node| one(node, told, nodes)).collect();
    found.sort_by_key(|one| one.corosync_id);
    Some(Discovery {
        cluster_name: conf.cluster_name.clone(),
        config_version: conf.config_version,
        source,
        told_by: told.by.clone(),
        at: told.at,
        found,
        link_priorities: conf.link_priorities.clone(),
        qdevice: conf.qdevice.clone(),
        quorate: told.quorum.as_ref().map(|status| status.quorate),
        guests: told.guests,
        differs: differences(told, conf),
        resolved: told.resolved.clone(),
    })
}

/// The cluster's copy, and the node's own only where `/etc/pve` is not there: a left over one is no cluster.
fn believed(told: &Told) -> Option<(&CorosyncConf, Source)> {
    match (&told.shared, &told.local, &told.members) {
        (Some(conf), _, _) => Some((conf, Source::Shared)),
        (None, Some(conf), None) => Some((conf, Source::Local)),
        _ => None,
    }
}

/// Names among the addresses of links: those have to be resolved on the node itself.
#[must_use]
pub fn names_to_resolve(conf: &CorosyncConf) -> Vec<String> {
    let mut names: Vec<String> = conf
        .nodes
        .iter()
        .flat_map(|node| node.addresses.values())
        .filter(|address| address.parse::<IpAddr>().is_err())
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    names
}

fn one(node: &ConfNode, told: &Told, nodes: &[Node]) -> Found {
    let member = told.members.as_ref().and_then(|members| same_id(members, node));
    let ring = node.addresses.values().next().cloned();
    let address = member.and_then(|member| member.ip).map(|ip| ip.to_string()).or(ring);
    Found {
        name: node.name.clone(),
        corosync_id: node.id,
        votes: node.votes,
        address: address.unwrap_or_else(|| node.name.clone()),
        links: node.addresses.clone(),
        online: online(node, told, member),
        known: known(&node.name, nodes),
    }
}

/// pmxcfs and corosync.conf speak of the same node only where name and id agree.
fn same_id<'a>(members: &'a PmxMembers, node: &ConfNode) -> Option<&'a PmxMember> {
    members.nodes.iter().find(|member| member.name == node.name && member.id == node.id)
}

/// corosync itself knows best; pmxcfs repeats what it heard from it.
fn online(node: &ConfNode, told: &Told, member: Option<&PmxMember>) -> Option<bool> {
    match &told.quorum {
        Some(status) => Some(status.members.iter().any(|one| one.id == node.id)),
        None => member.map(|member| member.online),
    }
}

fn known(name: &str, nodes: &[Node]) -> Option<NodeId> {
    let named = |node: &&Node| node.purpose == Purpose::Member && node.name.as_deref() == Some(name);
    nodes.iter().find(named).map(|node| node.id)
}

fn differences(told: &Told, conf: &CorosyncConf) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut note = |code: DifferenceCode, params: &[(&str, String)]| {
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        found.push(Difference { code, params });
    };
    let by = || ("node", told.by.clone());
    if told.quorum.is_none() {
        note(DifferenceCode::CorosyncDown, &[by()]);
    }
    if !conf.nodes.iter().any(|node| node.name == told.by) {
        note(DifferenceCode::SelfMissing, &[by()]);
    }
    if let (Some(shared), Some(local)) = (&told.shared, &told.local)
        && shared != local
    {
        let version = |conf: &CorosyncConf| conf.config_version.to_string();
        note(DifferenceCode::CopiesDiffer, &[("shared", version(shared)), ("local", version(local))]);
    }
    for node in &conf.nodes {
        for (link, address) in &node.addresses {
            if address.parse::<IpAddr>().is_err() && !told.resolved.contains_key(address) {
                let member = ("member", node.name.clone());
                let params = [member, ("link", link.to_string()), ("address", address.clone())];
                note(DifferenceCode::AddressUnresolved, &params);
            }
        }
    }
    match &told.members {
        None => note(DifferenceCode::PmxcfsDown, &[by()]),
        Some(members) => compare_members(conf, members, &mut note),
    }
    found
}

fn compare_members(
    conf: &CorosyncConf,
    members: &PmxMembers,
    note: &mut impl FnMut(DifferenceCode, &[(&str, String)]),
) {
    if let Some(cluster) = &members.cluster {
        if cluster.name != conf.cluster_name {
            let params = [("conf", conf.cluster_name.clone()), ("members", cluster.name.clone())];
            note(DifferenceCode::NameDiffers, &params);
        }
        if cluster.version != conf.config_version {
            let params = [("conf", conf.config_version.to_string()), ("members", cluster.version.to_string())];
            note(DifferenceCode::VersionDiffers, &params);
        }
    }
    for node in &conf.nodes {
        match members.nodes.iter().find(|member| member.name == node.name) {
            None => note(DifferenceCode::NotInMembers, &[("member", node.name.clone())]),
            Some(member) if member.id != node.id => {
                let ids = [("conf", node.id.to_string()), ("members", member.id.to_string())];
                let [conf, members] = ids;
                note(DifferenceCode::IdDiffers, &[("member", node.name.clone()), conf, members]);
            }
            Some(_) => {}
        }
    }
    for member in &members.nodes {
        if !conf.nodes.iter().any(|node| node.name == member.name) {
            note(DifferenceCode::NotInConf, &[("member", member.name.clone())]);
        }
    }
}

impl Discovery {
    /// The links as a later join or QDevice needs them, for the machines that the console has; `ids` is by member name.
    #[must_use]
    pub fn links(&self, ids: &BTreeMap<String, NodeId>) -> Vec<LinkPlan> {
        let mut plans: BTreeMap<u8, LinkPlan> = BTreeMap::new();
        for member in &self.found {
            for (number, address) in &member.links {
                let plan = plans.entry(*number).or_insert_with(|| LinkPlan {
                    number: *number,
                    priority: self.link_priorities.get(number).copied(),
                    network: None,
                    addresses: BTreeMap::new(),
                });
                let ip = address.parse().ok().or_else(|| self.resolved.get(address).copied());
                if let (Some(id), Some(ip)) = (ids.get(&member.name), ip) {
                    plan.addresses.insert(*id, ip);
                }
            }
        }
        plans.into_values().collect()
    }

    /// A cluster that has guests is protected from the first moment on.
    #[must_use]
    pub fn protects(&self) -> bool {
        self.guests.is_some_and(|count| count > 0)
    }

    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Found> {
        self.found.iter().find(|one| one.name == name)
    }
}

/// What a person ticked: a member, and where the console shall reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    pub name: String,
    /// Host with an optional port, as it was typed or proposed.
    pub host: String,
}
