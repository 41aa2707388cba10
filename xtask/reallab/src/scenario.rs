//! Scenario files: nodes, networks, a cluster, and the faults that are there from the beginning.
//!
//! The simulated lab reads the same files. What they say beyond that (questions, recordings, waits) belongs to the
//! suite that compares the two labs, and is left out here.

use std::path::Path;

use ::faults::Fault;
use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::layout::{Lab, NETWORKS, Wish};
use crate::shared;

#[derive(Debug, Deserialize)]
pub struct Scenario {
    /// One sentence for people.
    about: String,
    /// Their names; a number at the end gives the addresses.
    nodes: Vec<String>,
    #[serde(default = "networks")]
    networks: usize,
    /// The nodes are a cluster of this name.
    cluster: Option<String>,
    #[serde(default, rename = "step")]
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Step {
    fault: Option<Fault>,
}

fn networks() -> usize {
    NETWORKS
}

impl Scenario {
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let scenario: Self = toml::from_str(text)?;
        ensure!(!scenario.nodes.is_empty(), "a scenario has nodes");
        Ok(scenario)
    }

    pub fn wish(&self) -> Wish {
        Wish {
            names: self.nodes.clone(),
            networks: self.networks,
            cluster: self.cluster.clone(),
            ..Wish::bare(self.nodes.len())
        }
    }

    /// Brings the faults about, in the file's order, each proven before the next.
    pub fn inject(&self, lab: &Lab) -> anyhow::Result<()> {
        println!("{}", self.about);
        for fault in self.steps.iter().filter_map(|step| step.fault.as_ref()) {
            println!("{}", shared::switch(fault, lab)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "about = \"Both links of a node cut\"\nnodes = [\"pve1\", \"pve2\", \"pve3\"]\ncluster = \"lab\"\n\
                        [[step]]\nfault = { kind = \"cut-link\", node = \"pve3\", link = 0 }\n\
                        [[step]]\nwait = \"settled\"\n\
                        [[step]]\nask = [\"pve1\", \"pve3\"]\n";

    #[test]
    fn a_scenario_becomes_a_lab_with_faults() {
        let scenario = Scenario::parse(FILE).unwrap();
        let lab = Lab::plan(&scenario.wish()).unwrap();
        assert_eq!((lab.nodes().len(), lab.networks, lab.cluster.as_deref()), (3, 2, Some("lab")));
        assert_eq!(scenario.steps.iter().filter(|step| step.fault.is_some()).count(), 1);
    }

    #[test]
    fn every_scenario_of_the_comparing_suite_is_understood() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conform/scenarios");
        let mut faults = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "toml") {
                let scenario = Scenario::read(&path).unwrap();
                let lab = Lab::plan(&scenario.wish()).unwrap();
                for fault in scenario.steps.iter().filter_map(|step| step.fault.as_ref()) {
                    shared::understood(fault, &lab).unwrap_or_else(|error| panic!("{}: {error:#}", path.display()));
                    faults += 1;
                }
            }
        }
        assert!(faults > 5, "only {faults} faults were found");
    }

    #[test]
    fn broken_scenarios_are_refused() {
        assert!(Scenario::parse("about = \"x\"\nnodes = []\n").is_err());
        assert!(Scenario::parse(&FILE.replace("kind = ", "sort = ")).is_err());
    }
}
