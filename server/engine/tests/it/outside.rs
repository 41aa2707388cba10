//! The programs on the console's machine that talk to BMCs: the simulated ones answer, unless a test puts them out of order.

use crate::fence::Fence;
use crate::house::{House, anna};
use async_trait::async_trait;
use engine::ports::{AgentError, BmcAgent, Clock, Output, SealedSecret};
use lab::{BMC_PASSWORD, BMC_USER, Lab, Ran};
use model::bmc::{Bmc, BmcWay, IPMI_PORT, PowerWish};
use model::plan::Intent;
use pve::CommandLine;
use std::sync::{Arc, Mutex};
use zeroize::Zeroizing;

/// What is wrong with BMCs or agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Well,
    /// The agent is not installed.
    Missing,
    /// Nobody answers.
    Silent,
    /// Another password was set on the BMC.
    Refused,
    /// The same, set while the agent was at work: it switches, and its next question is not let in any more.
    RefusedAfter,
    /// Words that mean nothing.
    Garbage,
    /// The agent runs into its limit.
    Late,
    /// Another machine's BMC answers at this address.
    Other,
}

/// What the agent tells of its runs then.
const REFUSED_AFTER: &str = "2026-11-28 20:02:23,301 INFO: Executing: ipmitool chassis power status -v\n\n\
    2026-11-28 20:02:23,367 DEBUG: 0 Chassis Power is on\n\n\n\
    2026-11-28 20:02:23,368 INFO: Executing: ipmitool chassis power off -v\n\n\
    2026-11-28 20:02:23,430 DEBUG: 0 Chassis Power Control: Down/Off\n\n\n\
    2026-11-28 20:02:25,431 INFO: Executing: ipmitool chassis power status -v\n\n\
    2026-11-28 20:02:25,490 DEBUG: 1  > RAKP 2 HMAC is invalid\n\
    Error: Unable to establish IPMI v2 / RMCP+ session\n\n\
    2026-11-28 20:02:25,491 ERROR: Failed: Unable to obtain correct plug status or plug is not available\n";

/// What a test has set; it outlives the console.
pub type Moods = Arc<Mutex<Mood>>;

pub struct Outside {
    pub lab: Lab,
    pub fence: Arc<Fence>,
    pub moods: Moods,
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl BmcAgent for Outside {
    async fn run(&self, command: &CommandLine, secret: &SealedSecret) -> Result<Output, AgentError> {
        self.fence.alive().await;
        let mood = *self.moods.lock().expect("no panic");
        let password =
            if mood == Mood::Refused { "old".to_owned() } else { String::from_utf8_lossy(&secret.bytes).into() };
        let mut words: Vec<String> = command.argv().into_iter().map(str::to_owned).collect();
        match mood {
            Mood::Missing => return Err(AgentError::Missing { program: command.program().to_owned() }),
            Mood::Late => {
                let seconds = command.time_limit_s();
                tokio::time::sleep(std::time::Duration::from_secs(seconds.into())).await;
                return Err(AgentError::Timeout { seconds });
            }
            Mood::Silent => words.iter_mut().for_each(|word| *word = word.replace("127.78.", "127.79.")),
            Mood::Well | Mood::Refused | Mood::RefusedAfter | Mood::Garbage | Mood::Other => {}
        }
        let changes = words.iter().any(|word| word == "--action=off");
        // An agent goes on when the console dies.
        let lab = self.lab.clone();
        let running = tokio::spawn(async move {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            lab.outside(&words, &password).await
        });
        let ran = running.await.expect("no panic");
        self.fence.alive().await;
        Ok(self.output(match mood {
            Mood::Garbage => Ran { stdout: b"\xff\x00 4e{".to_vec(), ..ran },
            Mood::RefusedAfter if changes => Ran { stdout: Vec::new(), stderr: REFUSED_AFTER.into(), exit: 1 },
            Mood::Other if command.program() == "ipmitool" => {
                Ran { stdout: b"System GUID   : 11111111-2222-4333-8444-555555555555\n".to_vec(), ..ran }
            }
            _ => ran,
        }))
    }

    /// The real one is tested with the server.
    fn seal(&self, name: &str, password: Zeroizing<String>) -> Result<SealedSecret, AgentError> {
        Ok(SealedSecret { name: name.to_owned(), bytes: password.as_bytes().to_vec() })
    }
}

impl Outside {
    fn output(&self, ran: Ran) -> Output {
        Output { stdout: ran.stdout, stderr: ran.stderr, exit: Some(ran.exit), at: self.clock.now(), millis: 200 }
    }
}

impl House {
    pub fn mood(&self, mood: Mood) {
        *self.moods.lock().expect("no panic") = mood;
    }

    /// Enters the simulated BMC of a node.
    pub async fn enter_bmc(&self, name: &str) -> Bmc {
        let address = self.lab.bmc_address(name).expect("a node with a BMC");
        let (host, user) = (address.to_string(), BMC_USER.to_owned());
        let way = BmcWay::Ipmi { host, port: IPMI_PORT, user, lanplus: true, cipher: 3 };
        let password = Some(Zeroizing::new(BMC_PASSWORD.to_owned()));
        self.engine().set_bmc(&anna(), self.id(name).await, way, password).await.expect("entered")
    }

    /// Enters and binds it: the node has to answer for that.
    pub async fn bind_bmc(&self, name: &str) -> Bmc {
        self.enter_bmc(name).await;
        self.engine().bind_bmc(&anna(), self.id(name).await).await.expect("compared")
    }

    pub async fn power_intent(&self, name: &str, to: PowerWish) -> Intent {
        let node = self.node(name).await;
        let bmc = self.engine().need_bmc(&node).await.expect("a BMC");
        let uuid = bmc.bound(name).expect("bound").clone();
        let (node, way) = (node.id, bmc.way);
        match to {
            PowerWish::Off => Intent::PowerOff { node, way, uuid },
            PowerWish::On => Intent::PowerOn { node, way, uuid },
            PowerWish::Cycle => Intent::PowerCycle { node, way, uuid },
        }
    }
}
