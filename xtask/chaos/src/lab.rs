//! The lab of real parts, driven by its own command.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, ensure};
use faults::Fault;
use serde_json::Value;

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
    pub password: String,
}

/// A fresh cluster of so many nodes.
pub fn up(count: usize) -> anyhow::Result<()> {
    run(&["up", &count.to_string(), "--cluster", "chaos"]).map(|_| ())
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
    Ok(Lab { nodes: nodes.collect::<anyhow::Result<_>>()?, password: text(&status["root_password"])? })
}

/// Switches a fault, and waits until it is proven.
pub fn inject(fault: &Fault) -> anyhow::Result<()> {
    run(&["inject", &serde_json::to_string(fault)?]).map(|_| ())
}

/// A command inside of a node, not over the network that a fault may have cut.
pub fn inside(node: &str, command: &str) -> anyhow::Result<Output> {
    let mut run = Command::new(program()?);
    run.args(["inside", node, command]).stdin(Stdio::null()).output().context("reallab")
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
