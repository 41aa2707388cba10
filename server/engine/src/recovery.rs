//! A cluster without quorum, looked at from every side before anybody lowers its votes.

mod fencing;
mod knock;
mod listed;
mod side;
mod told;
mod witness;

use crate::context::{Engine, store_problem};
use crate::evidence::{answer, asked, evidence, unreadable};
use crate::ports::Output;
use futures::future::join_all;
use jiff::Timestamp;
use model::facts::{CorosyncConf, QuorumStatus};
use model::ids::{ClusterId, OperationId};
use model::inventory::{LogIn, Node, Purpose};
use model::observation::Evidence;
use model::problem::{Problem, ProblemCode};
use model::quorum::lowered;
use model::recovery::counted::united;
use model::recovery::{Absent, QuorumOptions, Recovery, SeenBmc, Sign, WrittenOff};
use model::remedy::Look;
use pve::{CommandLine, cmap, corosync_conf, files, quorumtool};
use side::Side;
use std::collections::BTreeMap;
use told::{Mute, Told};

/// The console's own name among those who hear an answer.
pub const CONSOLE: &str = "console";

impl Engine {
    /// Asks every node that answers, and knocks at every known address of each that is absent. Changes nothing.
    ///
    /// # Errors
    /// Why no node tells anything about its quorum, `NoWayIn` where none could be asked, or a failing store.
    pub async fn recovery(&self, cluster: ClusterId) -> Result<Recovery, Problem> {
        self.recovery_after(cluster, &[], None).await
    }

    /// The same, also wherever a plan says that its nodes were knocked at. What is said to a step stays with its operation.
    ///
    /// # Errors
    /// As `recovery`.
    pub(crate) async fn recovery_after(
        &self,
        cluster: ClusterId,
        plan: &[WrittenOff],
        step_of: Option<OperationId>,
    ) -> Result<Recovery, Problem> {
        let nodes = self.store.nodes(cluster).await.map_err(|error| store_problem(&error))?;
        let members = nodes.iter().filter(|node| node.purpose == Purpose::Member && could_answer(node));
        let (mut told, mut mute) = (Vec::new(), BTreeMap::new());
        for (id, answer) in join_all(members.map(|node| async { (node.id, self.ask_for_recovery(node).await) })).await {
            match answer {
                Ok(one) => told.push(one),
                Err(silence) => drop(mute.insert(id, silence)),
            }
        }
        let words = mute.values().flat_map(|one: &Mute| &one.evidence);
        let mut evidence: Vec<Evidence> = told.iter().flat_map(|one| &one.evidence).chain(words).cloned().collect();
        self.keep_all(cluster, step_of, &evidence).await?;
        let side = Side::of(&told, &nodes, &mute)?;
        let (first, conf) = (side.first, &side.conf);
        let (at, absent, more) = self.absent_nodes(&side, &told, &nodes, plan).await?;
        self.keep_all(cluster, step_of, &more).await?;
        evidence.extend(more);
        let lost_at = self.hub.quorum_lost_at(cluster).filter(|_| !first.quorum.quorate);
        Ok(Recovery {
            at,
            told_at: first.evidence.first().map_or(at, |said| asked(said.at, said.millis)),
            fencing: fencing::window(side.heard(), &absent, lost_at, self.clock.now()),
            through: first.node.id,
            through_name: first.node.label().to_owned(),
            quorate: first.quorum.quorate,
            members: members_of(&first.quorum, conf),
            present_votes: first.quorum.total_votes,
            expected_votes: first.quorum.expected_votes,
            quorum: first.quorum.quorum,
            qdevice_missing: missing_votes(&first.quorum, conf),
            options: QuorumOptions::told(&first.quorum.flags, &conf.quorum_options),
            absent,
            contradicted_by: contradictions(first, &told),
            quorate_elsewhere: side.quorate_elsewhere(&told),
            unread: first.pve.unread.clone(),
            conf_unread: side.conf_unread(),
            conf_apart: side.conf_apart(),
            ha_disarmed: first.pve.ha.as_ref().is_some_and(|ha| ha.disarmed),
            evidence,
        })
    }

