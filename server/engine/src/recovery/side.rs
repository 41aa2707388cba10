//! The side that would go on: who of it was heard, who could not be asked, and whom it misses.

use super::knock::Places;
use super::{Mute, Told, listed, members_of};
use model::facts::{ConfNode, CorosyncConf, CorosyncNodeId, PmxMembers};
use model::ids::NodeId;
use model::inventory::Node;
use model::observation::Evidence;
use model::problem::{Problem, ProblemCode};
use model::recovery::counted::{count_alike, newest, united};
use model::recovery::{OtherSide, Unasked, WrittenOff};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

pub struct Side<'a> {
    /// Whom the plan goes through.
    pub first: &'a Told,
    /// The others of this side that were heard.
    others: Vec<&'a Told>,
    /// Every node that the newest list has, or any by which this side counts; the largest QDevice of those.
    pub conf: CorosyncConf,
    /// Members of this side that nobody could ask to knock.
    pub deaf: Vec<Unasked>,
    mute: &'a BTreeMap<NodeId, Mute>,
    /// Those that answer and were removed from this cluster: `NodeRemoved`.
    removed: Vec<Problem>,
}

impl<'a> Side<'a> {
    /// The side with most votes; of one side any node will do that can read its files, and the first in the list is who people
    /// think of. Whom the newest list has no more is nobody to go on with. `mute` are those that did not tell, and why.
    ///
    /// # Errors
    /// What was said instead where nobody told anything; `NoWayIn` where nobody could be asked.
    pub fn of(told: &'a [Told], nodes: &[Node], mute: &'a BTreeMap<NodeId, Mute>) -> Result<Self, Problem> {
        let weight = |one: &&Told| (one.quorum.total_votes, one.pve.unread.is_none(), Reverse(one.node.position));
        let lists: Vec<&CorosyncConf> = told.iter().flat_map(|one| [&one.conf, &one.running]).flatten().collect();
        let removed: Vec<(&Told, u64)> = told.iter().filter_map(|one| Some((one, one.removed_by(&lists)?))).collect();
        let stays = |one: &&Told| !removed.iter().any(|(gone, _)| gone.node.id == one.node.id);
        // Where nobody else answers, one of those that were removed tells at least what it sees.
        let first = told.iter().filter(stays).max_by_key(weight).or_else(|| told.iter().max_by_key(weight));
        let first = first.ok_or_else(|| nobody(nodes, mute))?;
        let file = match &first.conf {
            Ok(conf) => conf,
            Err(problem) => {
                let other = told.iter().filter(stays).find_map(|one| one.conf.as_ref().ok());
                other.ok_or_else(|| problem.clone())?
            }
        };
        let ids: Vec<CorosyncNodeId> = first.quorum.members.iter().map(|member| member.id).collect();
        let heard = |id: &CorosyncNodeId| told.iter().find(|one| one.quorum.node_id == *id);
        let others: Vec<&Told> = ids.iter().filter_map(heard).filter(|one| one.node.id != first.node.id).collect();
        let counted_by = others.iter().copied().chain([first]).filter_map(|one| one.running.as_ref().ok());
        let conf = united(file, counted_by.chain(newest(&file.cluster_name, &lists)));
        let unheard = ids.iter().filter(|&id| heard(id).is_none());
        let deaf = unheard.map(|id| not_asked(*id, &conf, nodes, mute)).collect();
        let removed = removed.into_iter().map(|(one, version)| {
            Problem::new(ProblemCode::NodeRemoved).with("node", one.node.label()).with("version", version)
        });
        Ok(Self { first, others, conf, deaf, mute, removed: removed.collect() })
    }

    /// Where corosync runs with another list of nodes than the files have.
    pub fn conf_apart(&self) -> Vec<Problem> {
        let apart = |one: &&Told| match (&one.conf, &one.running) {
            (Ok(file), Ok(running)) => !count_alike(file, running),
            _ => false,
        };
        let nodes: Vec<&str> = self.heard().filter(apart).map(|one| one.node.label()).collect();
        let not_read = || Problem::new(ProblemCode::ConfNotRead).with("nodes", nodes.join(", "));
        self.removed.iter().cloned().chain((!nodes.is_empty()).then(not_read)).collect()
    }

    /// Why one of this side does not say what its corosync runs with.
    pub fn conf_unread(&self) -> Option<Problem> {
        self.heard().find_map(|one| one.running.as_ref().err().cloned())
    }

