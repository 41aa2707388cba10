//! Gathering what the prerequisites need: all nodes in parallel, three rounds per node, and beside them a probe that all
//! run together. What is known is shown while the rest is still coming in.

mod board;
mod node;

pub(crate) use node::{clock_offset, run_probe};

use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::limits::{CHECKS_FIRST_PAUSE, CHECKS_SEND_PAUSE, EVIDENCE_BATCH_MAX};
use board::Board;
use futures::future::join_all;
use jiff::Timestamp;
use model::audit::{AuditCode, Outcome};
use model::checks;
use model::ids::ClusterId;
use model::inventory::{Node, Purpose};
use model::links::LinkPlan;
use model::preflight::{Matrix, MatrixNode, Verdict, probe_plan};
use model::problem::{Problem, ProblemCode};
use node::Column;
use std::pin::pin;
use tokio::time::Instant;

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
        let board = Board::new(&members, known.name.as_str());
        self.hub.set_matrix(cluster, matrix(&members, Vec::new(), started_at, None));
        self.watched(who, cluster, &members, &links, &board, started_at).await;
        let facts = board.whole();
        let matrix = matrix(&members, checks::judge(&facts, &links), started_at, Some(self.clock.now()));
        let seen: Vec<_> =
            facts.into_iter().flat_map(|node| node.evidence.into_values()).map(|one| (cluster, one)).collect();
        for batch in seen.chunks(EVIDENCE_BATCH_MAX) {
            self.store.keep_all(batch).await.map_err(|error| store_problem(&error))?;
        }
        let mut entry = self.audit.about(AuditCode::ChecksRun, who, Outcome::Success, &known);
        for verdict in [Verdict::Pass, Verdict::Warn, Verdict::Fail, Verdict::Error, Verdict::Skipped] {
            entry.details.insert(verdict.word().to_owned(), matrix.count(verdict).to_string());
        }
        self.audit.write(entry).await.map_err(|error| store_problem(&error))?;
        self.store.keep_checks(cluster, &matrix).await.map_err(|error| store_problem(&error))?;
        self.hub.set_matrix(cluster, matrix.clone());
        Ok(matrix)
    }

    /// All rounds of all nodes; the matrix is sent whenever it knows more, but not more often than is of use.
    async fn watched(
        &self,
        who: &Person,
        cluster: ClusterId,
        members: &[Node],
        links: &[LinkPlan],
        board: &Board,
        started_at: Timestamp,
    ) {
        let mut rounds = pin!(self.rounds(who, cluster, members, board));
        let mut next = Instant::now();
        loop {
            let more = async {
                board.changed().await;
                tokio::time::sleep_until(next).await;
            };
            tokio::select! {
                () = &mut rounds => return,
                () = more => {
                    let cells = board.cells(links);
                    // Until the first verdict there is nothing to wait for but that one.
                    let pause = if cells.is_empty() { CHECKS_FIRST_PAUSE } else { CHECKS_SEND_PAUSE };
                    if !cells.is_empty() {
                        self.hub.set_matrix(cluster, matrix(members, cells, started_at, None));
                    }
                    next = Instant::now() + pause;
                }
            }
        }
    }

    /// The rounds of all nodes, and beside them the probe, which begins when it is known where each of them stands: it
    /// takes its seconds whatever else happens, and what a node is asked takes about as long.
    async fn rounds(&self, who: &Person, cluster: ClusterId, members: &[Node], board: &Board) {
        let column = |(index, node)| Column { engine: self, node, index, board };
        let columns: Vec<Column<'_>> = members.iter().enumerate().map(column).collect();
        let probing = async {
            board.placed().await;
            // A measurement of links has the same ports.
            let _turn = self.probing.wait(cluster, &who.name).await;
            // Every node runs its end at the same time: each listens, and each calls all others.
            let plan = probe_plan::probe_plan(&board.all());
            let there = columns.iter().filter(|column| !board.is_lost(column.index));
            join_all(there.map(|column| {
                let targets = plan.get(&column.node.id).cloned().unwrap_or_default();
                async move { column.probe(&targets).await }
            }))
            .await;
        };
        let asking = join_all(columns.iter().map(|column| column.ask()));
        let (asked, ()) = tokio::join!(asking, probing);
        columns.iter().zip(asked).for_each(|(column, asked)| column.end(asked));
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
