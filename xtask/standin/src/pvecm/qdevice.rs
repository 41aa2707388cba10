//! `pvecm qdevice setup ADDRESS` and `remove`, with the real certificates of corosync-qdevice and corosync-qnetd.

use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use super::{EXIT_FAILED, EXIT_NO_CLUSTER, cluster_conf, is_quorate, offline, write_conf};
use crate::conf::{Block, Member};
use crate::{paths, words};

const NODE_DB: &str = "/etc/corosync/qdevice/net/nssdb";
const SERVER_DB: &str = "/etc/corosync/qnetd/nssdb";
const REQUEST: &str = "qdevice-net-node.crq";
const BUNDLE: &str = "qdevice-net-node.p12";
const CA: &str = "qnetd-cacert.crt";

pub fn run(args: &[String]) -> anyhow::Result<u8> {
    let Some((verb, rest)) = args.split_first() else { bail!("ERROR: no command specified\n{}", super::USAGE) };
    let Some(conf) = cluster_conf()? else { return Ok(EXIT_NO_CLUSTER) };
    match verb.as_str() {
        "setup" => setup(conf, rest),
        "remove" => remove(conf),
        other => bail!("ERROR: unknown command 'pvecm qdevice {other}'\n{}", super::USAGE),
    }
}

fn setup(mut conf: Block, args: &[String]) -> anyhow::Result<u8> {
    let address = args.first().cloned().unwrap_or_default();
    if address.parse::<IpAddr>().is_err() {
        eprintln!(
            "400 Parameter verification failed.\naddress: invalid format - value does not look like a valid IP address\n\npvecm qdevice setup <address> [OPTIONS]"
        );
        return Ok(EXIT_FAILED);
    }
    if conf.has_qdevice() {
        bail!("QDevice already configured!");
    }
    all_online()?;
    let members = conf.members();
    let forced = args.iter().any(|arg| arg == "--force");
    let odd = members.len() % 2 == 1;
    if odd && !forced {
        bail!("Clusters with an odd node count are not officially supported!");
    }
    if !words::succeeds("/bin/ssh-copy-id", &["-i", paths::ROOT_KEY, &format!("root@{address}")]) {
        eprintln!("command 'ssh-copy-id -i {} root@{address}' failed: exit code 1", paths::ROOT_KEY);
        return Ok(1);
    }
    // As the real program has it: here alone, and not on the other nodes.
    if Path::new(NODE_DB).is_dir() {
        anyhow::ensure!(forced, "QDevice certificate store already initialised, set force to delete!");
        std::fs::remove_dir_all(NODE_DB).context(NODE_DB)?;
    }
    certificates(&conf, &address, &members)?;
    println!("INFO: add QDevice to cluster configuration");
    device(&mut conf, &address, odd, members.len());
    write_conf(&mut conf)?;
    for member in &members {
        println!("\nINFO: start and enable corosync qdevice daemon on node '{}'...", member.name);
        on(member, &["systemctl", "enable", "corosync-qdevice"])?;
        on(member, &["systemctl", "start", "corosync-qdevice"])?;
    }
    must_run("corosync-cfgtool", &["-R"])?;
    Ok(0)
}

/// The order and the files are those of corosync-qdevice's own documentation.
fn certificates(conf: &Block, address: &str, members: &[Member]) -> anyhow::Result<()> {
    let cluster = conf.totem("cluster_name");
    let server = format!("root@{address}");
    println!("\nINFO: initializing qnetd server");
    run_on(&server, &["corosync-qnetd-certutil", "-i"])?;
    println!("\nINFO: copying CA cert and initializing on all nodes\n");
    copy(&format!("{server}:{SERVER_DB}/{CA}"), "/etc/pve/")?;
    for member in members {
        let ca = format!("/etc/pve/{CA}");
        labelled(member, &["corosync-qdevice-net-certutil", "-i", "-c", &ca])?;
    }
    std::fs::remove_file(format!("/etc/pve/{CA}")).context(CA)?;
    println!("INFO: generating cert request");
    must_run("corosync-qdevice-net-certutil", &["-r", "-n", &cluster])?;
    println!("\nINFO: copying exported cert request to qnetd server");
    copy(&format!("{NODE_DB}/{REQUEST}"), &format!("{server}:{SERVER_DB}/"))?;
    println!("\nINFO: sign and export cluster cert");
    run_on(&server, &["corosync-qnetd-certutil", "-s", "-c", &format!("{SERVER_DB}/{REQUEST}"), "-n", &cluster])?;
    println!("\nINFO: copy exported CRT");
    let signed = format!("cluster-{cluster}.crt");
    copy(&format!("{server}:{SERVER_DB}/{signed}"), NODE_DB)?;
    println!("\nINFO: import certificate");
    must_run("corosync-qdevice-net-certutil", &["-M", "-c", &format!("{NODE_DB}/{signed}")])?;
    println!("\nINFO: copy and import pk12 cert to all nodes\n");
    let shared = format!("/etc/pve/{BUNDLE}");
    std::fs::copy(format!("{NODE_DB}/{BUNDLE}"), &shared).context(shared.clone())?;
    for member in members {
        labelled(member, &["corosync-qdevice-net-certutil", "-m", "-c", &shared])?;
    }
    std::fs::remove_file(&shared).context(shared)
}