    async fn keep_all(
        &self,
        cluster: ClusterId,
        step_of: Option<OperationId>,
        evidence: &[Evidence],
    ) -> Result<(), Problem> {
        let failed = |error| store_problem(&error);
        if step_of.is_none() {
            let seen: Vec<(ClusterId, Evidence)> = evidence.iter().map(|one| (cluster, one.clone())).collect();
            return self.store.keep_all(&seen).await.map_err(failed);
        }
        for seen in evidence {
            self.store.keep(cluster, step_of, seen).await.map_err(failed)?;
        }
        Ok(())
    }

    /// What a silent QDevice adds where fewer votes are to be expected, which the configuration alone has, and what else
    /// decides what they bring.
    ///
    /// # Errors
    /// Why the node did not tell.
    pub(crate) async fn silent_device(&self, node: &Node) -> Result<Look, Problem> {
        let commands = [quorumtool::status(), files::local_corosync_conf(), cmap::map()];
        let shell = self.shell_to(node).await?;
        let outputs = shell.sweep(&commands).await.map_err(|error| error.problem().with("node", node.label()))?;
        self.keep_all(node.cluster, None, &quotes(node, &commands, &outputs)).await?;
        let [quorum, conf, running] = outputs.as_slice() else { return Err(ProblemCode::Internal.into()) };
        let quorum = quorumtool::quorum(answer(quorum)).map_err(|error| unreadable(&error, node.label()))?;
        let conf = corosync_conf::conf(answer(conf)).map_err(|error| unreadable(&error, node.label()))?;
        let conf = conf.ok_or_else(|| Problem::new(ProblemCode::NotInCluster).with("node", node.label()))?;
        let running = cmap::conf(answer(running)).map_err(|error| unreadable(&error, node.label()))?;
        let conf = united(&conf, [&running]);
        let options = QuorumOptions::told(&quorum.flags, &conf.quorum_options);
        Ok(Look::SilentDevice { votes: missing_votes(&quorum, &conf), options })
    }

    /// Since when they were knocked at, and what everybody said who knocked, or may be connected to them.
    async fn absent_nodes(
        &self,
        side: &Side<'_>,
        told: &[Told],
        nodes: &[Node],
        plan: &[WrittenOff],
    ) -> Result<(Timestamp, Vec<Absent>, Vec<Evidence>), Problem> {
        let (first, conf) = (side.first, &side.conf);
        let gone = side.absent();
        let (places, mut evidence) = self.resolved(&first.node, side.places(told, nodes, plan)).await;
        // One member's network may be what is broken: everybody of this side knocks.
        let knocking = side.nodes();
        // Looking their names up may have taken long: no silence is older than this.
        let at = self.clock.now();
        let (knocked, witness) = futures::join!(self.knock(&knocking, &places), self.ask_witness(conf, nodes));
        evidence.extend(knocked.evidence);
        let (guests, services) = (first.pve.guests.as_ref(), first.pve.ha.as_ref().map(|ha| &ha.on));
        let mut absent = Vec::new();
        for ((node, places), heard) in gone.iter().zip(places).zip(knocked.heard) {
            let mut answers = heard.signs;
            answers.extend(witness.of(node.id));
            let known = nodes.iter().find(|one| one.name.as_deref() == Some(&node.name));
            let bmc = self.bmc_of_absent(known, &node.name).await?;
            let own = told.iter().find(|one| Some(one.node.id) == known.map(|known| known.id));
            // Who says that its corosync hangs lives as well.
            if let Some(node) = known.filter(|node| own.is_some() || side.spoke(node)) {
                answers.push(Sign { address: node.address.to_string(), heard_by: CONSOLE.to_owned() });
            }
            absent.push(Absent {
                name: node.name.clone(),
                id: known.map(|known| known.id),
                votes: node.votes,
                addresses: places.texts(),
                answers,
                own_view: side.own_view(own, known),
                guests: guests.map(|all| lying_on(&node.name, all)),
                services: services.map(|all| lying_on(&node.name, all)),
                bmc,
                silent_to: heard.silent_to,
                unasked: [heard.unasked, side.deaf.clone(), witness.unasked.clone()].concat(),
            });
        }
        evidence.extend(witness.evidence);
        Ok((at, absent, evidence))
    }

