//! Measuring the links that are chosen now: all nodes run one probe together, and every answer is told as it comes.

use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::hub::Measured;
use crate::limits::{EVIDENCE_BATCH_MAX, MEASURE_SEND_PAUSE};
use crate::preflight::run_probe;
use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;
use model::audit::{AuditCode, Outcome};
use model::facts::ProbeReport;
use model::ids::{ClusterId, NodeId};
use model::inventory::{Node, Purpose};
use model::links::{LINKS_MAX, LinkPlan, NodeAddresses};
use model::measure::{self, Measurement, NodeReport};
use model::observation::Evidence;
use model::preflight::{Gathered, MatrixNode, ProbeTargets, Verdict};
use model::problem::{Problem, ProblemCode};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::time::Instant;

/// What an interface takes that has not said otherwise, in bytes.
const MTU_USUAL: u32 = 1_500;

impl Engine {
    /// Measures these links between the members of a draft, or of a cluster that grows. Only addresses that the nodes
    /// themselves have are called.
    ///
    /// # Errors
    /// When there is nothing to measure, somebody else measures at this moment, or the store fails. What a node does wrong stands in its ways.
    pub async fn measure_links(
        &self,
        who: &Person,
        cluster: ClusterId,
        links: &[LinkPlan],
    ) -> Result<Arc<Measurement>, Problem> {
        if links.is_empty() || links.len() > LINKS_MAX {
            return Err(Problem::new(ProblemCode::LinksIncomplete).with("max", LINKS_MAX));
        }
        let known = self.store.cluster(cluster).await.map_err(|error| store_problem(&error))?;
        let nodes = self.store.nodes(cluster).await.map_err(|error| store_problem(&error))?;
        let chosen = |node: &Node| links.iter().any(|link| link.addresses.contains_key(&node.id));
        let mut members: Vec<Node> =
            nodes.into_iter().filter(|node| node.purpose == Purpose::Member && chosen(node)).collect();
        members.sort_by_key(|node| node.position);
        if members.len() < 2 {
            return Err(ProblemCode::NodeCountTooLow.into());
        }
        let turn = self.probing.take(cluster, &who.name);
        let _turn = turn.map_err(|by| Problem::new(ProblemCode::MeasuringAlready).with("by", by))?;
        let run = Run::new(links, &members, self.clock.now());
        let measured = self.run_measurement(cluster, run, &members).await;
        self.keep_measured(cluster, &measured).await?;
        let mut entry = self.audit.about(AuditCode::LinksMeasured, who, Outcome::Success, &known);
        for verdict in [Verdict::Pass, Verdict::Warn, Verdict::Fail, Verdict::Error, Verdict::Skipped] {
            entry.details.insert(verdict.word().to_owned(), measured.report.count(verdict).to_string());
        }
        self.audit.write(entry).await.map_err(|error| store_problem(&error))?;
        Ok(measured.report)
    }

    async fn run_measurement(&self, cluster: ClusterId, mut run: Run, members: &[Node]) -> Measured {
        self.hub.set_measured(cluster, run.measured(None));
        let addresses = join_all(members.iter().map(|node| self.addresses(node))).await;
        let targets = run.prepare(members, addresses);
        let mut answers: FuturesUnordered<_> = members
            .iter()
            .filter_map(|node| Some((node, targets.get(&node.id)?)))
            .map(|(node, targets)| async move { (node.id, self.probe_once(node, targets).await) })
            .collect();
        let mut sent_at = Instant::now();
        while let Some((node, (seen, report))) = answers.next().await {
            run.take(node, seen, report);
            if sent_at.elapsed() >= MEASURE_SEND_PAUSE && !answers.is_empty() {
                sent_at = Instant::now();
                self.hub.set_measured(cluster, run.measured(None));
            }
        }
        let measured = run.measured(Some(self.clock.now()));
        self.hub.set_measured(cluster, measured.clone());
        measured
    }

    async fn keep_measured(&self, cluster: ClusterId, measured: &Measured) -> Result<(), Problem> {
        let seen: Vec<_> = measured.evidence.values().map(|one| (cluster, one.clone())).collect();
        for batch in seen.chunks(EVIDENCE_BATCH_MAX) {
            self.store.keep_all(batch).await.map_err(|error| store_problem(&error))?;
        }
        self.store.keep_measured(cluster, measured).await.map_err(|error| store_problem(&error))
    }