fn device(conf: &mut Block, address: &str, odd: bool, nodes: usize) {
    let mut net = Block::default();
    net.set("algorithm", if odd { "lms" } else { "ffsplit" });
    net.set("host", address);
    net.set("tls", "on");
    let mut device = Block::default();
    device.set("model", "net");
    device.set("votes", if odd { nodes.saturating_sub(1) } else { 1 });
    device.blocks.insert("net".to_owned(), vec![net]);
    conf.block("quorum").blocks.insert("device".to_owned(), vec![device]);
}

fn remove(mut conf: Block) -> anyhow::Result<u8> {
    if !conf.has_qdevice() {
        bail!("No QDevice configured!");
    }
    all_online()?;
    let members = conf.members();
    conf.block("quorum").blocks.remove("device");
    write_conf(&mut conf)?;
    for member in &members {
        on(member, &["systemctl", "stop", "corosync-qdevice"])?;
        on(member, &["systemctl", "disable", "corosync-qdevice"])?;
        on(member, &["rm", "-rf", "/etc/corosync/qdevice/net"])?;
    }
    must_run("corosync-cfgtool", &["-R"])?;
    println!("\nRemoved Qdevice.");
    Ok(0)
}

fn all_online() -> anyhow::Result<()> {
    if let Some(node) = offline()?.first() {
        bail!("All nodes must be online! Node {node} is offline, aborting.");
    }
    if !is_quorate() {
        bail!("cluster not ready - no quorum?");
    }
    Ok(())
}

/// SSH to a member the way Proxmox VE does it: its pinned host key, its name as the key's alias.
fn to(member: &Member) -> Vec<String> {
    let address = member.addresses.values().next().cloned().unwrap_or_default();
    let known = format!("UserKnownHostsFile=/etc/pve/nodes/{}/ssh_known_hosts", member.name);
    let alias = format!("HostKeyAlias={}", member.name);
    let mut line: Vec<String> = Vec::new();
    for option in ["BatchMode=yes", &alias, &known, "GlobalKnownHostsFile=none"] {
        line.extend(["-o".to_owned(), option.to_owned()]);
    }
    line.push(format!("root@{address}"));
    line
}

fn on(member: &Member, command: &[&str]) -> anyhow::Result<()> {
    let mut line = to(member);
    line.extend(command.iter().map(|word| (*word).to_owned()));
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    must_run("ssh", &line)
}

/// Runs on a member; every line of its output carries the node's name.
fn labelled(member: &Member, command: &[&str]) -> anyhow::Result<()> {
    let output = Command::new("ssh").args(to(member)).args(command).stdin(Stdio::null()).output().context("ssh")?;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        println!("node '{}': {line}", member.name);
    }
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        Ok(())
    } else {
        bail!("command '{}' on node '{}' failed", command.join(" "), member.name)
    }
}

/// The store may exist already on the qnetd host, which is no failure there.
fn run_on(server: &str, command: &[&str]) -> anyhow::Result<()> {
    let mut line = vec!["-o", "BatchMode=yes", server];
    line.extend(command);
    let done = words::succeeds("ssh", &line);
    if done || command.contains(&"-i") { Ok(()) } else { bail!("command 'ssh {}' failed", line.join(" ")) }
}

fn copy(from: &str, to: &str) -> anyhow::Result<()> {
    must_run("scp", &["-q", "-o", "BatchMode=yes", from, to])
}

fn must_run(program: &str, args: &[&str]) -> anyhow::Result<()> {
    if words::succeeds(program, args) { Ok(()) } else { bail!("command '{program} {}' failed", args.join(" ")) }
}
