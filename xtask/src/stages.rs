//! The stages of `cargo xtask test`, the quick ones first.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::ensure;

use crate::apt::Root;
use crate::site::{Lints, Profile};
use crate::{bench, cargo, folders, programs, run, site, wasm, wasm_fallback};

/// Told to every stage's programs: set, the long tests run too.
const LONG_TESTS: &str = "QUORATE_LONG_TESTS";

/// The browser specs that every change runs; the others run with `--all`.
const E2E_PUSH: [&str; 12] = [
    "simulated",
    "keyboard",
    "import",
    "jump",
    "stream",
    "bad-input",
    "network",
    "resume",
    "approvals",
    "recover",
    "second-factor",
    "notifications",
];

/// Those that run with `--all` only.
const E2E_LONG: [&str; 13] = [
    "two-nodes-qdevice",
    "odd-qdevice",
    "qdevice-stopped",
    "join-refused",
    "join-trouble",
    "join-stopped",
    "looks",
    "remedy",
    "midway",
    "handover",
    "power",
    "five-nodes",
    "qdevice-restarts",
];

/// Those that need namespaces, and so the administrator.
const E2E_ROOT: [&str; 2] = ["real", "real-repair"];

/// The same, with `--all` only.
const E2E_ROOT_LONG: [&str; 2] = ["real-restarts", "real-recover"];

/// How a stage ended that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    Passed,
    /// Something could not be run here, and why.
    LeftOut(String),
}

/// What keeps a stage or a part of it from running without the administrator's rights.
const NEEDS_ROOT: &str = "needs root (or sudo without a password)";

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
    /// Runs with `--all` only.
    pub long: bool,
    pub run: fn(&Context) -> anyhow::Result<Ended>,
}

const fn stage(name: &'static str, about: &'static str, run: fn(&Context) -> anyhow::Result<Ended>) -> Stage {
    Stage { name, about, long: false, run }
}

/// Every stage that this checkout has, in order.
pub fn all() -> Vec<Stage> {
    let mut stages = vec![
        stage("fmt", "the code's form", fmt),
        stage("compile", "the crates and their tests, and what the linter says of them", compile),
        stage("without-lab", "the product compiles without the simulator", without_lab),
        stage("site", "the browser's part, and what the linter says of it", build_site),
        Stage { long: true, ..stage("fallback", "the browser's part with Debian's own Rust", wasm_fallback) },
        stage("unit", "tests of the crates", unit),
        stage("fuzz", "damaged recordings for every reader", fuzz),
        stage("doc", "examples in the documentation", doc),
    ];
    if folders::end2end().join("run.mjs").is_file() {
        stages.push(stage("e2e", "the console in a real browser", e2e));
    }
    if folders::root().join("xtask/reallab/Cargo.toml").is_file() {
        stages.push(stage("lab", "real OpenSSH and corosync in namespaces", lab));
        stages.push(stage("chaos", "random faults on real parts, and a console that watches", chaos));
        stages.push(stage("conform", "what the lab of real parts answers, held against the recordings", conform));
    }
    stages
}

fn fmt(_: &Context) -> anyhow::Result<Ended> {
    let mut command = cargo::cargo();
    command.args(["fmt", "--all", "--check"]);
    passed(command)
}

/// All crates, their tests and their programs, compiled by the linter's driver: what it compiles the later stages run.
fn compile(_: &Context) -> anyhow::Result<Ended> {
    run::run(tests(&["--no-run"]))?;
    let mut command = cargo::linting(cargo::cargo());
    command.args(["build", "--workspace", "--exclude", "frontend", "--bins", "--examples"]);
    passed(command)
}

/// The other packages stay as they are: what they share with the server is then compiled with the same features, once.
fn without_lab(_: &Context) -> anyhow::Result<Ended> {
    let mut command = cargo::linting(cargo::cargo());
    command.args(["build", "--workspace", "--exclude", "frontend", "--no-default-features", "--bin", "quorate"]);
    passed(command)
}

/// The module that is shipped comes from the ordinary compiler: the linter's keeps optimisations away that its rules
/// could not see through, and would say too large a size.
fn build_site(context: &Context) -> anyhow::Result<Ended> {
    if !context.release {
        return site::build(Profile::Demo, Lints::Denied).map(|_| Ended::Passed);
    }
    site::compile(&context.compiler, Profile::Demo, Lints::Denied)?;
    bench::wasm_within_budget(&site::build(Profile::Release, Lints::Silent)?)?;
    Ok(Ended::Passed)
}

/// The way without rustup's server, whatever way this machine would take by itself.
fn wasm_fallback(_: &Context) -> anyhow::Result<Ended> {
    if !wasm_fallback::is_possible() {
        return Ok(Ended::LeftOut("needs Debian 12".to_owned()));
    }
    let compiler = wasm::ensure(true)?;
    ensure!(compiler == wasm::Compiler::Fallback, "the switch for the fallback chose {compiler:?}");
    let module = site::compile(&compiler, Profile::Demo, Lints::Silent)?;
    let bytes = std::fs::read(&module)?;
    ensure!(bytes.starts_with(b"\0asm"), "{} is no WASM module", module.display());
    Ok(Ended::Passed)
}

fn unit(context: &Context) -> anyhow::Result<Ended> {
    passed(told(tests(&["--no-fail-fast"]), context))
}

