//! The simulated lab as a side; its time is tokio's, which tests let stand.

use std::time::Duration;

use lab::{Fault, Lab, NodeSpec, Options, Ran, Release};

use crate::Answer;
use crate::scenario::{Scenario, Wait, number};
use crate::side::Side;

pub struct Simulated {
    pub lab: Lab,
}

impl Simulated {
    /// The nodes of a scenario, each on its own; must be called inside a runtime.
    ///
    /// # Errors
    /// The lab cannot be made.
    pub fn new(scenario: &Scenario) -> anyhow::Result<Self> {
        let mut nodes: Vec<NodeSpec> =
            scenario.nodes.iter().map(|name| NodeSpec::pve(name, number(name).unwrap_or(1))).collect();
        for node in &mut nodes {
            node.addresses.truncate(usize::from(scenario.networks));
            if scenario.plain {
                node.release = Release::Pve84;
            }
        }
        nodes.extend(scenario.qnetd.then(|| NodeSpec::qnetd("qnetd1")));
        let scenario = lab::Scenario { nodes, ..lab::Scenario::bare(0) };
        Ok(Self { lab: Lab::new(scenario, Options { port: 0, ..Options::default() })? })
    }
}

impl From<Ran> for Answer {
    fn from(ran: Ran) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { stdout: text(&ran.stdout), stderr: text(&ran.stderr), exit: Some(ran.exit) }
    }
}

impl Side for Simulated {
    fn name(&self) -> &'static str {
        "simulated"
    }

    fn comes_clustered(&self) -> bool {
        false
    }

    async fn run(&self, node: &str, line: &str, stdin: &str) -> anyhow::Result<Answer> {
        Ok(self.lab.run(node, line, stdin.as_bytes()).await?.into())
    }

    async fn inject(&self, fault: &Fault) -> anyhow::Result<()> {
        Ok(self.lab.inject(fault.clone())?)
    }

    async fn wait(&self, wait: &Wait) -> anyhow::Result<()> {
        match wait {
            Wait::Seconds(seconds) => tokio::time::sleep(Duration::from_secs(*seconds)).await,
            Wait::State(_) => self.lab.settle().await,
        }
        Ok(())
    }
}
