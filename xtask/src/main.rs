//! `cargo xtask`: set-up, build, demo, tests, lab and benchmarks.
//!
//! This crate stays small so that every command starts within seconds; what takes long to compile lives in programs
//! of its own (`sitegen`, `reallab`, `bench`) that are run through cargo.

mod apt;
mod bench;
mod cargo;
mod demo;
mod folders;
mod npm;
mod programs;
mod run;
mod say;
mod setup;
mod site;
mod stages;
mod test;
mod wasm;
mod wasm_fallback;

use std::ffi::OsString;
use std::process::{self, ExitCode};

use clap::{Parser, Subcommand};

use crate::setup::Need;
use crate::site::{Lints, Profile};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Set-up, build, demo, tests, lab and benchmarks of Quorate")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install what building and testing need, and do nothing when it is all there
    Setup {
        /// Only what building needs
        #[arg(long)]
        build_only: bool,
        /// Build the standard library for WASM from Debian's packages even where rustup's target is there;
        /// QUORATE_FORCE_WASM_FALLBACK=1 does so for every command
        #[arg(long)]
        force_wasm_fallback: bool,
    },
    /// Build the browser's part into the site folder
    Site {
        /// How the browser's part is compiled
        #[arg(long, value_enum, default_value_t = Profile::Demo)]
        profile: Profile,
    },
    /// Build the release binary with the site inside
    Build,
    /// Build everything and start the console with simulated nodes
    Demo {
        /// Arguments for `quorate demo`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Run all checks and tests
    Test(test::Options),
    /// Run benchmarks
    Bench(bench::Options),
    /// The lab of real parts; arguments are passed on
    #[command(disable_help_flag = true)]
    Lab {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    say::start();
    match dispatch(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Setup { build_only, force_wasm_fallback } => {
            let need = if build_only { Need::Build } else { Need::Test };
            setup::run(need, force_wasm_fallback)?;
            setup::node_packages()?;
            say::say("all that is needed is there");
            Ok(ExitCode::SUCCESS)
        }
        Command::Site { profile } => {
            let built = site::build(profile, Lints::Silent)?;
            println!("{}", built.folder.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Build => demo::release().map(|()| ExitCode::SUCCESS),
        Command::Demo { args } => demo::demo(&args),
        Command::Test(options) => test::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Lab { args } => {
            let mut lab = process::Command::new(programs::lab()?.join("reallab"));
            lab.args(&args).current_dir(folders::root());
            run::pass_through(lab)
        }
    }
}