/// The crates' tests. `frontend` is left out: it would switch the pages to the browser's features in the same build as the
/// server's, which leptos does not support.
fn tests(options: &[&str]) -> Command {
    let mut nextest = cargo::cargo();
    nextest.args(["nextest", "--version"]);
    let mut command = cargo::linting(cargo::cargo());
    if run::succeeds(nextest) {
        command.args(["nextest", "run"]);
    } else {
        command.args(["test", "--lib", "--bins", "--tests", "--examples"]);
    }
    command.args(["--workspace", "--exclude", "frontend"]).args(options);
    command
}

/// Seconds of fuzzing that every change gets, and that the long run gets.
const FUZZ_PUSH_S: &str = "20";
const FUZZ_LONG_S: &str = "300";

fn fuzz(context: &Context) -> anyhow::Result<Ended> {
    let seconds = if context.long { FUZZ_LONG_S } else { FUZZ_PUSH_S };
    let mut command = Command::new(programs::all()?.join("examples/fuzz"));
    command.args(["--seconds", seconds]).current_dir(folders::root());
    passed(command)
}

fn doc(context: &Context) -> anyhow::Result<Ended> {
    let mut command = cargo::linting(cargo::cargo());
    command.args(["test", "--doc", "--workspace", "--exclude", "frontend", "--quiet"]);
    passed(told(command, context))
}

fn e2e(context: &Context) -> anyhow::Result<Ended> {
    ensure!(folders::site().join("pkg/quorate.js").is_file(), "there is no site: run `cargo xtask site` first");
    let programs = Programs::build()?;
    let mut command = Command::new("node");
    command.arg("run.mjs").args(E2E_PUSH).args(if context.long { &E2E_LONG[..] } else { &[] });
    command.current_dir(folders::end2end()).envs(programs.variables());
    run::run(told(command, context))?;

    let Some(root) = Root::find() else {
        return Ok(Ended::LeftOut(format!("{}: {NEEDS_ROOT}", E2E_ROOT.join(" "))));
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let variables: Vec<_> = programs.variables().into_iter().chain([("PATH", path.as_os_str())]).collect();
    let mut command = root.command_with("node", &variables);
    command
        .arg("run.mjs")
        .args(E2E_ROOT)
        .args(if context.long { &E2E_ROOT_LONG[..] } else { &[] })
        .current_dir(folders::end2end());
    let result = run::run(command);
    if matches!(root, Root::Sudo) {
        run::run(given_back(&folders::end2end().join("test-results"))?)?;
    }
    result.map(|()| Ended::Passed)
}

/// What the administrator left belongs to the person again, or the next run could not remove it.
fn given_back(folder: &Path) -> anyhow::Result<Command> {
    let id = |option: &str| {
        let mut command = Command::new("id");
        command.arg(option);
        run::output(command)
    };
    let mut command = Root::Sudo.command("chown");
    command.args(["-R", &format!("{}:{}", id("-u")?, id("-g")?)]).arg(folder);
    Ok(command)
}

/// The programs that the browser specs start.
struct Programs {
    quorate: PathBuf,
    nodes: PathBuf,
    reallab: PathBuf,
}

impl Programs {
    fn build() -> anyhow::Result<Self> {
        let debug = programs::all()?;
        Ok(Self { quorate: debug.join("quorate"), nodes: debug.join("examples/nodes"), reallab: debug.join("reallab") })
    }

    fn variables(&self) -> [(&'static str, &OsStr); 3] {
        [
            ("QUORATE_BIN", self.quorate.as_os_str()),
            ("QUORATE_NODES", self.nodes.as_os_str()),
            ("QUORATE_REALLAB", self.reallab.as_os_str()),
        ]
    }
}

fn lab(context: &Context) -> anyhow::Result<Ended> {
    on_real_parts(context, "reallab", &["selftest"])
}

fn conform(context: &Context) -> anyhow::Result<Ended> {
    on_real_parts(context, "conform", &[])
}

fn chaos(context: &Context) -> anyhow::Result<Ended> {
    ensure!(folders::site().join("pkg/quorate.js").is_file(), "there is no site: run `cargo xtask site` first");
    on_real_parts(context, "chaos", &[])
}

/// Builds a program that drives the lab of real parts, and runs it as the administrator.
fn on_real_parts(context: &Context, program: &str, args: &[&str]) -> anyhow::Result<Ended> {
    let Some(root) = Root::find() else {
        return Ok(Ended::LeftOut(NEEDS_ROOT.to_owned()));
    };
    // Built as who we are: what root's cargo writes, nobody else could replace.
    let programs = programs::all()?;
    let long = if context.long { &[(LONG_TESTS, OsStr::new("1"))][..] } else { &[] };
    let mut command = root.command_with(programs.join(program), long);
    command.args(args).current_dir(folders::root());
    passed(command)
}

fn passed(command: Command) -> anyhow::Result<Ended> {
    run::run(command).map(|()| Ended::Passed)
}

fn told(mut command: Command, context: &Context) -> Command {
    if context.long {
        command.env(LONG_TESTS, "1");
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_browser_spec_has_its_tier() {
        let mut files: Vec<String> = std::fs::read_dir(folders::end2end().join("specs"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().trim_end_matches(".mjs").to_owned())
            .collect();
        files.sort();
        let mut tiers: Vec<&str> =
            E2E_PUSH.iter().chain(&E2E_LONG).chain(&E2E_ROOT).chain(&E2E_ROOT_LONG).copied().collect();
        tiers.sort_unstable();
        assert_eq!(files, tiers);
    }
}
