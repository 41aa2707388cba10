//! The lab proves itself: clusters are built over SSH as the console builds them, broken, looked at, and removed.

mod cluster;
mod scenes;
mod wait;

use std::time::Instant;

use anyhow::ensure;

use crate::layout::Lab;
use crate::{down, up};

/// Runs everything; whatever happens, no lab is left.
pub fn run() -> anyhow::Result<()> {
    let result = scenes();
    let removed = down::down();
    result?;
    removed?;
    let left = down::leftovers()?;
    ensure!(left.is_empty(), "the lab left something behind: {}", left.join(", "));
    println!("nothing is left behind");
    Ok(())
}

fn scenes() -> anyhow::Result<()> {
    let lab = Lab::plan(3, &[], None)?;
    step("three nodes up", || up::up(&lab))?;
    step("the lab leads nowhere", || scenes::leads_nowhere(&lab))?;
    step("create and two joins", || cluster::build(&lab, "lab"))?;
    step("a change is everywhere at once", || scenes::change_is_everywhere(&lab))?;
    step("one link down is seen", || scenes::link_down(&lab))?;
    step("a dead node leaves two quorate", || scenes::dead_node(&lab))?;
    step("a node cut off refuses to write and catches up", || scenes::cut_off(&lab))?;
    step("traps of pvecm", || scenes::traps(&lab))?;
    step("units outlive their connection", || scenes::units(&lab))?;
    let pair = Lab::plan(2, &["east".to_owned(), "west".to_owned()], None)?;
    step("two nodes up, after the first lab was not removed", || up::up(&pair))?;
    step("create and one join", || cluster::build(&pair, "pair"))?;
    step("QDevice", || scenes::qdevice(&pair))
}

fn step(name: &str, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let start = Instant::now();
    work().map_err(|error| error.context(format!("{name}: failed")))?;
    println!("ok {:>5.1} s  {name}", start.elapsed().as_secs_f64());
    Ok(())
}
