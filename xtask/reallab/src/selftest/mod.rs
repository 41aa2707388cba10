//! The lab proves itself: clusters are built over SSH as the console builds them, broken, looked at, and removed.

mod bmc;
mod cluster;
mod crash;
mod faults;
mod scenes;
mod seeded;
mod wait;

use std::time::Instant;

use anyhow::ensure;

use crate::layout::{Lab, Wish};
use crate::{down, up};

/// Set, everything runs; otherwise what a change has to pass.
const LONG_TESTS: &str = "QUORATE_LONG_TESTS";

/// Runs everything; whatever happens, no lab is left.
pub fn run() -> anyhow::Result<()> {
    let result = scenes();
    let removed = down::down();
    result?;
    removed?;
    nothing_is_left()
}

fn nothing_is_left() -> anyhow::Result<()> {
    let left = down::leftovers()?;
    ensure!(left.is_empty(), "the lab left something behind: {}", left.join(", "));
    println!("nothing is left behind");
    Ok(())
}

fn scenes() -> anyhow::Result<()> {
    let lab = Lab::plan(&Wish::bare(3))?;
    step("three nodes up", || up::up(&lab))?;
    step("the lab leads nowhere", || scenes::leads_nowhere(&lab))?;
    step("create and two joins", || cluster::build(&lab, "lab"))?;
    step("a change is everywhere at once", || scenes::change_is_everywhere(&lab))?;
    step("one link down is seen", || scenes::link_down(&lab))?;
    step("a dead node leaves two quorate", || scenes::dead_node(&lab))?;
    step("a node cut off refuses to write and catches up", || scenes::cut_off(&lab))?;
    step("traps of pvecm", || scenes::traps(&lab))?;
    step("units outlive their connection", || scenes::units(&lab))?;
    step("a BMC kills and starts its node", || bmc::power(&lab))?;
    step("faults of one machine", || faults::machine(&lab))?;
    step("faults of links", || faults::links(&lab))?;
    step("faults of corosync", || faults::corosync(&lab))?;
    step("two quorate halves", || faults::split(&lab))?;
    let pair = Lab::plan(&Wish { names: ["east", "west"].map(str::to_owned).to_vec(), ..Wish::bare(2) })?;
    step("two nodes up, after the first lab was not removed", || up::up(&pair))?;
    step("create and one join", || cluster::build(&pair, "pair"))?;
    step("QDevice", || scenes::qdevice(&pair))?;
    step("a seeded cluster on three networks", seeded::three_networks)?;
    step("nodes that have OpenSSH only", || seeded::ssh_only(4))?;
    step("killed in the middle, nothing is left", crash::in_the_middle)?;
    if std::env::var_os(LONG_TESTS).is_some() {
        step("a scenario file", seeded::scenario)?;
        step("sixteen nodes", seeded::sixteen)?;
        step("thirty-two nodes that have OpenSSH only", || seeded::ssh_only(32))?;
    }
    Ok(())
}

fn step(name: &str, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let start = Instant::now();
    work().map_err(|error| error.context(format!("{name}: failed")))?;
    println!("ok {:>5.1} s  {name}", start.elapsed().as_secs_f64());
    Ok(())
}
