//! Makes a bare machine able to build and to test.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::ensure;

use crate::{apt, cargo, npm, run, say, wasm};

/// How long rustup may take to add rustfmt and clippy.
const COMPONENTS_LIMIT: Duration = Duration::from_secs(120);

/// What the machine is to be made able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Build,
    Test,
}

/// Installs what is missing and returns the compiler for the browser's part.
pub fn run(need: Need, force_wasm_fallback: bool) -> anyhow::Result<wasm::Compiler> {
    apt::ensure(apt::BUILD)?;
    if need == Need::Test {
        apt::ensure(apt::TEST)?;
        ensure_checkers(&cargo::sysroot()?)?;
    }
    wasm::ensure(force_wasm_fallback)
}

/// What comes from npm: needed by the release build (binaryen) and by the tests, not by the demo.
pub fn node_packages() -> anyhow::Result<()> {
    ensure!(run::on_path("node"), "node is missing: install Node.js 20 or newer");
    npm::ensure()
}

fn ensure_checkers(sysroot: &Path) -> anyhow::Result<()> {
    let are_there = || ["cargo-fmt", "cargo-clippy"].iter().all(|name| sysroot.join("bin").join(name).exists());
    if are_there() {
        return Ok(());
    }
    if run::on_path("rustup") {
        say::say("adding rustfmt and clippy");
        let mut command = Command::new("rustup");
        command.args(["component", "add", "rustfmt", "clippy"]);
        run::within(command, COMPONENTS_LIMIT)?;
    }
    ensure!(are_there(), "this Rust toolchain lacks rustfmt or clippy: add them (rustup component add rustfmt clippy)");
    Ok(())
}
