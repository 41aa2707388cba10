//! The lab's own commands are killed in the middle; `down` removes whatever they had made.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::faults::{self, Fault, Kind};
use crate::layout::{FOLDER, Lab, Wish, file};
use crate::{bmc, down, up};

const PAUSE: Duration = Duration::from_millis(5);
const LIMIT: Duration = Duration::from_secs(30);
/// What exists when `up` is so far.
const SO_FAR: [&str; 4] = ["standin", "hosts/pve2", "known_hosts", "bmc/pve1/lan.conf"];

pub fn in_the_middle() -> anyhow::Result<()> {
    for mark in SO_FAR {
        down::down()?;
        let mut child = lab(&["up", "3", "--cluster", "crash", "--in-turn"])?;
        until(|| file(mark).exists())?;
        kill(&mut child)?;
        gone(&format!("`up` killed at {mark}"))?;
    }
    let frozen = Lab::plan(&Wish::bare(2))?;
    up::up(&frozen)?;
    let (first, second) = (frozen.host("pve1")?, frozen.host("pve2")?);
    ensure!(bmc::is_running(first)?, "{} has no BMC", first.name);
    faults::inject(&frozen, &Fault::new(Kind::Freeze, first))?;
    let mut child = lab(&["power", &second.name, "cycle"])?;
    until(|| crate::nodes::is_running(second).is_ok_and(|running| !running))?;
    kill(&mut child)?;
    gone("a lab with a frozen node and BMCs")
}

/// This program again, as a person would start it; it must not build anything.
fn lab(words: &[&str]) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("own path")?;
    let mut command = Command::new(program);
    command.args(words).env_remove("CARGO").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("lab")
}

fn kill(child: &mut Child) -> anyhow::Result<()> {
    child.kill().context("kill -9")?;
    child.wait().context("kill -9").map(|_| ())
}

fn until(happened: impl Fn() -> bool) -> anyhow::Result<()> {
    let end = Instant::now() + LIMIT;
    while !happened() {
        ensure!(Instant::now() < end, "the lab's command did not come so far");
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

fn gone(what: &str) -> anyhow::Result<()> {
    down::down()?;
    let left = down::leftovers()?;
    ensure!(left.is_empty() && !std::path::Path::new(FOLDER).exists(), "{what} left {}", left.join(", "));
    Ok(())
}
