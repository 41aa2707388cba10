//! Scenario files: what there is, and what happens to it. `scenarios/README.md` describes them for people.

use std::fs;

use anyhow::{Context as _, ensure};
use lab::Fault;
use serde::Deserialize;

use crate::folder;

/// A scenario.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// One sentence for people.
    pub about: String,
    /// `pve1`, `pve2` ...: the number gives the addresses 10.0.1.1N and 10.0.2.1N.
    pub nodes: Vec<String>,
    /// How many networks the nodes have, and links the cluster has.
    #[serde(default = "two")]
    pub networks: u8,
    /// A cluster of that name is built from all nodes, with Proxmox VE's own commands, before the first step.
    pub cluster: Option<String>,
    /// There is a host for the QDevice, `qnetd1` at 10.0.1.50.
    #[serde(default)]
    pub qnetd: bool,
    /// Plain corosync as Proxmox VE 8 and 7 ship it, instead of Proxmox VE 9.2.
    #[serde(default)]
    pub plain: bool,
    #[serde(default, rename = "step")]
    pub steps: Vec<Step>,
}

const fn two() -> u8 {
    2
}

/// What happens next; exactly one of the first group is given.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// A fault of the vocabulary that both labs share.
    pub fault: Option<Fault>,
    pub wait: Option<Wait>,
    /// Runs a line as root `on` a node.
    pub run: Option<String>,
    /// Every command of a recording, in its order, on the node that it was recorded on (or `on` a node), compared.
    pub replay: Option<String>,
    /// The same for a state of plain corosync's recordings, which has no commands that change anything.
    pub state: Option<String>,
    /// Asks every question of the suite on these nodes; answers of two labs are compared with each other.
    pub ask: Option<Vec<String>>,
    /// The first node's root key is let in by the second, whose host key the first one learns.
    pub carry: Option<[String; 2]>,
    /// What corosync wrote since the last fault `on` a node, in this order.
    pub order: Option<Vec<String>>,

    pub on: Option<String>,
    /// A recording whose journal ends with that order too.
    pub journal: Option<String>,
    /// From when to when recording 80 shows that order, `08:21:55`.
    pub stream: Option<[String; 2]>,
    /// The part of a recording that is replayed: from the first number on, up to the second.
    pub entries: Option<[usize; 2]>,
}

/// What is waited for.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Wait {
    Seconds(u64),
    /// `settled`: nothing more happens by itself.
    State(Settled),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settled {
    Settled,
}

impl Step {
    fn kinds(&self) -> usize {
        let given = [
            self.fault.is_some(),
            self.wait.is_some(),
            self.run.is_some(),
            self.replay.is_some(),
            self.state.is_some(),
            self.ask.is_some(),
            self.carry.is_some(),
            self.order.is_some(),
        ];
        given.into_iter().filter(|given| *given).count()
    }
}

impl Scenario {
    /// Reads `scenarios/NAME.toml`.
    ///
    /// # Errors
    /// No such file, or another form.
    pub fn read(name: &str) -> anyhow::Result<Self> {
        let path = folder().join(format!("scenarios/{name}.toml"));
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let scenario: Self = toml::from_str(&text).with_context(|| path.display().to_string())?;
        for (at, step) in scenario.steps.iter().enumerate() {
            ensure!(step.kinds() == 1, "{name}, step {}: one thing happens in a step", at + 1);
        }
        for node in &scenario.nodes {
            ensure!(number(node).is_some(), "{name}: {node} has no number that gives its addresses");
        }
        Ok(scenario)
    }
}

/// The names of all scenarios.
///
/// # Errors
/// The folder cannot be read.
pub fn names() -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for file in fs::read_dir(folder().join("scenarios"))? {
        let name = file?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".toml").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// `pve3` is number 3.
#[must_use]
pub fn number(node: &str) -> Option<u8> {
    node.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().ok()
}

/// The address of a node on a network (from 1).
#[must_use]
pub fn address(node: &str, network: u8) -> String {
    match number(node) {
        _ if node.starts_with("qnetd") => format!("10.0.{network}.50"),
        Some(number) => format!("10.0.{network}.{}", u16::from(number) + 10),
        None => String::new(),
    }
}
