//! The binary with the site inside: for a demo, and for release.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Context;

use crate::setup::Need;
use crate::site::{Lints, Profile};
use crate::{cargo, folders, run, say, setup, site};

/// Builds everything without optimisation and becomes `quorate demo`.
pub fn demo(args: &[OsString]) -> anyhow::Result<ExitCode> {
    setup::run(Need::Build, false)?;
    site::build(Profile::Demo, Lints::Silent)?;
    let binary = server()?;
    say::say("starting the demo");
    let mut command = Command::new(binary);
    command.arg("demo").args(args);
    become_(command)
}

/// Builds `quorate` for release and says where it is.
pub fn release() -> anyhow::Result<()> {
    setup::run(Need::Build, false)?;
    site::build(Profile::Release, Lints::Silent)?;
    let binary = release_binary()?;
    let size = std::fs::metadata(&binary).with_context(|| format!("look at {}", binary.display()))?.len();
    say::say(format!("done ({:.1} MiB)", size as f64 / f64::from(1 << 20)));
    println!("{}", binary.display());
    Ok(())
}

/// Builds the server with the release profile around the site that is there.
pub fn release_binary() -> anyhow::Result<PathBuf> {
    say::say("building the server (release)");
    let mut command = cargo::cargo();
    command.args(["build", "--release", "--package", "server"]);
    run::run(command)?;
    Ok(folders::target().join("release").join(program()))
}

/// Builds the server without optimisation around the site that is there.
pub fn server() -> anyhow::Result<PathBuf> {
    say::say("building the server");
    let mut command = cargo::cargo();
    command.args(["build", "--package", "server"]);
    run::run(command)?;
    Ok(folders::target().join("debug").join(program()))
}

fn program() -> String {
    format!("quorate{}", std::env::consts::EXE_SUFFIX)
}

/// Replaces this process, so that signals reach the console itself.
#[cfg(unix)]
fn become_(mut command: Command) -> anyhow::Result<ExitCode> {
    use std::os::unix::process::CommandExt;

    let error = command.exec();
    Err(error).with_context(|| format!("start {}", run::shown(&command)))
}

#[cfg(not(unix))]
fn become_(command: Command) -> anyhow::Result<ExitCode> {
    run::pass_through(command)
}
