//! The lab of real parts: nodes as Linux namespaces with the real OpenSSH and the real corosync.
//!
//! Every node is a PID, mount, UTS, IPC and network namespace on an overlay of `/`; the network is two bridges in a
//! namespace of their own. Nothing has a default route, so nothing ever leaves the machine. A console namespace is
//! where the product's server, its tests and the browser run.
//! What a bare Debian lacks (Proxmox VE's programs, systemd) comes from the package `standin`.

mod access;
mod cuts;
mod down;
mod layout;
mod network;
mod nodes;
mod selftest;
mod status;
mod tool;
mod up;

use std::process::ExitCode;

use anyhow::ensure;
use clap::{Parser, Subcommand};

pub use layout::{Host, Kind, Lab};

/// The lab of real parts: real OpenSSH and real corosync on nodes that are namespaces of this machine.
#[derive(Debug, Parser)]
#[command(name = "lab")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a fresh lab of COUNT bare nodes and one qnetd host (removes what is left of an earlier one).
    Up {
        count: usize,
        /// Names of the nodes, separated by commas; pve1, pve2, ... otherwise.
        #[arg(long, value_delimiter = ',')]
        names: Vec<String>,
        /// Root's password on all nodes; a random one otherwise.
        #[arg(long)]
        password: Option<String>,
    },
    /// Remove the lab: its processes, namespaces, mounts and files.
    Down,
    /// Nodes, addresses, root's password, host keys.
    Status {
        #[arg(long)]
        json: bool,
    },
    /// A shell or a command on a node, over SSH from the console's namespace.
    Ssh {
        node: String,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Power off a node, hard.
    Kill { node: String },
    /// Power on a node that was killed; its disk is as it was.
    Start { node: String },
    /// Pull the cable of a node's link 0 or 1, or of both (`all`).
    Cut { node: String, link: String },
    /// Put the cable back.
    Heal { node: String, link: String },
    /// Run a command in the console's namespace.
    ExecConsole {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
    /// Build clusters, break them, look at them; ends with nothing left.
    Selftest,
}

/// Reads the command line and does it.
pub fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<u8> {
    ensure!(tool::is_root()?, "the lab makes namespaces and mounts: run it as root (for example with sudo)");
    // Two commands that build or remove at the same time would take each other's lab apart.
    let changes = matches!(command, Command::Up { .. } | Command::Down | Command::Selftest);
    let _turn = if changes { Some(tool::turn()?) } else { None };
    match command {
        Command::Up { count, names, password } => {
            let lab = Lab::plan(count, &names, password)?;
            up::up(&lab)?;
            status::print(&lab, false)?;
        }
        Command::Down => down::down()?,
        Command::Status { json } => status::print(&Lab::load()?, json)?,
        Command::Ssh { node, command } => return access::ssh(&Lab::load()?, &node, &command),
        Command::Kill { node } => nodes::kill(Lab::load()?.host(&node)?)?,
        Command::Start { node } => nodes::start(Lab::load()?.host(&node)?)?,
        Command::Cut { node, link } => cuts::set(Lab::load()?.host(&node)?, &link, false)?,
        Command::Heal { node, link } => cuts::set(Lab::load()?.host(&node)?, &link, true)?,
        Command::ExecConsole { command } => return access::exec_console(&command),
        Command::Selftest => selftest::run()?,
    }
    Ok(0)
}
