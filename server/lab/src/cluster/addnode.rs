//! `pvecm addnode`: what a member writes into the cluster's configuration for a newcomer.

use std::collections::BTreeMap;

use super::config::{ClusterConfig, NodeEntry};
use super::pmxcfs::DB_CONFIG;
use crate::world::World;

/// What `pvecm addnode` was called with.
#[derive(Debug, Clone, Default)]
pub(crate) struct AddNode {
    pub(crate) name: String,
    pub(crate) force: bool,
    pub(crate) id: Option<u32>,
    pub(crate) votes: Option<u32>,
    /// Link number to address.
    pub(crate) links: BTreeMap<u8, String>,
    /// Used when no link was given.
    pub(crate) fallback: Option<String>,
}

impl World {
    /// Registers a node on the member `member`; prints nothing itself.
    ///
    /// Returns the lines it prints, or the words it dies with.
    /// With `force`, an existing name with the same votes has its addresses overwritten in the live configuration:
    /// that is the real program's behaviour, and the reason why a console must check the name itself.
    pub(crate) fn add_node(&mut self, member: &str, request: &AddNode) -> Result<Vec<String>, String> {
        if !self.pve_writable(member) {
            return Err("cluster not ready - no quorum?".to_owned());
        }
        let config = self.nodes.get(member).and_then(|node| node.pmxcfs.config());
        let Some(mut config) = config else {
            return Err(
                "Error: Corosync config '/etc/pve/corosync.conf' does not exist - is this node part of a cluster?"
                    .to_owned(),
            );
        };
        for address in request.links.values() {
            duplicate_address(&config, &request.name, address)?;
        }
        let rings = links_for(&config, request)?;
        let mut said = Vec::new();
        let (id, votes) = match config.node(&request.name) {
            Some(known) => {
                let (id, votes) = (request.id.unwrap_or(known.id), request.votes.unwrap_or(known.votes));
                if !request.force || id != known.id || votes != known.votes {
                    return Err(format!("can't add existing node '{}'", request.name));
                }
                said.push(format!("forcing overwrite of configured node '{}'", request.name));
                (id, votes)
            }
            None => (request.id.unwrap_or_else(|| free_id(&config)), request.votes.unwrap_or(1)),
        };
        config.set_node(NodeEntry { name: request.name.clone(), id, votes, rings });
        config.version += 1;
        self.pve_write(member, &format!("nodes/{}/qemu-server/", request.name), Some(Vec::new()));
        self.pve_write(member, &format!("nodes/{}/lxc/", request.name), Some(Vec::new()));
        self.pve_write(member, DB_CONFIG, Some(config.render().into_bytes()));
        Ok(said)
    }
}

fn duplicate_address(config: &ClusterConfig, name: &str, address: &str) -> Result<(), String> {
    for node in config.nodes.iter().filter(|node| node.name != name) {
        for (link, used) in &node.rings {
            if used == address {
                let owner = &node.name;
                return Err(format!(
                    "corosync: address '{address}' already used on link ring{link}_addr by node '{owner}'"
                ));
            }
        }
    }
    Ok(())
}

fn links_for(config: &ClusterConfig, request: &AddNode) -> Result<BTreeMap<u8, String>, String> {
    let count = config.interfaces.len();
    let mut links = request.links.clone();
    let mut fallback = request.fallback.clone();
    let mut legacy = false;
    // A single link is taken for the address of whatever single link the cluster has.
    if fallback.is_none() && links.len() == 1 {
        fallback = links.pop_first().map(|(_, address)| address);
        legacy = true;
    }
    if links.is_empty() {
        let Some(address) = fallback else {
            return Err("no links and no fallback ip (new_node_ip) given, cannot join cluster".to_owned());
        };
        return match config.interfaces.keys().next() {
            Some(link) if count == 1 => Ok(BTreeMap::from([(*link, address)])),
            _ if legacy => Err(format!(
                "cluster has {count} links, but only 1 given at /usr/share/perl5/PVE/API2/ClusterConfig.pm line 375, <DATA> line 960."
            )),
            _ => Err("no links given but multiple links found on other nodes, fallback only supported on single-link clusters".to_owned()),
        };
    }
    for link in 0..8_u8 {
        match (config.interfaces.contains_key(&link), links.contains_key(&link)) {
            (true, false) => {
                return Err(format!(
                    "corosync: link {link} exists in cluster config but wasn't specified for new node"
                ));
            }
            (false, true) => {
                return Err(format!("corosync: link {link} specified for new node doesn't exist in cluster config"));
            }
            _ => {}
        }
    }
    Ok(links)
}

fn free_id(config: &ClusterConfig) -> u32 {
    (1..).find(|id| config.by_id(*id).is_none()).unwrap_or(u32::MAX)
}