    async fn bmc_of_absent(&self, known: Option<&Node>, name: &str) -> Result<Option<SeenBmc>, Problem> {
        let Some(node) = known else { return Ok(None) };
        let bmc = self.store.bmc(node.id).await.map_err(|error| store_problem(&error))?;
        let Some(bmc) = bmc else { return Ok(None) };
        Ok(Some(match self.shared_uuid(node, &bmc).await? {
            // What it says may be about another machine: neither its *off* nor its *on* counts.
            Some(shared) => SeenBmc { bmc, proof: None, problem: Some(shared) },
            None => SeenBmc::of(bmc, name, self.clock.now()),
        }))
    }
}

/// Of what is told as thing -> node, the things of this node.
fn lying_on<K: Clone>(name: &str, all: &BTreeMap<K, String>) -> Vec<K> {
    all.iter().filter(|(_, on)| *on == name).map(|(what, _)| what.clone()).collect()
}

/// Where no key was ever confirmed the console cannot log in.
const fn could_answer(node: &Node) -> bool {
    matches!(node.log_in, LogIn::Works { .. } | LogIn::Fails { .. })
}

fn quotes(node: &Node, commands: &[CommandLine], outputs: &[Output]) -> Vec<Evidence> {
    commands.iter().zip(outputs).map(|(command, output)| evidence(node.label(), command, output)).collect()
}

/// Names of the members, as corosync.conf calls them.
pub(crate) fn members_of(quorum: &QuorumStatus, conf: &CorosyncConf) -> Vec<String> {
    let name = |id: u32| conf.nodes.iter().find(|node| node.id == id).map(|node| node.name.clone());
    let mut names: Vec<String> =
        quorum.members.iter().map(|member| name(member.id).unwrap_or_else(|| member.id.to_string())).collect();
    names.sort();
    names
}

/// What the QDevice would add to this side.
fn missing_votes(quorum: &QuorumStatus, conf: &CorosyncConf) -> u32 {
    device_votes(conf).saturating_sub(quorum.qdevice_votes.unwrap_or(0))
}

fn device_votes(conf: &CorosyncConf) -> u32 {
    conf.qdevice.as_ref().map_or(0, |device| device.votes)
}

fn votes_of_members(quorum: &QuorumStatus) -> u32 {
    quorum.total_votes.saturating_sub(quorum.qdevice_votes.unwrap_or(0))
}

/// What this side expects once it was told to expect so many votes.
pub(crate) fn reached(votes: u32, quorum: &QuorumStatus, conf: &CorosyncConf) -> u32 {
    lowered(votes, votes_of_members(quorum), device_votes(conf))
}

/// Nodes of this side that do not see it as the first one does.
fn contradictions(first: &Told, told: &[Told]) -> Vec<String> {
    let ids = |quorum: &QuorumStatus| quorum.members.iter().map(|member| member.id).collect::<Vec<_>>();
    let here = ids(&first.quorum);
    let differs = |one: &&Told| {
        here.contains(&one.quorum.node_id)
            && (ids(&one.quorum) != here
                || one.quorum.ring_id != first.quorum.ring_id
                || one.quorum.total_votes != first.quorum.total_votes)
    };
    told.iter().filter(differs).map(|one| one.node.label().to_owned()).collect()
}
