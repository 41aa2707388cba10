//! The lab of real parts: nodes as Linux namespaces with the real OpenSSH and the real corosync.
//!
//! Every node is a PID, mount, UTS, IPC and network namespace on an overlay of `/`; the network is two bridges in a
//! namespace of their own. Nothing has a default route, so nothing ever leaves the machine. A console namespace is
//! where the product's server, its tests and the browser run.
//! What a bare Debian lacks (Proxmox VE's programs, systemd) comes from the package `standin`.

mod access;
mod apt;
mod bmc;
mod cgroup;
mod cuts;
mod disk;
mod down;
mod faults;
mod layout;
mod network;
mod nodes;
mod power;
mod scenario;
mod selftest;
mod shared;
mod status;
mod tool;
mod up;

use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand, ValueEnum};

use faults::Fault;
use layout::NETWORKS;
pub use layout::{Host, Kind, Lab, Wish};

/// The lab of real parts: real OpenSSH and real corosync on nodes that are namespaces of this machine.
#[derive(Debug, Parser)]
#[command(name = "lab")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a fresh lab of COUNT nodes and one qnetd host (removes what is left of an earlier one).
    Up(Up),
    /// Remove the lab: its processes, namespaces, mounts and files.
    Down,
    /// Nodes, links, BMCs, faults in force, root's password, host keys.
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
    /// A command of the shell inside of a node, without its network.
    Inside { node: String, command: String },
    /// Power off a node, hard.
    Kill { node: String },
    /// Power on a node that was killed; its disk is as it was.
    Start { node: String },
    /// A node's power: on, off, cycle or status.
    Power { node: String, word: String },
    /// Pull the cable of a node's link 0, 1, ..., or of all (`all`).
    Cut { node: String, link: String },
    /// Put the cable back.
    Heal { node: String, link: String },
    /// Inject a fault, wait until it is proven and print the proof; `fault list` prints what is in force and what
    /// there is.
    Fault(FaultWords),
    /// Switch a fault as a scenario file writes it, in JSON: the words that the simulated lab understands too.
    Inject { fault: String },
    /// Run a command in the console's namespace.
    ExecConsole {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
    /// Build clusters, break them, look at them; ends with nothing left.
    Selftest,
    /// What a BMC asks of its node's chassis.
    #[command(hide = true)]
    Chassis { node: String, words: Vec<String> },
}

#[derive(Debug, clap::Args)]
struct Up {
    /// Number of nodes.
    #[arg(required_unless_present = "scenario", default_value_t = 0)]
    count: usize,
    /// Nodes, networks, cluster and faults as a scenario file says, which the simulated lab reads too.
    #[arg(long, conflicts_with_all = ["count", "names", "cluster", "ssh_only"])]
    scenario: Option<std::path::PathBuf>,
    /// Names of the nodes, separated by commas; pve1, pve2, ... otherwise.
    #[arg(long, value_delimiter = ',')]
    names: Vec<String>,
    /// Root's password on all nodes; a random one otherwise.
    #[arg(long)]
    password: Option<String>,
    /// Networks of every node: management, and one for each further link of corosync.
    #[arg(long, default_value_t = NETWORKS)]
    networks: usize,
    /// The nodes are a cluster of this name from the beginning.
    #[arg(long)]
    cluster: Option<String>,
    /// The links of that cluster have no priorities, as `pvecm` makes them by itself.
    #[arg(long, requires = "cluster")]
    no_priorities: bool,
    /// Nodes that have OpenSSH only and answer from files, up to 32.
    #[arg(long, conflicts_with = "cluster")]
    ssh_only: bool,
    /// The caller has the turn to build labs.
    #[arg(long, hide = true)]
    in_turn: bool,
}

