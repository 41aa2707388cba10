//! Asking for the power of a machine. Changes nothing.

use crate::context::{Engine, store_problem};
use crate::evidence::{answer, evidence};
use crate::limits::BMC_TWICE_PAUSE;
use crate::ports::{Output, SealedSecret};
use model::bmc::{Bmc, Power, PowerReading, SystemUuid};
use model::ids::NodeId;
use model::inventory::Node;
use model::observation::Evidence;
use model::problem::{Problem, ProblemCode};
use pve::CommandLine;
use pve::bmc::PowerFault;

/// What was asked and answered so far.
struct Asking<'a> {
    engine: &'a Engine,
    node: &'a Node,
    bmc: &'a Bmc,
    evidence: Vec<Evidence>,
}

impl Engine {
    /// Asks a machine's BMC for its power and keeps what it said.
    ///
    /// # Errors
    /// `BmcMissing`, or a failing store. That it does not say is in the reading.
    pub async fn ask_power(&self, id: NodeId) -> Result<Bmc, Problem> {
        let node = self.node(id).await?;
        let bmc = self.need_bmc(&node).await?;
        let reading = self.read_power(&node, &bmc).await;
        let failed = |error| store_problem(&error);
        for seen in &reading.evidence {
            self.store.keep(node.cluster, None, seen).await.map_err(failed)?;
        }
        self.store.note_power(id, bmc.set_at, &reading).await.map_err(failed)?;
        Ok(Bmc { last: Some(reading), ..bmc })
    }

    /// The power, the UUID, and the power once more where it was off: in this order, so that the last answer is the newest.
    pub(crate) async fn read_power(&self, node: &Node, bmc: &Bmc) -> PowerReading {
        let mut asking = Asking { engine: self, node, bmc, evidence: Vec::new() };
        let told = asking.read().await;
        let (power, twice, uuid, problem) = match told {
            Ok((power, twice, uuid)) => (Some(power), twice, Some(uuid), None),
            Err(problem) => (None, false, None, Some(problem)),
        };
        PowerReading { power, twice, problem, uuid, at: self.clock.now(), evidence: asking.evidence }
    }

    /// The UUID that the BMC tells.
    pub(super) async fn told_uuid(&self, node: &Node, bmc: &Bmc) -> Result<SystemUuid, Problem> {
        let mut asking = Asking { engine: self, node, bmc, evidence: Vec::new() };
        let told = asking.uuid().await;
        for seen in &asking.evidence {
            self.store.keep(node.cluster, None, seen).await.map_err(|error| store_problem(&error))?;
        }
        told
    }

    /// Runs a line where the power of this machine is reached: by the agent here, or on the host that it is a guest of.
    pub(crate) async fn run_outside(&self, bmc: &Bmc, command: &CommandLine) -> Result<Output, Problem> {
        if let Some(outer) = bmc.way.outer() {
            let host = self.node(outer).await?;
            let shell = self.shell_to(&host).await?;
            return shell.run(command).await.map_err(|error| error.problem().with("node", host.label()));
        }
        let kept = self.store.bmc_secret(bmc.node).await.map_err(|error| store_problem(&error))?;
        let bytes = kept.ok_or_else(|| Problem::from(ProblemCode::SealMissing))?;
        let secret = SealedSecret { name: bmc.way.secret_name(bmc.node), bytes };
        self.agent.run(command, &secret).await.map_err(|error| error.problem())
    }
}

impl Asking<'_> {
    async fn read(&mut self) -> Result<(Power, bool, SystemUuid), Problem> {
        let first = self.power().await?;
        let uuid = self.uuid().await?;
        if first == Power::On {
            return Ok((first, false, uuid));
        }
        tokio::time::sleep(BMC_TWICE_PAUSE).await;
        let second = self.power().await?;
        Ok((second, second == first, uuid))
    }

    async fn power(&mut self) -> Result<Power, Problem> {
        let output = self.run(&pve::bmc::status(&self.bmc.way)).await?;
        pve::bmc::power(answer(&output), self.bmc.way.kind()).map_err(|fault| self.problem(&fault))
    }

    async fn uuid(&mut self) -> Result<SystemUuid, Problem> {
        let output = self.run(&pve::bmc::uuid(&self.bmc.way)).await?;
        pve::bmc::told_uuid(answer(&output), self.bmc.way.kind()).map_err(|fault| self.problem(&fault))
    }

    async fn run(&mut self, command: &CommandLine) -> Result<Output, Problem> {
        let label = self.node.label();
        let output = self.engine.run_outside(self.bmc, command).await;
        let output = output.map_err(|problem| named(problem, label, self.bmc))?;
        let seen = evidence(label, command, &output);
        self.evidence.push(Evidence { command: pve::bmc::shown(&self.bmc.way, command), ..seen });
        Ok(output)
    }

    fn problem(&self, fault: &PowerFault) -> Problem {
        problem(fault, self.node.label(), &self.bmc.way.to_string())
    }
}

/// A problem of the way there, with the machine that it is about.
fn named(problem: Problem, node: &str, bmc: &Bmc) -> Problem {
    let problem = if problem.params.contains_key("node") { problem } else { problem.with("node", node) };
    problem.with("bmc", &bmc.way)
}

/// The words for people.
pub(super) fn problem(fault: &PowerFault, node: &str, bmc: &str) -> Problem {
    let (code, quote) = match fault {
        PowerFault::Refused => (ProblemCode::BmcRefused, None),
        PowerFault::Unreachable | PowerFault::TimedOut => (ProblemCode::BmcUnreachable, None),
        PowerFault::AgentMissing { .. } => (ProblemCode::BmcAgentMissing, None),
        PowerFault::NoUuid { line } => (ProblemCode::BmcNoUuid, Some(line)),
        PowerFault::Unclear { line } => (ProblemCode::BmcUnclear, Some(line)),
    };
    let found = Problem::new(code).with("node", node).with("bmc", bmc);
    let found = match fault {
        PowerFault::AgentMissing { program } => found.with("what", program),
        _ => found,
    };
    match quote.filter(|line| !line.is_empty()) {
        Some(line) => found.quoting(line.clone()),
        None => found,
    }
}
