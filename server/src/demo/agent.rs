//! The BMCs of the simulated nodes, in place of programs on this machine.

use crate::agent::ConsoleAgent;
use async_trait::async_trait;
use engine::Engine;
use engine::audit::Person;
use engine::ports::{AgentError, BmcAgent, Clock, Output, SealedSecret};
use lab::{BMC_PASSWORD, BMC_USER, Lab};
use model::bmc::{BmcWay, CIPHER_USUAL, IPMI_PORT};
use model::ids::NodeId;
use model::problem::Problem;
use pve::CommandLine;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;
use zeroize::Zeroizing;

/// Answers for the addresses of simulated BMCs; nothing in the demo talks to any other.
pub struct SimulatedBmcs {
    pub inner: Arc<ConsoleAgent>,
    pub labs: Vec<Lab>,
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl BmcAgent for SimulatedBmcs {
    async fn run(&self, command: &CommandLine, secret: &SealedSecret) -> Result<Output, AgentError> {
        let password = self.inner.unseal(secret)?;
        let words = command.argv();
        let is_theirs = |lab: &&Lab| words.iter().any(|word| lab.has_bmc(word.trim_start_matches("--ip=")));
        let lab = self.labs.iter().find(is_theirs).or(self.labs.first());
        let Some(lab) = lab else { return Err(AgentError::Missing { program: command.program().to_owned() }) };
        let began = Instant::now();
        let ran = lab.outside(&words, &password).await;
        let millis = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
        Ok(Output { stdout: ran.stdout, stderr: ran.stderr, exit: Some(ran.exit), at: self.clock.now(), millis })
    }

    fn seal(&self, name: &str, password: Zeroizing<String>) -> Result<SealedSecret, AgentError> {
        self.inner.seal(name, password)
    }
}

/// Enters the BMC of a simulated node; binding it is left to people.
pub async fn enter(engine: &Engine, node: NodeId, address: IpAddr) -> Result<(), Problem> {
    let (host, user) = (address.to_string(), BMC_USER.to_owned());
    let way = BmcWay::Ipmi { host, port: IPMI_PORT, user, lanplus: true, cipher: CIPHER_USUAL };
    let password = Zeroizing::new(BMC_PASSWORD.to_owned());
    engine.set_bmc(&Person::system(), node, way, Some(password)).await.map(|_| ())
}
