//! `pvecm addnode NAME --force 1 --link0 ADDRESS ...`: what a joiner calls on a member.

use anyhow::bail;

use super::{is_quorate, links, write_conf};
use crate::conf::{Block, Member};
use crate::words;

/// Adds a node to the nodelist.
///
/// Trap kept on purpose: with `--force 1` and equal votes, a name that exists already is overwritten in the live
/// configuration.
pub fn run(args: &[String]) -> anyhow::Result<u8> {
    let Some(name) = args.first().cloned() else { bail!("400 not enough arguments") };
    let Some(mut conf) = super::cluster_conf()? else { return Ok(super::EXIT_NO_CLUSTER) };
    if !is_quorate() {
        bail!("cluster not ready - no quorum?");
    }
    let mut members = conf.members();
    let addresses = addresses(&conf, &members, args, &name)?;
    let votes = words::option(args, "votes").and_then(|text| text.parse().ok()).unwrap_or(1);
    let wanted = words::option(args, "nodeid").and_then(|text| text.parse().ok());
    let forced = words::option(args, "force").is_some_and(|value| value != "0");
    if let Some(known) = members.iter_mut().find(|member| member.name == name) {
        if !forced || known.votes != votes || wanted.is_some_and(|id| id != known.id) {
            bail!("can't add existing node '{name}'");
        }
        println!("forcing overwrite of configured node '{name}'");
        known.addresses = addresses;
    } else {
        // An id that the caller gives is not checked against the others: a trap of the real one too.
        let free = (1..).find(|id| members.iter().all(|member| member.id != *id)).unwrap_or(1);
        members.push(Member { name, id: wanted.unwrap_or(free), votes, addresses });
    }
    members.sort_by(|left, right| left.name.cmp(&right.name));
    conf.block("nodelist").blocks.insert("node".to_owned(), members.iter().map(Member::write).collect());
    write_conf(&mut conf)?;
    Ok(0)
}

fn addresses(
    conf: &Block,
    members: &[Member],
    args: &[String],
    name: &str,
) -> anyhow::Result<std::collections::BTreeMap<u8, String>> {
    let given = links::read(args)?;
    let count = conf.find("totem").and_then(|totem| totem.blocks.get("interface")).map_or(1, Vec::len);
    if given.is_empty() {
        if count > 1 {
            bail!(
                "no links given but multiple links found on other nodes, fallback only supported on single-link clusters"
            );
        }
        let fallback = words::option(args, "new_node_ip").unwrap_or_default().to_owned();
        return Ok([(0, fallback)].into());
    }
    if given.len() != count {
        bail!(
            "cluster has {count} links, but only {} given at /usr/share/perl5/PVE/API2/ClusterConfig.pm line 375, <DATA> line 960.",
            given.len()
        );
    }
    for link in given.values() {
        for member in members.iter().filter(|member| member.name != name) {
            if let Some((number, _)) = member.addresses.iter().find(|(_, address)| **address == link.address) {
                bail!("corosync: address '{}' already used on link {number} by node '{}'", link.address, member.name);
            }
        }
    }
    Ok(given.into_iter().map(|(number, link)| (number, link.address)).collect())
}
