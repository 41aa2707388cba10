//! The lab of real parts, driven by its own command.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context as _, ensure};
use faults::Fault;
use serde_json::Value;

use crate::kinds::{Shape, Turn};

const QNETD: &str = "qnetd1";

/// A node as the console is told of it.
#[derive(Debug, Clone)]
pub struct Node {
    pub name: String,
    pub address: String,
}

/// The nodes, and root's password on all of them.
#[derive(Debug)]
pub struct Lab {
    pub nodes: Vec<Node>,
    /// Address of the qnetd host.
    pub qnetd: String,
    pub password: String,
}

/// A fresh cluster.
pub fn up(shape: Shape) -> anyhow::Result<()> {
    run(&["up", &shape.nodes().to_string(), "--cluster", "chaos"])?;
    if shape == Shape::Qdevice { qdevice(&look()?) } else { Ok(()) }
}

fn qdevice(lab: &Lab) -> anyhow::Result<()> {
    let first = &lab.nodes.first().context("a lab without nodes")?.name;
    // `pvecm qdevice setup` asks for a password unless root's key is there already.
    let key = must(first, "cat /root/.ssh/id_rsa.pub")?;
    let key = key.trim();
    must(QNETD, &format!("install -d -m 700 /root/.ssh && echo '{key}' >> /root/.ssh/authorized_keys"))?;
    let (host, address) = (must(QNETD, "cat /etc/ssh/ssh_host_rsa_key.pub")?, &lab.qnetd);
    must(first, &format!("echo '{address} {}' >> /root/.ssh/known_hosts", host.trim()))?;
    must(first, &format!("pvecm qdevice setup {address}")).map(|_| ())
}

fn must(node: &str, command: &str) -> anyhow::Result<String> {
    let output = inside(node, command)?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{command} on {node}: {}", errors.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

pub fn down() -> anyhow::Result<()> {
    run(&["down"]).map(|_| ())
}

pub fn look() -> anyhow::Result<Lab> {
    let status: Value = serde_json::from_str(&run(&["status", "--json"])?)?;
    let text = |value: &Value| value.as_str().map(str::to_owned).context("a text in the lab's status");
    let all = status["nodes"].as_array().context("nodes in the lab's status")?;
    let pve = all.iter().filter(|node| node["kind"] == "pve");
    let nodes = pve.map(|node| Ok(Node { name: text(&node["name"])?, address: text(&node["address"])? }));
    let nodes = nodes.collect::<anyhow::Result<_>>()?;
    let qnetd = all.iter().find(|node| node["kind"] == "qnetd").context("a qnetd host in the lab's status")?;
    Ok(Lab { nodes, qnetd: text(&qnetd["address"])?, password: text(&status["root_password"])? })
}

/// Switches a fault, and waits until it is proven.
pub fn take(turn: &Turn) -> anyhow::Result<()> {
    let words = match turn {
        Turn::Inject(fault) => run(&["inject", &serde_json::to_string(fault)?]),
        Turn::OldHostKeys { node } => run(&["fault", "change-host-key", node, "--off"]),
    };
    words?;
    match turn {
        // Its unit stops with corosync's and does not start with it: a person who starts corosync starts both. A corosync that
        // another configuration or another key has ended is started again by the end of that fault.
        Turn::Inject(
            Fault::StartCorosync { node }
            | Fault::RaiseConfigVersion { node, on: false }
            | Fault::ChangeAuthkey { node, on: false },
        ) => must(
            node,
            "if systemctl is-enabled corosync-qdevice >/dev/null 2>&1; then systemctl start corosync-qdevice; fi",
        )
        .map(|_| ()),
        _ => Ok(()),
    }
}

/// A command inside of a node, not over the network that a fault may have cut.
pub fn inside(node: &str, command: &str) -> anyhow::Result<Output> {
    let mut run = Command::new(program()?);
    run.args(["inside", node, command]).stdin(Stdio::null()).output().context("reallab")
}

/// The same with its output as it comes; ends with the node's process or when it is killed.
pub fn follow(node: &str, command: &str) -> anyhow::Result<Child> {
    let mut run = Command::new(program()?);
    run.args(["inside", node, command]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    run.spawn().context("reallab")
}

fn run(words: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program()?).args(words).stdin(Stdio::null()).output().context("reallab")?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "reallab {}: {}", words.join(" "), errors.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The program beside this one.
fn program() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name("reallab");
    ensure!(program.is_file(), "{} is not built", program.display());
    Ok(program)
}
