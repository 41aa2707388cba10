//! `pvecm create NAME --link0 ADDRESS ...`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::bail;

use super::{EXIT_FAILED, is_node_name, keys, links, local_address, must};
use crate::conf::{Block, Member};
use crate::{paths, words};

/// corosync and the pages of Proxmox VE take no longer names.
const NAME_LIMIT: usize = 15;

/// Trap kept on purpose: a link address that is not local is accepted.
pub fn run(args: &[String]) -> anyhow::Result<u8> {
    let Some(name) = args.first().filter(|name| !name.starts_with('-')) else {
        return refused("clustername: property is missing and it is not optional\n");
    };
    if !is_node_name(name) {
        return refused("clustername: invalid format - value does not look like a valid node name\n");
    }
    if name.len() > NAME_LIMIT {
        return refused("clustername: value may only be 15 characters long");
    }
    if Path::new(paths::CLUSTER_CONF).exists() {
        bail!("cluster config '{}' already exists", paths::CLUSTER_CONF);
    }
    let mut links = links::read(args)?;
    if links.is_empty() {
        links.insert(0, links::Link { address: local_address()?, priority: None });
    }
    keys::setup()?;
    if !Path::new(paths::AUTHKEY).exists() && !words::succeeds("corosync-keygen", &["-l", "-k", paths::AUTHKEY]) {
        bail!("failed to generate authkey '{}'", paths::AUTHKEY);
    }
    println!("Writing corosync config to {}", paths::CLUSTER_CONF);
    std::fs::write(paths::CLUSTER_CONF, configuration(name, &links, &[founder(&links, args)?]).render())?;
    println!("Restart corosync and cluster filesystem");
    must("systemctl", &["restart", "corosync", "pve-cluster"], "starting pve-cluster failed")?;
    if !words::quietly("pvecm", &["updatecerts", "--silent"]) {
        eprintln!("unable to update the node's files");
    }
    Ok(0)
}

/// The node itself, as the first member.
fn founder(links: &BTreeMap<u8, links::Link>, args: &[String]) -> anyhow::Result<Member> {
    let number = |option: &str| words::option(args, option).and_then(|text| text.parse().ok()).unwrap_or(1);
    Ok(Member {
        name: words::hostname()?,
        id: number("nodeid"),
        votes: number("votes"),
        addresses: links.iter().map(|(number, link)| (*number, link.address.clone())).collect(),
    })
}

/// The configuration of a new cluster.
pub fn configuration(name: &str, links: &BTreeMap<u8, links::Link>, members: &[Member]) -> Block {
    let mut conf = Block::default();
    let logging = conf.block("logging");
    logging.set("debug", "off");
    logging.set("to_syslog", "yes");
    conf.block("nodelist").blocks.insert("node".to_owned(), members.iter().map(Member::write).collect());
    conf.block("quorum").set("provider", "corosync_votequorum");
    let totem = conf.block("totem");
    let settings = [
        ("cluster_name", name),
        ("config_version", "1"),
        ("ip_version", "ipv4-6"),
        ("link_mode", "passive"),
        ("secauth", "on"),
        ("token_coefficient", "125"),
        ("version", "2"),
    ];
    for (key, value) in settings {
        totem.set(key, value);
    }
    totem.blocks.insert("interface".to_owned(), links::interfaces(links));
    conf
}

fn refused(words: &str) -> anyhow::Result<u8> {
    eprintln!("400 Parameter verification failed.\n{words}\npvecm create <clustername> [OPTIONS]");
    Ok(EXIT_FAILED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_cluster_has_what_the_recorded_one_has() {
        let args: Vec<String> =
            ["lab", "--link0", "10.0.1.11", "--link1", "10.0.2.11,priority=20"].map(str::to_owned).to_vec();
        let links = links::read(&args).unwrap();
        let conf = configuration("lab", &links, &[founder(&links, &args).unwrap()]);
        let recorded = Block::parse(include_str!("../../tests/fixtures/corosync.conf.qdevice")).unwrap();
        let keys = |conf: &Block| conf.find("totem").unwrap().keys.keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&conf), keys(&recorded));
        assert_eq!(conf.find("logging"), recorded.find("logging"));
        let interfaces = &conf.find("totem").unwrap().blocks["interface"];
        assert_eq!(interfaces[1].keys["knet_link_priority"], "20");
        assert_eq!(conf.members()[0].addresses[&1], "10.0.2.11");
    }
}
