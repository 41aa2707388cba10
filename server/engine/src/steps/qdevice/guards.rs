//! What stands against a QDevice in the cluster's own configuration.

use crate::steps::{StepResult, Stop};
use model::facts::CorosyncConf;
use model::problem::{Problem, ProblemCode};

/// Keys of the `quorum` block beside which corosync gives a device no vote, and with which it does not start again
/// (`votequorum_readconfig`, exec/votequorum.c; votequorum(5)).
const SWITCHES: [&str; 4] = ["last_man_standing", "auto_tie_breaker", "allow_downscale", "two_node"];

/// Such a key is taken at run time without a word, and ends corosync at its next start: on every node at once.
pub fn no_switch_is_set(conf: &CorosyncConf) -> StepResult<()> {
    let set = |key: &&&str| conf.quorum_options.get(**key).is_some_and(|value| value.trim() != "0");
    match SWITCHES.iter().find(set) {
        None => Ok(()),
        Some(key) => Err(Stop::Failed(Problem::new(ProblemCode::QdeviceSwitchSet).with("switch", key))),
    }
}

/// corosync-qdevice finds a node by its `ring0_addr` (corosync-qdevice, issue 16).
pub fn first_link_is_there(conf: &CorosyncConf) -> StepResult<()> {
    match conf.nodes.iter().find(|node| !node.addresses.contains_key(&0)) {
        None => Ok(()),
        Some(node) => Err(Stop::Failed(Problem::new(ProblemCode::QdeviceNeedsFirstLink).with("node", &node.name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pve::corosync_conf;

    /// Two nodes; what is between the braces of `quorum`, and the second node's address.
    fn conf(quorum: &str, second: &str) -> CorosyncConf {
        let node = |id: u8, address: &str| format!("node {{\n name: pve{id}\n nodeid: {id}\n {address}\n }}\n");
        let text = format!(
            "nodelist {{\n{}{}}}\nquorum {{\n provider: corosync_votequorum\n {quorum}\n}}\n\
             totem {{\n cluster_name: demo\n config_version: 2\n version: 2\n}}\n",
            node(1, "ring0_addr: 192.0.2.1"),
            node(2, second),
        );
        corosync_conf::read(&text).expect("a configuration")
    }

    fn problem(result: StepResult<()>) -> Problem {
        match result {
            Err(Stop::Failed(problem)) => problem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_node_without_the_first_link_is_named() {
        first_link_is_there(&conf("", "ring0_addr: 192.0.2.2")).expect("both have one");
        let refused = problem(first_link_is_there(&conf("", "ring1_addr: 192.0.2.2")));
        assert_eq!((refused.code, refused.params["node"].as_str()), (ProblemCode::QdeviceNeedsFirstLink, "pve2"));
    }

    #[test]
    fn every_switch_is_named_and_one_that_is_off_is_none() {
        for switch in SWITCHES {
            let refused = problem(no_switch_is_set(&conf(&format!("{switch}: 1"), "ring0_addr: 192.0.2.2")));
            assert_eq!((refused.code, refused.params["switch"].as_str()), (ProblemCode::QdeviceSwitchSet, switch));
            no_switch_is_set(&conf(&format!("{switch}: 0"), "ring0_addr: 192.0.2.2")).expect("it is off");
        }
        no_switch_is_set(&conf("wait_for_all: 1", "ring0_addr: 192.0.2.2")).expect("another key");
    }
}
