//! `pvecm delnode NAME`.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::{EXIT_FAILED, is_quorate, offline, write_conf};
use crate::conf::Member;
use crate::words;

/// Exit code of a write that `/etc/pve` refused (EACCES).
const EXIT_REFUSED: u8 = 13;
/// A killed member has left within totem's time-outs.
const LEAVE_LIMIT: Duration = Duration::from_secs(15);

/// Trap kept on purpose: a running node is killed first, which in a cluster of two costs the quorum.
pub fn run(args: &[String]) -> anyhow::Result<u8> {
    let Some(name) = args.first() else { bail!("400 not enough arguments\npvecm delnode <node>") };
    if *name == words::hostname()? {
        bail!("Cannot delete myself from cluster!");
    }
    let Ok(text) = std::fs::read_to_string(crate::paths::CLUSTER_CONF) else {
        eprintln!("Node/IP: {name} is not a known host of the cluster.");
        return Ok(super::EXIT_NO_CLUSTER);
    };
    let mut conf = crate::conf::Block::parse(&text)?;
    if !is_quorate() {
        bail!("cluster not ready - no quorum?");
    }
    let mut members = conf.members();
    let Some(gone) = members
        .iter()
        .position(|member| member.name == *name || member.addresses.values().any(|address| address == name))
    else {
        eprintln!("Node/IP: {name} is not a known host of the cluster.");
        return Ok(EXIT_FAILED);
    };
    let gone = members.remove(gone);
    // The tool says so itself; that an offline node cannot be killed is well.
    Command::new("corosync-cfgtool").args(["-k", &gone.id.to_string()]).status()?;
    wait_until_gone(&gone.name);
    conf.block("nodelist").blocks.insert("node".to_owned(), members.iter().map(Member::write).collect());
    if let Err(error) = write_conf(&mut conf) {
        eprintln!("{error}");
        return Ok(EXIT_REFUSED);
    }
    Ok(0)
}

/// The next write into `/etc/pve` waits for totem, and so for the membership without the node.
fn wait_until_gone(name: &str) {
    let end = Instant::now() + LEAVE_LIMIT;
    while offline().is_ok_and(|list| list.iter().all(|node| node != name)) && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(100));
    }
}
