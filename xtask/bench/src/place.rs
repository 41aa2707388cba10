//! The lab of real parts as the benchmarks use it: up, a part of the benchmark inside its network, down.

use crate::lab::program;
use anyhow::{Context as _, ensure};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// First argument of the part that runs in the network of the lab's console.
pub const INSIDE: &str = "--inside";
/// Where a node's programs are.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A lab that runs; dropping it leaves nothing of it.
pub struct RealLab {
    program: PathBuf,
}

impl RealLab {
    /// `None` where namespaces cannot be had; says so.
    pub fn up(name: &str, words: &[&str]) -> anyhow::Result<Option<Self>> {
        let id = Command::new("id").arg("-u").output().context("id")?;
        if String::from_utf8_lossy(&id.stdout).trim() != "0" {
            eprintln!("{name}: left out, namespaces need root");
            return Ok(None);
        }
        let lab = Self { program: program()? };
        lab.run(&[&["up"], words].concat())?;
        Ok(Some(lab))
    }

    /// Runs this program's part of that name in the network of the lab's console.
    ///
    /// Only the network is another one: processor time of the nodes can still be read.
    pub fn inside(&self, part: &str, more: &[&str]) -> anyhow::Result<()> {
        let namespace = format!("--net=/run/netns/{}", self.look()?.console_namespace);
        let status = Command::new("nsenter")
            .arg(namespace)
            .arg(std::env::current_exe()?)
            .args([INSIDE, part])
            .arg(&self.program)
            .args(more)
            .stdin(Stdio::null())
            .status()
            .context("nsenter")?;
        ensure!(status.success(), "{part} ended with {status}");
        Ok(())
    }

    fn look(&self) -> anyhow::Result<Look> {
        look(&self.program)
    }

    fn run(&self, words: &[&str]) -> anyhow::Result<()> {
        let output = Command::new(&self.program).args(words).env_remove("CARGO").stdin(Stdio::null()).output()?;
        ensure!(output.status.success(), "lab {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        Ok(())
    }
}

impl Drop for RealLab {
    fn drop(&mut self) {
        if let Err(error) = self.run(&["down"]) {
            eprintln!("{error:#}");
        }
    }
}

/// What `lab status --json` says.
#[derive(Debug, Deserialize)]
pub struct Look {
    pub nodes: Vec<RealNode>,
    pub root_password: String,
    pub key_file: PathBuf,
    console_namespace: String,
}

#[derive(Debug, Deserialize)]
pub struct RealNode {
    pub name: String,
    pub kind: String,
    pub address: String,
    pub ssh_port: u16,
    namespace: String,
}

pub fn look(program: &Path) -> anyhow::Result<Look> {
    let output = Command::new(program).args(["status", "--json"]).stdin(Stdio::null()).output()?;
    ensure!(output.status.success(), "lab status: {}", String::from_utf8_lossy(&output.stderr).trim());
    let mut look: Look = serde_json::from_slice(&output.stdout).context("lab status")?;
    look.nodes.retain(|node| node.kind != "qnetd");
    Ok(look)
}

impl Look {
    /// Processor time of each node so far, in milliseconds; `None` where the machine has no control groups for it.
    pub fn node_millis(&self) -> Option<Vec<f64>> {
        let groups = groups()?;
        let used = |node: &RealNode| {
            let text = std::fs::read_to_string(groups.join(&node.name).join("cpu.stat")).ok()?;
            let us: f64 = text.lines().find_map(|line| line.strip_prefix("usage_usec "))?.trim().parse().ok()?;
            Some(us / 1_000.0)
        };
        self.nodes.iter().map(used).collect()
    }
}

/// The folder of the lab's control groups, one per node.
fn groups() -> Option<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let line =
        mounts.lines().find(|line| line.split_once(" - ").is_some_and(|(_, tail)| tail.starts_with("cgroup2 ")))?;
    Some(Path::new(line.split_whitespace().nth(4)?).join("quorate-lab"))
}

impl RealNode {
    /// A command inside the node, without its network and without SSH.
    pub fn command(&self, words: &[&str]) -> anyhow::Result<tokio::process::Command> {
        let mut command = tokio::process::Command::new("nsenter");
        command.args(["--target", &self.init()?, "--all", "--wd", "env", "-i"]);
        command.args([&format!("PATH={PATH}"), "LANG=C.UTF-8", "HOME=/root"]).args(words).stdin(Stdio::null());
        Ok(command)
    }

    /// The process that is number 1 inside.
    fn init(&self) -> anyhow::Result<String> {
        let output = Command::new("ip").args(["netns", "pids", &self.namespace]).output().context("ip")?;
        let pids = String::from_utf8_lossy(&output.stdout).into_owned();
        let is_init = |pid: &&str| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
            numbers.split_whitespace().count() > 1 && numbers.split_whitespace().last() == Some("1")
        };
        pids.split_whitespace().find(is_init).map(str::to_owned).with_context(|| format!("{} is off", self.name))
    }
}
