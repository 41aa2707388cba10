//! The lab of real parts: how long it takes until it can be used, and until nothing of it is left.

use crate::report::Figure;
use anyhow::{Context, ensure};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Ups of three nodes; the one that took the middle time is printed.
const SAMPLES: usize = 3;

pub fn run() -> anyhow::Result<()> {
    let id = Command::new("id").arg("-u").output().context("id")?;
    if String::from_utf8_lossy(&id.stdout).trim() != "0" {
        eprintln!("lab: left out, namespaces need root");
        return Ok(());
    }
    let lab = program()?;
    let (mut ups, mut downs) = (Vec::new(), Vec::new());
    for _ in 0..SAMPLES {
        ups.push(timed(&lab, &["up", "3", "--cluster", "bench"])?);
        downs.push(timed(&lab, &["down"])?);
    }
    ups.sort();
    let middle = ups.get(SAMPLES / 2).copied().unwrap_or_default();
    Figure::new("lab-up-3", seconds(middle), "s", SAMPLES).at_most(10.0).print();
    let sixteen = timed(&lab, &["up", "16", "--cluster", "bench"])?;
    Figure::new("lab-up-16", seconds(sixteen), "s", 1).at_most(60.0).print();
    downs.push(timed(&lab, &["down"])?);
    // The longest one: sixteen nodes are among them.
    let longest = downs.iter().max().copied().unwrap_or_default();
    Figure::new("lab-down", seconds(longest), "s", downs.len()).at_most(5.0).print();
    Ok(())
}

/// `up` ends when every node sees all the others and may write.
fn timed(lab: &PathBuf, words: &[&str]) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let output = Command::new(lab).args(words).env_remove("CARGO").stdin(Stdio::null()).output().context("lab")?;
    ensure!(output.status.success(), "lab {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    Ok(start.elapsed())
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

/// The lab's program: `QUORATE_REALLAB`, or the one beside this program, built in the same way.
pub fn program() -> anyhow::Result<PathBuf> {
    if let Some(program) = std::env::var_os("QUORATE_REALLAB") {
        return Ok(program.into());
    }
    let here = std::env::current_exe().context("own path")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--package", "reallab", "--package", "standin"]);
    if here.parent().is_some_and(|folder| folder.ends_with("release")) {
        build.arg("--release");
    }
    ensure!(build.status().context("cargo build")?.success(), "the lab does not build");
    Ok(here.with_file_name("reallab"))
}
