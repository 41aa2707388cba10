//! Gathering what the prerequisites need: all nodes in parallel, two looks per node and one probe that all run together.

mod node;

use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::limits::PROBE_WINDOW_S;
use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use model::audit::{AuditCode, Outcome};
use model::checks;
use model::ids::ClusterId;
use model::inventory::{Node, Purpose};
use model::links::LinkPlan;
use model::preflight::{CheckId, Matrix, MatrixNode, NodeEvidence, Verdict, probe_plan};
use model::problem::{Problem, ProblemCode};

impl Engine {
    /// Checks every member of a draft; the matrix is pushed whenever a node has answered.
    ///
    /// # Errors
    /// When there is nothing to check, or the store fails. What a node does wrong is a cell, not an error.
    pub async fn run_checks(&self, who: &Person, cluster: ClusterId) -> Result<Matrix, Problem> {
        let known = self.store.cluster(cluster).await.map_err(|error| store_problem(&error))?;
        let nodes = self.store.nodes(cluster).await.map_err(|error| store_problem(&error))?;
        let links = self.store.draft(cluster).await.map_err(|error| store_problem(&error))?.links;
        let mut members: Vec<Node> = nodes.into_iter().filter(|node| node.purpose == Purpose::Member).collect();
        members.sort_by_key(|node| node.position);
        if members.is_empty() {
            return Err(ProblemCode::NodeCountTooLow.into());
        }
        let started_at = self.clock.now();
        let facts = self.gather(cluster, &members, &links, started_at).await;
        let facts = self.probe_ports(&members, facts).await;
        let matrix = matrix(&members, checks::judge(&facts, &links), started_at, Some(self.clock.now()));
        for evidence in facts.iter().flat_map(|node| node.evidence.values()) {
            self.store.keep(cluster, None, evidence).await.map_err(|error| store_problem(&error))?;
        }
        let mut entry = self.audit.about(AuditCode::ChecksRun, who, Outcome::Success, &known);
        for verdict in [Verdict::Pass, Verdict::Warn, Verdict::Fail, Verdict::Error, Verdict::Skipped] {
            entry.details.insert(verdict.word().to_owned(), matrix.count(verdict).to_string());
        }
        self.audit.write(entry).await.map_err(|error| store_problem(&error))?;
        self.hub.set_matrix(cluster, matrix.clone());
        Ok(matrix)
    }

    /// The first two looks; nodes answer in any order, the columns keep theirs.
    async fn gather(
        &self,
        cluster: ClusterId,
        members: &[Node],
        links: &[LinkPlan],
        started_at: Timestamp,
    ) -> Vec<NodeEvidence> {
        let mut waiting: FuturesUnordered<_> = members
            .iter()
            .enumerate()
            .map(|(index, member)| async move { (index, node::gather(self, member, index == 0).await) })
            .collect();
        let mut answered: Vec<Option<NodeEvidence>> = vec![None; members.len()];
        while let Some((index, facts)) = waiting.next().await {
            if let Some(slot) = answered.get_mut(index) {
                *slot = Some(facts);
            }
            let known: Vec<NodeEvidence> = answered.iter().flatten().cloned().collect();
            let mut cells = checks::judge(&known, links);
            // Ports need everybody and the probe; until then the cell is simply not there.
            cells.retain(|cell| !matches!(cell.check, CheckId::Ports | CheckId::ManagementNetwork));
            self.hub.set_matrix(cluster, matrix(members, cells, started_at, None));
        }
        answered.into_iter().flatten().collect()
    }

    /// Every node runs its end at the same time: each listens, and each calls all others.
    async fn probe_ports(&self, members: &[Node], facts: Vec<NodeEvidence>) -> Vec<NodeEvidence> {
        let plan = probe_plan::probe_plan(&facts);
        let runs = facts.into_iter().map(|mut one| {
            let targets = plan.get(&one.node).cloned().unwrap_or_default();
            let member = members.iter().find(|node| node.id == one.node);
            async move {
                if let Some(member) = member {
                    node::probe(self, member, &mut one, &targets, PROBE_WINDOW_S).await;
                }
                one
            }
        });
        join_all(runs).await
    }
}

fn matrix(
    members: &[Node],
    cells: Vec<model::preflight::Cell>,
    started_at: Timestamp,
    finished_at: Option<Timestamp>,
) -> Matrix {
    let nodes = members
        .iter()
        .enumerate()
        .map(|(index, node)| MatrixNode { node: node.id, label: node.label().to_owned(), first: index == 0 })
        .collect();
    Matrix { started_at, finished_at, nodes, cells }
}
