//! The stages of `cargo xtask test`, the quick ones first.

use std::process::Command;

use anyhow::ensure;

use crate::site::Profile;
use crate::{bench, cargo, demo, folders, run, site, wasm};

/// Told to every stage's programs: set, the long tests run too.
const LONG_TESTS: &str = "QUORATE_LONG_TESTS";

/// The browser specs that every change runs; the others run with `--all`.
const E2E_PUSH: [&str; 1] = ["resume"];

/// What a stage needs to know.
#[derive(Debug)]
pub struct Context {
    pub compiler: wasm::Compiler,
    /// The long tests too.
    pub long: bool,
    /// Test the browser's part as it is shipped, and hold it against its budget.
    pub release: bool,
}

/// One stage.
#[derive(Debug)]
pub struct Stage {
    pub name: &'static str,
    pub about: &'static str,
    pub run: fn(&Context) -> anyhow::Result<()>,
}

/// Every stage that this checkout has, in order.
pub fn all() -> Vec<Stage> {
    let mut stages = vec![
        Stage { name: "fmt", about: "the code's form", run: fmt },
        Stage { name: "clippy", about: "the linter, server side", run: clippy },
        Stage { name: "wasm-check", about: "the linter, browser side", run: wasm_check },
        Stage { name: "without-lab", about: "the product compiles without the simulator", run: without_lab },
        Stage { name: "site", about: "the browser's part", run: build_site },
        Stage { name: "unit", about: "tests of the crates", run: unit },
        Stage { name: "fuzz", about: "damaged recordings for every reader", run: fuzz },
        Stage { name: "doc", about: "examples in the documentation", run: doc },
    ];
    if folders::end2end().join("run.mjs").is_file() {
        stages.push(Stage { name: "e2e", about: "the console in a real browser", run: e2e });
    }
    if folders::root().join("xtask/reallab/Cargo.toml").is_file() {
        stages.push(Stage { name: "lab", about: "real OpenSSH and corosync in namespaces", run: lab });
    }
    stages
}

fn fmt(_: &Context) -> anyhow::Result<()> {
    let mut command = cargo::cargo();
    command.args(["fmt", "--all", "--check"]);
    run::run(command)
}

/// `frontend` is left out here and in the unit tests: it would switch the pages to the browser's features in the same
/// build as the server's, which leptos does not support.
fn clippy(_: &Context) -> anyhow::Result<()> {
    let mut command = cargo::cargo();
    command.args(["clippy", "--workspace", "--exclude", "frontend", "--all-targets", "--", "-D", "warnings"]);
    run::run(command)
}

fn wasm_check(context: &Context) -> anyhow::Result<()> {
    let (mut command, _) = wasm::cargo_for(&context.compiler)?;
    command.args(["clippy", "--package", "frontend", "--package", "app", "--package", "model", "--lib"]);
    command.args(["--features", "app/hydrate", "--target", wasm::TARGET]);
    // The site's profile: procedural macros and build scripts are then compiled once for both.
    command.args(["--profile", profile(context).name(), "--", "-D", "warnings"]);
    run::run(command)
}

fn without_lab(_: &Context) -> anyhow::Result<()> {
    let mut command = cargo::cargo();
    command.args(["check", "--package", "server", "--no-default-features"]);
    run::run(command)
}

fn build_site(context: &Context) -> anyhow::Result<()> {
    let site = site::build(profile(context))?;
    if context.release {
        bench::wasm_within_budget(&site)?;
    }
    Ok(())
}

fn unit(context: &Context) -> anyhow::Result<()> {
    let mut command = cargo::cargo();
    let mut nextest = cargo::cargo();
    nextest.args(["nextest", "--version"]);
    if run::succeeds(nextest) {
        command.args(["nextest", "run"]);
    } else {
        command.args(["test", "--lib", "--bins", "--tests"]);
    }
    command.args(["--workspace", "--exclude", "frontend", "--no-fail-fast"]);
    run::run(told(command, context))
}

/// Seconds of fuzzing that every change gets, and that the long run gets.
const FUZZ_PUSH_S: &str = "20";
const FUZZ_LONG_S: &str = "300";

fn fuzz(context: &Context) -> anyhow::Result<()> {
    let mut command = cargo::cargo();
    let seconds = if context.long { FUZZ_LONG_S } else { FUZZ_PUSH_S };
    command.args(["run", "--quiet", "--package", "pve", "--example", "fuzz", "--", "--seconds", seconds]);
    run::run(command)
}

fn doc(context: &Context) -> anyhow::Result<()> {
    let mut command = cargo::cargo();
    command.args(["test", "--doc", "--workspace", "--exclude", "frontend", "--quiet"]);
    run::run(told(command, context))
}

fn e2e(context: &Context) -> anyhow::Result<()> {
    ensure!(folders::site().join("pkg/quorate.js").is_file(), "there is no site: run `cargo xtask site` first");
    let binary = demo::server()?;
    let mut command = Command::new("node");
    command.arg("run.mjs");
    if !context.long {
        command.args(E2E_PUSH);
    }
    command.current_dir(folders::end2end()).env("QUORATE_BIN", binary);
    run::run(told(command, context))
}

fn lab(context: &Context) -> anyhow::Result<()> {
    let mut command = cargo::cargo();
    command.args(["run", "--quiet", "--package", "reallab", "--", "selftest"]);
    run::run(told(command, context))
}

fn profile(context: &Context) -> Profile {
    if context.release { Profile::Release } else { Profile::Demo }
}

fn told(mut command: Command, context: &Context) -> Command {
    if context.long {
        command.env(LONG_TESTS, "1");
    }
    command
}