    /// Those that knock, the first of them first.
    pub fn nodes(&self) -> Vec<&'a Node> {
        self.heard().map(|one| &one.node).collect()
    }

    pub fn heard(&self) -> impl Iterator<Item = &'a Told> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    fn has(&self, id: CorosyncNodeId) -> bool {
        self.first.quorum.members.iter().any(|member| member.id == id)
    }

    pub fn absent(&self) -> Vec<&ConfNode> {
        self.conf.nodes.iter().filter(|node| !self.has(node.id)).collect()
    }

    /// Other sides that have quorum, each as the first of its nodes tells it.
    pub fn quorate_elsewhere(&self, told: &[Told]) -> Vec<OtherSide> {
        let mut sides = BTreeMap::new();
        for one in told.iter().filter(|one| one.quorum.quorate && !self.has(one.quorum.node_id)) {
            let members = members_of(&one.quorum, &self.conf);
            sides.entry(members.clone()).or_insert_with(|| OtherSide {
                node: one.node.label().to_owned(),
                members,
                expected_votes: one.quorum.expected_votes,
            });
        }
        sides.into_values().collect()
    }

    /// It answered, though it could not tell what its quorum is.
    pub fn spoke(&self, node: &Node) -> bool {
        self.mute.get(&node.id).is_some_and(|one| !one.evidence.is_empty())
    }

    /// What an absent node says itself of its quorum, also where it is that corosync does not run.
    pub fn own_view(&self, told: Option<&Told>, known: Option<&Node>) -> Option<Evidence> {
        let instead = || known.and_then(|node| self.mute.get(&node.id)).and_then(|one| one.evidence.first());
        told.and_then(|one| one.evidence.first()).or_else(instead).cloned()
    }

    /// Where each absent one may be found.
    pub fn places(&self, told: &[Told], nodes: &[Node], plan: &[WrittenOff]) -> Vec<Places> {
        let lists: Vec<&PmxMembers> = told.iter().filter_map(|one| one.pve.members.as_ref()).collect();
        let side: Vec<&PmxMembers> = self.heard().filter_map(|one| one.pve.members.as_ref()).collect();
        let links = self.conf.nodes.iter().filter(|node| self.has(node.id)).flat_map(|node| node.addresses.values());
        let links: BTreeSet<_> = links.filter_map(|text| text.parse().ok()).collect();
        let place = |node: &ConfNode| {
            let planned = plan.iter().find(|one| one.name == node.name).map_or(&[][..], |one| &one.addresses);
            Places::of(node, nodes, &listed::addresses(&node.name, &lists, &side, &links)).and_planned(planned)
        };
        self.absent().into_iter().map(place).collect()
    }
}

/// Why nobody tells of their quorum: best in the words of one that answered.
fn nobody(nodes: &[Node], mute: &BTreeMap<NodeId, Mute>) -> Problem {
    let asked = nodes.iter().filter_map(|node| Some((node, mute.get(&node.id)?)));
    let first = asked.min_by_key(|(node, one)| (one.evidence.is_empty(), node.position));
    first.map_or_else(|| ProblemCode::NoWayIn.into(), |(_, one)| one.problem.clone())
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

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use model::ids::ClusterId;
    use model::inventory::{LogIn, Purpose};
    use model::name::SshAddress;
    use uuid::Uuid;

    fn node(number: u8) -> Node {
        Node {
            id: NodeId::from_uuid(Uuid::from_u128(number.into())),
            cluster: ClusterId::from_uuid(Uuid::nil()),
            purpose: Purpose::Member,
            address: SshAddress { host: format!("10.0.0.{number}"), port: 22, user: "root".into() },
            via: None,
            name: Some(format!("pve{number}")),
            pin: None,
            offered: None,
            log_in: LogIn::KeyUnconfirmed,
            position: number.into(),
        }
    }

    fn mute(code: ProblemCode, node: &str, spoke: bool) -> Mute {
        let evidence = Evidence {
            node: node.into(),
            command: "status".into(),
            exit: Some(1),
            at: Timestamp::UNIX_EPOCH,
            millis: 1,
            lines: Vec::new(),
            cut: false,
        };
        let problem = Problem::new(code).with("node", node).quoting("its words");
        Mute { problem, evidence: spoke.then_some(evidence).into_iter().collect() }
    }

    #[test]
    fn who_answered_says_why_nobody_tells() {
        let nodes = [node(1), node(2), node(3)];
        assert_eq!(nobody(&nodes, &BTreeMap::new()).code, ProblemCode::NoWayIn, "nobody could be asked");
        let off = mute(ProblemCode::Unreachable, "pve1", false);
        let mut all = BTreeMap::from([(nodes[0].id, off)]);
        assert_eq!(nobody(&nodes, &all).params["node"], "pve1");
        for (at, code) in [(2, ProblemCode::NodeHangs), (1, ProblemCode::CorosyncDown)] {
            all.insert(nodes[at].id, mute(code, nodes[at].label(), true));
            let told = nobody(&nodes, &all);
            assert_eq!((told.code, told.params["node"].as_str()), (code, nodes[at].label()));
            assert_eq!(told.quote.as_deref(), Some("its words"));
        }
    }
}
