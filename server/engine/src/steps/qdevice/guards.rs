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
