//! The programs of the workspace that the tasks start.

use std::path::PathBuf;
use std::process::Command;

use crate::{cargo, folders, run};

/// Those that a stage of the tests starts.
const BINARIES: [&str; 5] = ["quorate", "reallab", "standin", "chaos", "conform"];
const EXAMPLES: [&str; 2] = ["nodes", "fuzz"];
/// The lab of real parts, and what its nodes run.
const LAB: [&str; 2] = ["reallab", "standin"];

/// Builds all of them, and says where they are.
///
/// # Errors
/// One does not compile.
pub fn all() -> anyhow::Result<PathBuf> {
    // As the tests were compiled, which are the same crates.
    build(cargo::linting(cargo::cargo()), &BINARIES, &EXAMPLES)
}

/// Builds the lab of real parts, and says where its programs are.
///
/// # Errors
/// One does not compile.
pub fn lab() -> anyhow::Result<PathBuf> {
    build(cargo::cargo(), &LAB, &[])
}

/// All packages are named, as in the stage of the unit tests: cargo then unites the same features, and takes what it
/// has compiled for them. Named alone, each program would have its own variant of what all share.
fn build(mut command: Command, binaries: &[&str], examples: &[&str]) -> anyhow::Result<PathBuf> {
    command.args(["build", "--quiet", "--workspace", "--exclude", "frontend"]);
    for binary in binaries {
        command.args(["--bin", binary]);
    }
    for example in examples {
        command.args(["--example", example]);
    }
    run::run(command)?;
    Ok(folders::target().join("debug"))
}