#[derive(Debug, clap::Args)]
struct FaultWords {
    /// Which fault, or `list`.
    kind: String,
    #[arg(default_value = "")]
    node: String,
    /// Number of the link; all links otherwise.
    #[arg(long)]
    link: Option<usize>,
    /// For `mtu`.
    #[arg(long)]
    mtu: Option<u32>,
    /// For `loss`.
    #[arg(long)]
    percent: Option<u8>,
    /// For `skew-clock`, negative for a clock that is behind.
    #[arg(long, allow_hyphen_values = true)]
    millis: Option<i64>,
    /// Take the fault back.
    #[arg(long)]
    off: bool,
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
    let changes = match &command {
        Command::Up(up) => !up.in_turn,
        other => matches!(other, Command::Down | Command::Selftest),
    };
    let _turn = if changes { Some(tool::turn()?) } else { None };
    match command {
        Command::Up(up) => {
            let Up { count, names, password, networks, cluster, no_priorities, ssh_only, scenario, .. } = up;
            let scenario = scenario.as_deref().map(scenario::Scenario::read).transpose()?;
            let wish = match &scenario {
                Some(scenario) => Wish { password, ..scenario.wish() },
                None => Wish { count, names, password, networks, cluster, priorities: !no_priorities, ssh_only },
            };
            let lab = Lab::plan(&wish)?;
            up::up(&lab)?;
            if let Some(scenario) = &scenario {
                scenario.inject(&lab)?;
            }
            status::print(&lab, false)?;
        }
        Command::Down => down::down()?,
        Command::Status { json } => status::print(&Lab::load()?, json)?,
        Command::Ssh { node, command } => return access::ssh(&Lab::load()?, &node, &command),
        Command::Inside { node, command } => return access::enter(Lab::load()?.host(&node)?, &command),
        Command::Kill { node } => power::off(Lab::load()?.host(&node)?)?,
        Command::Start { node } => power::on(Lab::load()?.host(&node)?)?,
        Command::Power { node, word } => power::command(Lab::load()?.host(&node)?, &word)?,
        Command::Cut { node, link } => cable(&node, &link, false)?,
        Command::Heal { node, link } => cable(&node, &link, true)?,
        Command::Fault(words) => fault(&words)?,
        Command::Inject { fault } => {
            let fault: ::faults::Fault = serde_json::from_str(&fault).context("a fault in JSON")?;
            println!("{}", shared::switch(&fault, &Lab::load()?)?);
        }
        Command::ExecConsole { command } => return access::exec_console(&command),
        Command::Selftest => selftest::run()?,
        Command::Chassis { node, words } => return bmc::chassis(&node, &words),
    }
    Ok(0)
}

/// Without waiting for a proof, for those who watch themselves.
fn cable(node: &str, word: &str, up: bool) -> anyhow::Result<()> {
    let lab = Lab::load()?;
    let host = lab.host(node)?;
    for link in cuts::links(host, word)? {
        let fault = Fault::new(faults::Kind::CutLink, host).on_link(link);
        if up { faults::strike(&fault)? } else { faults::note(&fault)? }
    }
    cuts::set(host, word, up)
}

fn fault(words: &FaultWords) -> anyhow::Result<()> {
    let lab = Lab::load()?;
    if words.kind == "list" {
        for fault in faults::in_force()? {
            let proof = faults::prove(&lab, lab.host(&fault.node)?, &fault);
            println!(
                "in force: {}: {}",
                fault.words(),
                proof.map_or_else(|error| error.to_string(), |proof| proof.words)
            );
        }
        for kind in faults::Kind::value_variants() {
            println!("{:<22} {}", kind.name(), kind.about());
        }
        return Ok(());
    }
    let kind = faults::Kind::from_str(&words.kind, false).ok();
    let kind = kind.with_context(|| format!("there is no fault {} (lab fault list)", words.kind))?;
    let (link, mtu, percent, millis) = (words.link, words.mtu, words.percent, words.millis);
    let fault = Fault { link, mtu, percent, millis, ..Fault::new(kind, lab.host(&words.node)?) };
    let proof = if words.off { faults::revert(&lab, &fault)? } else { faults::inject(&lab, &fault)? };
    println!("{proof}");
    Ok(())
}
