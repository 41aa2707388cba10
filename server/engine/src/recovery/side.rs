//! The side that would go on: who of it was heard, who could not be asked, and whom it misses.

use super::knock::Places;
use super::{Mute, Told, listed};
use model::facts::{ConfNode, CorosyncConf, PmxMembers};
use model::ids::NodeId;
use model::inventory::Node;
use model::observation::Evidence;
use model::problem::{Problem, ProblemCode};
use model::recovery::{Unasked, WrittenOff};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

pub struct Side<'a> {
    /// Whom the plan goes through.
    pub first: &'a Told,
    /// The others of this side that were heard.
    others: Vec<&'a Told>,
    pub conf: &'a CorosyncConf,
    /// Members of this side that nobody could ask to knock.
    pub deaf: Vec<Unasked>,
    mute: &'a BTreeMap<NodeId, Mute>,
}

impl<'a> Side<'a> {
    /// The side with most votes; of one side any node will do that can read its files, and the first in the list is who people
    /// think of. `mute` are those that did not tell, and why.
    ///
    /// # Errors
    /// `NoWayIn` where nobody told anything.
    pub fn of(told: &'a [Told], nodes: &[Node], mute: &'a BTreeMap<NodeId, Mute>) -> Result<Self, Problem> {
        let reads = |one: &Told| one.guests.is_some() && one.services.is_some() && one.members.is_some();
        let weight = |one: &&Told| (one.quorum.total_votes, reads(one), Reverse(one.node.position));
        let first = told.iter().max_by_key(weight).ok_or(ProblemCode::NoWayIn)?;
        let conf = first.conf.as_ref().or_else(|| told.iter().find_map(|one| one.conf.as_ref()));
        let conf = conf.ok_or(ProblemCode::NoWayIn)?;
        let (mut others, mut deaf) = (Vec::new(), Vec::new());
        for member in &first.quorum.members {
            match told.iter().find(|one| one.quorum.node_id == member.id) {
                Some(one) if one.node.id == first.node.id => {}
                Some(one) => others.push(one),
                None => deaf.push(not_asked(member.id, conf, nodes, mute)),
            }
        }
        Ok(Self { first, others, conf, deaf, mute })
    }

    /// Those that knock, the first of them first.
    pub fn nodes(&self) -> Vec<&'a Node> {
        self.heard().map(|one| &one.node).collect()
    }

    fn heard(&self) -> impl Iterator<Item = &'a Told> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    fn has(&self, node: &ConfNode) -> bool {
        self.first.quorum.members.iter().any(|member| member.id == node.id)
    }

    pub fn absent(&self) -> Vec<&'a ConfNode> {
        self.conf.nodes.iter().filter(|node| !self.has(node)).collect()
    }

    /// What an absent node says itself of its quorum, also where it is that corosync does not run.
    pub fn own_view(&self, told: Option<&Told>, known: Option<&Node>) -> Option<Evidence> {
        let instead = || known.and_then(|node| self.mute.get(&node.id)).and_then(|one| one.evidence.first());
        told.and_then(|one| one.evidence.first()).or_else(instead).cloned()
    }

    /// Where each absent one may be found; `None` where nobody at all knows what pmxcfs lists.
    pub fn places(&self, told: &[Told], nodes: &[Node], plan: &[WrittenOff]) -> Option<Vec<Places>> {
        let lists: Vec<&PmxMembers> = told.iter().filter_map(|one| one.members.as_ref()).collect();
        let side: Vec<&PmxMembers> = self.heard().filter_map(|one| one.members.as_ref()).collect();
        let links = self.conf.nodes.iter().filter(|node| self.has(node)).flat_map(|node| node.addresses.values());
        let links: BTreeSet<_> = links.filter_map(|text| text.parse().ok()).collect();
        let place = |node: &ConfNode| {
            let planned = plan.iter().find(|one| one.name == node.name).map_or(&[][..], |one| &one.addresses);
            Places::of(node, nodes, &listed::addresses(&node.name, &lists, &side, &links)).and_planned(planned)
        };
        (!lists.is_empty()).then(|| self.absent().into_iter().map(place).collect())
    }
}

/// Why a member of the side does not knock: what it said instead, or that the console has no way to it.
fn not_asked(id: u32, conf: &CorosyncConf, nodes: &[Node], mute: &BTreeMap<NodeId, Mute>) -> Unasked {
    let name = conf.nodes.iter().find(|node| node.id == id).map(|node| node.name.as_str());
    let known = nodes.iter().find(|node| node.name.as_deref().is_some_and(|own| Some(own) == name));
    let by = name.map_or_else(|| id.to_string(), str::to_owned);
    let problem = known.and_then(|node| mute.get(&node.id)).map(|one| one.problem.clone());
    let problem = problem.unwrap_or_else(|| Problem::new(ProblemCode::NoWayToIt).with("node", &by));
    Unasked { by, problem }
}