    async fn probe_once(&self, node: &Node, targets: &ProbeTargets) -> (Option<Evidence>, Gathered<ProbeReport>) {
        match self.shell_to(node).await {
            Ok(shell) => run_probe(node, shell.as_ref(), targets).await,
            Err(problem) => (None, Err(problem)),
        }
    }
}

/// A measurement while it fills.
struct Run {
    links: Vec<LinkPlan>,
    started_at: Timestamp,
    nodes: Vec<NodeReport>,
    evidence: BTreeMap<NodeId, Evidence>,
}

impl Run {
    fn new(links: &[LinkPlan], members: &[Node], started_at: Timestamp) -> Self {
        let node = |node: &Node| NodeReport { node: node.id, label: node.label().to_owned(), report: None };
        let members: Vec<NodeReport> = members.iter().map(node).collect();
        // Addresses of machines that are not there any more would never be answered for.
        let of_members = |link: &LinkPlan| {
            let there = |node: &NodeId| members.iter().any(|member| member.node == *node);
            let addresses = link.addresses.iter().filter(|(node, _)| there(node)).map(|(node, own)| (*node, *own));
            LinkPlan { addresses: addresses.collect(), ..link.clone() }
        };
        let links = links.iter().map(of_members).collect();
        Self { links, started_at, nodes: members, evidence: BTreeMap::new() }
    }

    /// Who calls whom: nobody calls an address that its node does not have, because that would be somebody else's.
    fn prepare(
        &mut self,
        members: &[Node],
        addresses: Vec<Result<NodeAddresses, Problem>>,
    ) -> BTreeMap<NodeId, ProbeTargets> {
        let mut own: BTreeMap<NodeId, NodeAddresses> = BTreeMap::new();
        for (member, found) in members.iter().zip(addresses) {
            let foreign = |found: &NodeAddresses| {
                let chosen = self.links.iter().filter_map(|link| link.addresses.get(&member.id));
                let local = |address: &IpAddr| found.addresses.iter().any(|own| own.address == *address);
                chosen.copied().find(|address| !local(address))
            };
            let problem = match found {
                Err(problem) => problem,
                Ok(found) => match foreign(&found) {
                    Some(address) => {
                        Problem::new(ProblemCode::LinkNotLocal).with("node", member.label()).with("address", address)
                    }
                    None => {
                        own.insert(member.id, found);
                        continue;
                    }
                },
            };
            self.take(member.id, None, Err(problem));
        }
        let reachable = |link: &LinkPlan| {
            let known = link.addresses.iter().filter(|(node, _)| own.contains_key(node));
            LinkPlan { addresses: known.map(|(node, address)| (*node, *address)).collect(), ..link.clone() }
        };
        let links: Vec<LinkPlan> = self.links.iter().map(reachable).collect();
        measure::targets(&links, |node, address| {
            own.get(&node).and_then(|own| mtu_at(own, address)).unwrap_or(MTU_USUAL)
        })
    }

    fn take(&mut self, node: NodeId, seen: Option<Evidence>, report: Gathered<ProbeReport>) {
        if let Some(one) = self.nodes.iter_mut().find(|one| one.node == node) {
            one.report = Some(report);
        }
        if let Some(seen) = seen {
            self.evidence.insert(node, seen);
        }
    }

    fn measured(&self, finished_at: Option<Timestamp>) -> Measured {
        let nodes = self.nodes.iter().enumerate();
        let report = Measurement {
            started_at: self.started_at,
            finished_at,
            links: self.links.clone(),
            nodes: nodes
                .map(|(at, one)| MatrixNode { node: one.node, label: one.label.clone(), first: at == 0 })
                .collect(),
            ways: measure::judge(&self.links, &self.nodes),
        };
        Measured { report: Arc::new(report), evidence: self.evidence.clone() }
    }
}

fn mtu_at(node: &NodeAddresses, address: IpAddr) -> Option<u32> {
    let name = &node.addresses.iter().find(|own| own.address == address)?.interface;
    node.interfaces.iter().find(|one| one.name == *name).map(|one| one.mtu)
}
