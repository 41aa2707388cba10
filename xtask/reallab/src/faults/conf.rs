//! Faults of corosync's own files and of its votes.

use std::fs;

use anyhow::{Context, bail};

use super::files::saved;
use super::{Proof, asked, told};
use crate::layout::{Host, Lab};
use crate::{access, cuts, tool};

/// How much higher the version is that only one node has.
const VERSION_STEP: u64 = 7;
/// As corosync-keygen makes it.
const AUTHKEY_BYTES: usize = 256;
const QUORUM: &str = "timeout 4 corosync-quorumtool -s";

/// Another key of the same size, and a restart: the node is alone then.
pub fn authkey(host: &Host, on: bool) -> anyhow::Result<()> {
    let (good, live) = (saved(host)?.join("authkey"), host.own("etc/corosync/authkey"));
    if on {
        fs::copy(&live, &good).context("authkey")?;
        fs::write(&live, tool::random(AUTHKEY_BYTES)?).context("authkey")?;
    } else {
        fs::copy(&good, &live).context("authkey")?;
    }
    told(host, "systemctl restart corosync").map(|_| ())
}

pub fn prove_authkey(host: &Host) -> anyhow::Result<Proof> {
    let good = fs::read(saved(host)?.join("authkey")).context("good authkey")?;
    let differs = fs::read(host.own("etc/corosync/authkey")).context("authkey")? != good;
    let (_, text) = asked(host, QUORUM)?;
    let members = field(&text, "Nodes").unwrap_or("?").to_owned();
    // Alone with another key; and the key is only back when corosync has taken it.
    let took = differs && members == "1";
    Ok(Proof { took, words: format!("authkey differs: {differs}; corosync sees {members} members") })
}

/// Only in the node's own file, as after an edit by hand.
pub fn version(host: &Host, on: bool) -> anyhow::Result<()> {
    if !on {
        // What the cluster has now, which may be newer than what the node had.
        return told(host, "cp /etc/pve/corosync.conf /etc/corosync/corosync.conf && systemctl restart corosync")
            .map(|_| ());
    }
    let live = host.own("etc/corosync/corosync.conf");
    let text = fs::read_to_string(&live).context("corosync.conf")?;
    let next = number(&text)? + VERSION_STEP;
    let line = |line: &str| match line.trim_start().strip_prefix("config_version:") {
        Some(_) => format!("  config_version: {next}\n"),
        None => format!("{line}\n"),
    };
    fs::write(&live, text.lines().map(line).collect::<String>()).context("corosync.conf")?;
    told(host, "systemctl restart corosync").map(|_| ())
}

pub fn prove_version(host: &Host) -> anyhow::Result<Proof> {
    let shared = number(&told(host, "cat /etc/pve/corosync.conf")?)?;
    let (_, text) = asked(host, "timeout 4 corosync-cmapctl -g totem.config_version")?;
    let runs = text.rsplit("= ").next().and_then(|word| word.trim().parse::<u64>().ok());
    let words = format!("corosync runs version {}, /etc/pve has {shared}", runs.map_or("?".into(), |n| n.to_string()));
    Ok(Proof { took: runs.is_some_and(|runs| runs > shared), words })
}

fn number(text: &str) -> anyhow::Result<u64> {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix("config_version:"));
    line.context("config_version")?.trim().parse().context("config_version")
}

/// Cut off first; `expected 1` only helps when the node has lost its quorum.
pub fn split(host: &Host, on: bool) -> anyhow::Result<()> {
    cuts::set(host, "all", !on)?;
    if !on {
        return Ok(());
    }
    let end = std::time::Instant::now() + super::PROOF_LIMIT;
    while !asked(host, QUORUM)?.1.contains("Activity blocked") {
        if std::time::Instant::now() > end {
            bail!("{} does not lose its quorum", host.name);
        }
        std::thread::sleep(super::PROOF_PAUSE);
    }
    told(host, "pvecm expected 1").map(|_| ())
}

/// Both sides are quorate, and neither sees the other.
pub fn prove_split(lab: &Lab, host: &Host) -> anyhow::Result<Proof> {
    let (_, alone) = asked(host, QUORUM)?;
    let mut others = Vec::new();
    for other in lab.nodes().into_iter().filter(|other| other.name != host.name) {
        let output = access::inside(other, QUORUM)?;
        others.push(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let quorate = |text: &str| field(text, "Quorate") == Some("Yes");
    let rest = others.len().to_string();
    let other_side = others.iter().all(|text| quorate(text) && field(text, "Nodes") == Some(&rest));
    let took = quorate(&alone) && field(&alone, "Nodes") == Some("1") && other_side;
    let words = format!(
        "{}: {} members, quorate {}; the others: quorate {}",
        host.name,
        field(&alone, "Nodes").unwrap_or("?"),
        field(&alone, "Quorate").unwrap_or("?"),
        if other_side { "too" } else { "without it or not at all" }
    );
    Ok(Proof { took, words })
}

/// A value of quorumtool's first block.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_from_the_blocks() {
        let text = "Quorum information\n------------------\nNodes:            2\nQuorate:          Yes\n";
        assert_eq!((field(text, "Nodes"), field(text, "Quorate"), field(text, "Ring")), (Some("2"), Some("Yes"), None));
        assert_eq!(number("totem {\n  config_version: 12\n}\n").unwrap(), 12);
        assert!(number("totem {\n}\n").is_err());
    }
}
