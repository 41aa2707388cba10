//! What a step may use: reading, changing with an audited pair, and the proofs' patience.

use super::{StepResult, Stop};
use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::evidence::{answer, evidence, unreadable};
use crate::limits::{OUTPUT_LINES_MAX, POLL_PAUSE, REDIAL_FOR};
use crate::ports::{NodeShell, Output, ShellError};
use crate::served;
use model::bmc::Bmc;
use model::facts::{CorosyncConf, QuorumStatus};
use model::ids::NodeId;
use model::inventory::Node;
use model::live::Live;
use model::operation::{Operation, OutputLine, StepStatus};
use model::plan::Step;
use model::problem::{Problem, ProblemCode};
use pve::{Answer, CommandLine, ParseError, clean_text};
use std::sync::Arc;
use tokio::time::{Instant, sleep};

/// One step of one operation, being carried out.
pub struct StepContext<'a> {
    pub engine: &'a Engine,
    pub operation: &'a Operation,
    pub index: u16,
    pub step: &'a Step,
    /// Who started the operation or went on with it.
    pub who: &'a Person,
    password_shell: Option<Arc<dyn NodeShell>>,
}

impl<'a> StepContext<'a> {
    /// `None` where the plan has no such step.
    #[must_use]
    pub fn new(
        engine: &'a Engine,
        operation: &'a Operation,
        index: u16,
        who: &'a Person,
        password_shell: Option<Arc<dyn NodeShell>>,
    ) -> Option<Self> {
        let step = operation.plan.steps.get(usize::from(index))?;
        Some(Self { engine, operation, index, step, who, password_shell })
    }

    /// Whether a person goes on with this step after it was parked.
    #[must_use]
    pub fn was_parked(&self) -> bool {
        // The operation was read before the step was started again.
        matches!(self.operation.steps.get(usize::from(self.index)), Some(StepStatus::Parked { .. }))
    }

    /// A machine of this plan.
    pub async fn node(&self, id: NodeId) -> StepResult<Node> {
        self.engine.node(id).await.map_err(Stop::Parked)
    }

    async fn shell(&self, node: &Node) -> Result<Arc<dyn NodeShell>, Problem> {
        match &self.password_shell {
            Some(shell) if node.id == self.step.node => Ok(Arc::clone(shell)),
            _ => self.engine.shell_to(node).await,
        }
    }

    /// The connection, dialled again for a while where it was just lost. A changed key is never waited for.
    async fn patient_shell(&self, node: &Node) -> StepResult<Arc<dyn NodeShell>> {
        let until = Instant::now() + REDIAL_FOR;
        loop {
            match self.shell(node).await {
                Ok(shell) => return Ok(shell),
                Err(problem) if problem.code == ProblemCode::HostKeyChanged || Instant::now() >= until => {
                    return Err(Stop::Parked(problem));
                }
                Err(_) => sleep(POLL_PAUSE).await,
            }
        }
    }

    /// Reads something; the look is kept as evidence of this plan.
    pub async fn read(&self, node: &Node, command: &CommandLine) -> StepResult<Output> {
        let until = Instant::now() + REDIAL_FOR;
        loop {
            let shell = self.patient_shell(node).await?;
            match shell.run(command).await {
                Ok(output) => {
                    let seen = evidence(node.label(), command, &output);
                    let (cluster, id) = (self.operation.cluster, self.operation.id);
                    if let Err(error) = self.engine.store.keep(cluster, Some(id), &seen).await {
                        tracing::warn!(store.error = %error, "evidence was not kept");
                    }
                    return Ok(output);
                }
                // A read may be repeated; only a lost connection is worth it.
                Err(ShellError::Lost { .. }) if Instant::now() < until => sleep(POLL_PAUSE).await,
                Err(error) => return Err(Stop::Parked(error.problem().with("node", node.label()))),
            }
        }
    }

