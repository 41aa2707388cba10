//! `pvecm status`, `nodes` and `expected`: corosync's own tools with a head.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, bail};

use super::{EXIT_NO_CLUSTER, cluster_conf};

/// The cluster's block, then `corosync-quorumtool -siH` and its exit code.
pub fn status() -> anyhow::Result<u8> {
    let Some(conf) = cluster_conf()? else { return Ok(EXIT_NO_CLUSTER) };
    println!("Cluster information\n-------------------");
    let transport = conf.totem("transport");
    let rows = [
        ("Name:", conf.totem("cluster_name")),
        ("Config Version:", conf.version().to_string()),
        ("Transport:", if transport.is_empty() { "knet".to_owned() } else { transport }),
        ("Secure auth:", conf.totem("secauth")),
    ];
    for (key, value) in rows {
        println!("{key:<17} {value}");
    }
    println!();
    become_quorumtool(&["-siH"])
}

pub fn nodes() -> anyhow::Result<u8> {
    if cluster_conf()?.is_none() {
        return Ok(EXIT_NO_CLUSTER);
    }
    become_quorumtool(&["-l"])
}

pub fn expected(args: &[String]) -> anyhow::Result<u8> {
    let Some(votes) = args.first() else { bail!("400 not enough arguments\npvecm expected <expected>") };
    if cluster_conf()?.is_none() {
        return Ok(EXIT_NO_CLUSTER);
    }
    let wrong = match votes.parse::<i64>() {
        Ok(number) if number >= 1 => return become_quorumtool(&["-e", votes]),
        Ok(_) => "value must have a minimum value of 1".to_owned(),
        Err(_) => format!("type check ('integer') failed - got '{votes}'"),
    };
    bail!("400 Parameter verification failed.\nexpected: {wrong}\npvecm expected <expected>")
}

fn become_quorumtool(args: &[&str]) -> anyhow::Result<u8> {
    let failure = Command::new("corosync-quorumtool").args(args).exec();
    Err(failure).context("corosync-quorumtool")
}
