//! One node's answers for the prerequisites: three rounds, each one bundle of questions with one time limit, and beside
//! them its end of the probe.

use super::board::Board;
use crate::context::Engine;
use crate::evidence::{answer, evidence, kept, unreadable};
use crate::limits::{PROBE_WINDOW_S, ROUND_MAX};
use crate::ports::{NodeShell, Output, ShellError};
use model::facts::ProbeReport;
use model::ids::NodeId;
use model::inventory::Node;
use model::observation::Evidence;
use model::preflight::probe_plan::ProbeTargets;
use model::preflight::{ClockOffset, Gathered, Source};
use model::problem::{Problem, ProblemCode};
use pve::prerequisites::{self, Question};
use pve::{CommandLine, ParseError, host, probe as port_probe};
use std::net::SocketAddr;
use tokio::sync::mpsc;

/// One node in its column.
#[derive(Clone, Copy)]
pub struct Column<'a> {
    pub engine: &'a Engine,
    pub node: &'a Node,
    pub index: usize,
    pub board: &'a Board,
}

impl Column<'_> {
    /// All three rounds, one after the other, while the probe runs beside them; the error is why one ended early.
    ///
    /// A node that is not even placed when that happens is given up at once: the others' probe waits for it.
    pub async fn ask(self) -> Result<(), Problem> {
        let asked = self.rounds().await;
        if let Err(problem) = &asked
            && !self.board.is_placed(self.index)
        {
            self.board.give_up(self.index, problem);
        }
        asked
    }

    async fn rounds(self) -> Result<(), Problem> {
        let shell = self.engine.shell_to(self.node).await?;
        self.round(shell.as_ref(), &prerequisites::first(&self.found())).await?;
        let second = prerequisites::second(&self.found());
        if !second.iter().any(|question| question.source == Source::Resolve) {
            // A machine without a name that could be looked up: nobody need wait for what it leads to.
            self.board.set(self.index, Source::Resolve, None, |_| ());
        }
        self.round(shell.as_ref(), &second).await?;
        self.round(shell.as_ref(), &prerequisites::third(&self.found())).await
    }

    /// This node's end of the probe.
    pub async fn probe(self, targets: &ProbeTargets) {
        let (seen, report) = match self.engine.shell_to(self.node).await {
            Ok(shell) => run_probe(self.node, shell.as_ref(), targets).await,
            Err(problem) => (None, Err(problem)),
        };
        self.board.set(self.index, Source::Probe, seen, |found| found.probe = report);
    }

    /// The clock was looked at in every round and is as good as it gets; nothing else comes any more.
    pub fn end(self, asked: Result<(), Problem>) {
        let rest = asked.err().unwrap_or_else(|| Problem::new(ProblemCode::Garbage).with("node", self.node.label()));
        self.board.give_up(self.index, &rest);
    }

    fn found(&self) -> model::preflight::NodeEvidence {
        let silent = || {
            let problem = Problem::new(ProblemCode::Garbage);
            model::preflight::NodeEvidence::missing(self.node.id, self.node.label(), self.index == 0, &problem)
        };
        self.board.found(self.index).unwrap_or_else(silent)
    }

    /// Asks one bundle within [`ROUND_MAX`]; every answer is on the board as soon as it is there.
    async fn round(&self, shell: &dyn NodeShell, questions: &[Question]) -> Result<(), Problem> {
        let clock = host::clock();
        // First of all, because nothing of the bundle must be waited for by it.
        let commands: Vec<CommandLine> =
            std::iter::once(clock.clone()).chain(questions.iter().map(|question| question.command.clone())).collect();
        self.board.begin(self.index, questions);
        let (told, mut answers) = mpsc::unbounded_channel();
        let asking = shell.sweep_told(&commands, told);
        let reading = async {
            let mut questions = questions.iter();
            let mut first = true;
            while let Some(output) = answers.recv().await {
                if std::mem::take(&mut first) {
                    self.clock(&clock, &output);
                } else if let Some(question) = questions.next() {
                    let seen = kept(self.node.label(), &question.command, &output);
                    self.board.answer(self.index, question, answer(&output), seen);
                }
            }
        };
        let both = async { tokio::join!(asking, reading).0 };
        match tokio::time::timeout(ROUND_MAX, both).await {
            Ok(asked) => asked.map_err(|error| self.lost(&error)),
            Err(_) => Err(Problem::new(ProblemCode::NodeHangs)
                .with("seconds", ROUND_MAX.as_secs())
                .with("node", self.node.label())),
        }
    }

    fn lost(&self, error: &ShellError) -> Problem {
        error.problem().with("node", self.node.label())
    }

    fn clock(&self, command: &CommandLine, output: &Output) {
        let seen = evidence(self.node.label(), command, output);
        match clock_offset(output) {
            Ok(offset) => self.board.clock(self.index, offset, seen),
            Err(error) => {
                let problem = unreadable(&error, self.node.label());
                self.board.set(self.index, Source::Clock, Some(seen), |found| {
                    if found.clock.is_err() {
                        found.clock = Err(problem);
                    }
                });
            }
        }
        self.board.set(self.index, Source::Clock, None, |_| ());
    }
}

/// One node's end of the probe; its whole answer, because a line of it may prove something.
pub async fn run_probe(
    node: &Node,
    shell: &dyn NodeShell,
    targets: &ProbeTargets,
) -> (Option<Evidence>, Gathered<ProbeReport>) {
    let addresses =
        |list: &[(NodeId, SocketAddr)]| -> Vec<SocketAddr> { list.iter().map(|(_, address)| *address).collect() };
    let plan = port_probe::ProbePlan {
        listen: targets.listen.clone(),
        udp: addresses(&targets.udp),
        tcp: addresses(&targets.tcp).into_iter().chain(targets.refusing.iter().copied()).collect(),
        echo: targets.echo.clone(),
    };
    let command = port_probe::run(&plan, PROBE_WINDOW_S);
    match shell.run(&command).await {
        Ok(output) => {
            let report = port_probe::report(answer(&output)).map_err(|error| unreadable(&error, node.label()));
            (Some(kept(node.label(), &command, &output)), report)
        }
        Err(error) => (None, Err(error.problem().with("node", node.label()))),
    }
}

/// Node minus console, from the middle of the way there and back.
pub fn clock_offset(output: &Output) -> Result<ClockOffset, ParseError> {
    let time = host::clock_time(answer(output))?;
    let half = i64::from(output.millis) / 2;
    let middle = output.at.as_millisecond() - half;
    Ok(ClockOffset { millis: time.as_millisecond() - middle, error_millis: half.max(1) })
}
