//! The stand-in for `pvecm`: its order of work, its words, its exit codes and its traps; corosync and SSH are real.

mod add;
mod addnode;
mod create;
mod delnode;
mod keys;
pub mod links;
mod qdevice;
mod status;

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

pub use create::configuration;

use crate::conf::Block;
use crate::{paths, words};

/// Exit code of Perl's `die` where errno was ENOENT, as `pvecm` shows it without a cluster.
const EXIT_NO_CLUSTER: u8 = 2;
const EXIT_FAILED: u8 = 255;
const USAGE: &str = "USAGE: pvecm <COMMAND> [ARGS] [OPTIONS]

       pvecm qdevice remove 
       pvecm qdevice setup <address> [OPTIONS]

       pvecm addnode <node> [OPTIONS]
       pvecm apiver 
       pvecm create <clustername> [OPTIONS]
       pvecm delnode <node>

       pvecm add <hostname> [OPTIONS]
       pvecm expected <expected>
       pvecm keygen <filename>
       pvecm mtunnel [<extra-args>] [OPTIONS]
       pvecm nodes 
       pvecm status 
       pvecm updatecerts  [OPTIONS]

       pvecm help [<extra-args>] [OPTIONS]";

/// `pvecm COMMAND ...`.
pub fn run(args: &[String]) -> anyhow::Result<u8> {
    // The real one gives itself a home too: ssh-copy-id needs one, and a unit of systemd has none.
    if std::env::var_os("HOME").is_none() {
        let failure = Command::new(paths::STANDIN).arg("pvecm").args(args).env("HOME", "/root").exec();
        return Err(failure).context("pvecm");
    }
    let Some((command, rest)) = args.split_first() else { bail!("ERROR: no command specified\n{USAGE}") };
    match command.as_str() {
        "apiver" => {
            println!("1");
            Ok(0)
        }
        "create" => create::run(rest),
        "add" => add::run(rest),
        "addnode" => addnode::run(rest),
        "delnode" => delnode::run(rest),
        "status" => status::status(),
        "nodes" => status::nodes(),
        "expected" => status::expected(rest),
        "updatecerts" => keys::updatecerts(rest),
        "qdevice" => qdevice::run(rest),
        "help" => {
            println!("{USAGE}");
            Ok(0)
        }
        other => bail!("ERROR: unknown command 'pvecm {other}'\n{USAGE}"),
    }
}

/// The cluster's configuration, or pvecm's words when there is none.
fn cluster_conf() -> anyhow::Result<Option<Block>> {
    match std::fs::read_to_string(paths::CLUSTER_CONF) {
        Ok(text) => Ok(Some(Block::parse(&text)?)),
        Err(_) => {
            eprintln!(
                "Error: Corosync config '{}' does not exist - is this node part of a cluster?",
                paths::CLUSTER_CONF
            );
            Ok(None)
        }
    }
}

/// Writes the cluster's configuration with the next version, beside it first, then in its place.
fn write_conf(conf: &mut Block) -> anyhow::Result<()> {
    let next = conf.version() + 1;
    conf.block("totem").set("config_version", next);
    let new = format!("{}.new", paths::CLUSTER_CONF);
    let failed = |error: std::io::Error| {
        anyhow::anyhow!("unable to open file '{new}.tmp.{}' - {}", std::process::id(), reason(&error))
    };
    std::fs::write(&new, conf.render()).map_err(failed)?;
    std::fs::rename(&new, paths::CLUSTER_CONF).map_err(failed)
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => "Permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// What pmxcfs says of the cluster.
fn members() -> anyhow::Result<serde_json::Value> {
    let text = std::fs::read_to_string("/etc/pve/.members").context("ipcc_send_rec[1] failed: Connection refused")?;
    serde_json::from_str(&text).context("/etc/pve/.members")
}

fn is_quorate() -> bool {
    members().is_ok_and(|members| members["cluster"]["quorate"].as_u64() == Some(1))
}

/// Names of members that are not online.
fn offline() -> anyhow::Result<Vec<String>> {
    let members = members()?;
    let list = members["nodelist"].as_object().cloned().unwrap_or_default();
    Ok(list.into_iter().filter(|(_, node)| node["online"].as_u64() != Some(1)).map(|(name, _)| name).collect())
}

/// Runs a program with pvecm's own output; the error's words are the program's last line.
fn must(program: &str, args: &[&str], failed: &str) -> anyhow::Result<()> {
    let output = Command::new(program)
        .args(args)
        .stdin(std::process::Stdio::null())
        .output()
        .with_context(|| program.to_owned())?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        eprint!("{errors}");
        return Ok(());
    }
    let mut lines: Vec<&str> = errors.lines().collect();
    let last = lines.pop().unwrap_or_default().to_owned();
    for line in lines {
        println!("{line}");
    }
    bail!("{failed}: {last}")
}

/// Perl's format check of cluster and node names.
fn is_node_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    name.bytes().all(inner) && edge(name.bytes().next()) && edge(name.bytes().last())
}

fn in_cluster_folder() -> bool {
    std::env::current_dir().is_ok_and(|folder| folder.starts_with(Path::new("/etc/pve")))
}

fn sleep_a_second() {
    std::thread::sleep(std::time::Duration::from_secs(1));
}

fn local_address() -> anyhow::Result<String> {
    let name = words::hostname()?;
    words::resolve(&name).with_context(|| {
        format!("hostname lookup '{name}' failed - failed to get address info for: {name}: Name or service not known")
    })
}
