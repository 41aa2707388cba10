//! The lab of real parts as a side, driven by its own command `reallab`.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use lab::Fault;

use crate::Answer;
use crate::scenario::{Scenario, Wait};
use crate::side::Side;

/// Nothing has changed for so long: totem's time-outs are over.
const QUIET: Duration = Duration::from_secs(8);
/// A QDevice votes at its own pace of 10 s.
const QUIET_WITH_QDEVICE: Duration = Duration::from_secs(15);
/// A cluster that does not come to rest within this time never does.
const QUIET_LIMIT: Duration = Duration::from_secs(90);
const LOOK_PAUSE: Duration = Duration::from_millis(500);
/// What is looked at to see whether something still moves.
const STATE: &str = "timeout 4 corosync-quorumtool -l; timeout 4 corosync-cfgtool -s; cat /etc/pve/.members";
/// A command of a recording may take 40 s itself.
const COMMAND_LIMIT_S: u32 = 60;
/// Exit code of `reallab` when the node is off.
const NOT_REACHED: i32 = 1;
/// What `reallab` says then.
const OFF: &str = "lab: ";

pub struct Real {
    nodes: Vec<String>,
    quiet: Duration,
}

impl Real {
    /// A fresh lab for a scenario; one that is there is removed.
    ///
    /// # Errors
    /// The lab does not come up.
    pub fn up(scenario: &Scenario) -> anyhow::Result<Self> {
        let (count, networks) = (scenario.nodes.len().to_string(), scenario.networks.to_string());
        let names = scenario.nodes.join(",");
        let mut words = vec!["up", &count, "--networks", &networks, "--names", &names];
        words.extend(scenario.cluster.iter().flat_map(|cluster| ["--no-priorities", "--cluster", cluster]));
        reallab(&words)?;
        if scenario.qnetd {
            // The recorded host was in use before; a fresh one has no folder for keys yet.
            ask("qnetd1", "install -d -m 700 /root/.ssh", "")?;
        }
        let quiet = if scenario.qnetd { QUIET_WITH_QDEVICE } else { QUIET };
        Ok(Self { nodes: scenario.nodes.clone(), quiet })
    }

    /// Removes the lab.
    ///
    /// # Errors
    /// Something is left.
    pub fn down() -> anyhow::Result<()> {
        reallab(&["down"])
    }

    /// What each node says; nothing where it is off.
    fn state(&self) -> Vec<Option<String>> {
        self.nodes.iter().map(|node| ask(node, STATE, "").ok().map(|answer| answer.stdout)).collect()
    }

    fn settle(&self) -> anyhow::Result<()> {
        let end = Instant::now() + QUIET_LIMIT;
        let (mut last, mut since) = (self.state(), Instant::now());
        while since.elapsed() < self.quiet {
            ensure!(Instant::now() < end, "the cluster does not come to rest");
            sleep(LOOK_PAUSE);
            let now = self.state();
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
        Ok(())
    }
}

impl Side for Real {
    fn name(&self) -> &'static str {
        "real"
    }

    /// The joins have scenarios of their own.
    fn comes_clustered(&self) -> bool {
        true
    }

    async fn run(&self, node: &str, line: &str, stdin: &str) -> anyhow::Result<Answer> {
        ask(node, line, stdin)
    }

    async fn inject(&self, fault: &Fault) -> anyhow::Result<()> {
        reallab(&["inject", &serde_json::to_string(fault)?])
    }

    async fn wait(&self, wait: &Wait) -> anyhow::Result<()> {
        match wait {
            Wait::Seconds(seconds) => sleep(Duration::from_secs(*seconds)),
            Wait::State(_) => self.settle()?,
        }
        Ok(())
    }
}

/// The program beside this one.
fn program() -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe()?;
    let folder = here.parent().context("this program lies in a folder")?;
    let program = folder.join("reallab");
    ensure!(program.is_file(), "{} is not built", program.display());
    Ok(program)
}

fn reallab(words: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(program()?).args(words).stdin(Stdio::null()).output()?;
    ensure!(output.status.success(), "reallab {}: {}", words.join(" "), text(&output.stderr).trim());
    Ok(())
}

/// Inside of the node, not over SSH: a scenario may cut the network that SSH goes over.
fn ask(node: &str, line: &str, stdin: &str) -> anyhow::Result<Answer> {
    let limited = format!("timeout {COMMAND_LIMIT_S} sh -c {}", quoted(line));
    let mut run = Command::new(program()?);
    run.args(["inside", node, &limited]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = run.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // A command that reads nothing may be gone already.
        let _ = std::io::Write::write_all(&mut input, stdin.as_bytes());
    }
    let output: Output = child.wait_with_output()?;
    let stderr = text(&output.stderr);
    ensure!(output.status.code() != Some(NOT_REACHED) || !stderr.starts_with(OFF), "{node}: {stderr}");
    Ok(Answer { stdout: text(&output.stdout), stderr, exit: output.status.code() })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn quoted(line: &str) -> String {
    format!("'{}'", line.replace('\'', "'\\''"))
}