    /// Reads and parses; garbage parks the step, because nothing is known.
    pub async fn ask<T>(
        &self,
        node: &Node,
        command: &CommandLine,
        parse: impl for<'b> FnOnce(Answer<'b>) -> Result<T, ParseError>,
    ) -> StepResult<T> {
        let output = self.read(node, command).await?;
        parse(answer(&output)).map_err(|error| Stop::Parked(unreadable(&error, node.label())))
    }

    /// Changes something: two audit entries around it, the first one on disk before the command leaves.
    pub async fn change(&self, node: &Node, command: &CommandLine) -> StepResult<Output> {
        let shell = self.patient_shell(node).await?;
        let started = self
            .engine
            .audit
            .command_started(self.who, self.operation, self.index, node.label(), command, None)
            .await
            .map_err(|error| Stop::Parked(store_problem(&error)))?;
        let result = shell.run(command).await;
        self.engine
            .audit
            .command_finished(started, &result)
            .await
            .map_err(|error| Stop::Parked(store_problem(&error)))?;
        result.map_err(|error| Stop::Parked(error.problem().with("node", node.label())))
    }

    /// As `change`, and any other exit code than 0 fails the step with what the node said.
    pub async fn change_ok(&self, node: &Node, command: &CommandLine) -> StepResult<()> {
        let output = self.change(node, command).await?;
        match output.exit {
            Some(0) => Ok(()),
            // Ended from outside: how far it came is not known.
            None => Err(Stop::Parked(failed(node, command, &output))),
            Some(_) if output.timed_out() => Err(Stop::Parked(failed(node, command, &output))),
            Some(_) => Err(Stop::Failed(failed(node, command, &output))),
        }
    }

    /// As `change`, for a command that changes this step's machine from outside of it.
    pub async fn change_outside(&self, bmc: &Bmc, command: &CommandLine) -> StepResult<Output> {
        let audit = &self.engine.audit;
        let shown = pve::bmc::shown(&bmc.way, command);
        let started = audit
            .outside_started(self.who, self.operation, self.index, &self.step.node_name, shown)
            .await
            .map_err(|error| Stop::Parked(store_problem(&error)))?;
        let result = self.engine.run_outside(bmc, command).await;
        let told = result.clone().map_err(|problem| ShellError::Lost { text: problem.to_string() });
        audit.command_finished(started, &told).await.map_err(|error| Stop::Parked(store_problem(&error)))?;
        result.map_err(|problem| {
            let problem = problem.with("node", &self.step.node_name).with("bmc", &bmc.way);
            match problem.code {
                // Nothing has left the console.
                ProblemCode::BmcAgentMissing | ProblemCode::SealMissing => Stop::Failed(problem),
                _ => Stop::Parked(problem),
            }
        })
    }

    /// Shows lines to everybody who watches, and keeps them.
    pub async fn print(&self, lines: Vec<(bool, String)>, next: &mut u64) {
        let at = self.engine.clock.now();
        let mut kept = Vec::new();
        for (error, text) in lines {
            if *next >= OUTPUT_LINES_MAX {
                break;
            }
            *next += 1;
            kept.push(OutputLine { seq: *next, step: self.index, at, error, text: clean_text(&text) });
        }
        if let Err(error) = self.engine.store.append_output(self.operation.id, &kept).await {
            tracing::warn!(store.error = %error, "output was not kept");
        }
        for line in kept {
            self.engine.hub.push(self.operation.cluster, Live::Output { operation: self.operation.id, line });
        }
    }

    /// The nodelist as the cluster's file has it; `None` where the node has no such file.
    pub async fn conf(&self, node: &Node, command: &CommandLine) -> StepResult<Option<CorosyncConf>> {
        let output = self.read(node, command).await?;
        match pve::corosync_conf::conf(answer(&output)) {
            Ok(conf) => Ok(conf),
            Err(error) => Err(Stop::Parked(unreadable(&error, node.label()))),
        }
    }

    /// The cluster's own nodelist; `None` where the node is in no cluster. Where only pmxcfs is down nobody knows, and it parks.
    pub async fn cluster_conf(&self, node: &Node) -> StepResult<Option<CorosyncConf>> {
        let command = pve::files::cluster_corosync_conf();
        let conf = self.conf(node, &command).await?;
        if conf.is_some() {
            return Ok(conf);
        }
        let [unit, mount, local] = served::asks_without_conf();
        let (unit, mount) = (self.read(node, &unit).await?, self.read(node, &mount).await?);
        let local = self.read(node, &local).await?;
        served::no_cluster(node.label(), [answer(&unit), answer(&mount), answer(&local)]).map_err(Stop::Parked)?;
        // pmxcfs may have come back between the questions.
        self.conf(node, &command).await
    }

    /// As [`Self::cluster_conf`], of a node that is to be a member.
    pub async fn members_conf(&self, node: &Node) -> StepResult<CorosyncConf> {
        let conf = self.cluster_conf(node).await?;
        conf.ok_or_else(|| Stop::Failed(Problem::new(ProblemCode::NotInCluster).with("node", node.label())))
    }

    /// What corosync says, or `None` where nothing readable came: for a wait that asks again, and for no judgement.
    pub async fn quorum(&self, node: &Node) -> StepResult<Option<QuorumStatus>> {
        let output = self.read(node, &pve::quorumtool::status()).await?;
        Ok(pve::quorumtool::quorum(answer(&output)).ok())
    }
}

/// The answer of `corosync-quorumtool -s`; `None` where it says that corosync does not run.
///
/// # Errors
/// Every other answer that cannot be read.
pub fn quorum_told(output: &Output) -> Result<Option<QuorumStatus>, ParseError> {
    match pve::quorumtool::quorum(answer(output)) {
        Ok(status) => Ok(Some(status)),
        Err(error) if error.reason == pve::Reason::CorosyncDown => Ok(None),
        Err(error) => Err(error),
    }
}

/// What went wrong with a command, in the node's own last words.
pub fn failed(node: &Node, command: &CommandLine, output: &Output) -> Problem {
    let words = String::from_utf8_lossy(&output.stderr);
    let words = if words.trim().is_empty() { String::from_utf8_lossy(&output.stdout) } else { words };
    let line = words.lines().rev().find(|line| !line.trim().is_empty()).map(clean_text).unwrap_or_default();
    let code = if output.timed_out() { ProblemCode::NodeHangs } else { ProblemCode::CommandFailed };
    Problem::new(code)
        .with("node", node.label())
        .with("what", command.display())
        .with("exit", output.exit.map_or_else(|| "-".to_owned(), |code| code.to_string()))
        .quoting(line)
}
