//! `corosync-qnetd-tool`, on the host of the QDevice.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Env;
use crate::node::{Node, Power};
use crate::world::World;

/// The first of the ports that clients come from.
const CLIENT_PORT: u32 = 45_435;

pub(crate) async fn tool(env: &Env, args: &[String]) -> i32 {
    env.pause(20).await;
    let list = args.iter().any(|arg| arg.starts_with('-') && arg.contains('l'));
    let only = args.iter().skip_while(|arg| *arg != "-c").nth(1);
    let told = env.world(|world| {
        let host = world.nodes.get(&env.node).filter(|host| host.qnetd_running)?;
        let mut clusters = clusters(world, host);
        if !list {
            return Some(summary(&clusters));
        }
        clusters.retain(|name, _| only.is_none_or(|only| *name == only));
        Some(clusters.iter().map(|(name, nodes)| listed(name, nodes, host)).collect())
    });
    match told {
        Some(text) => {
            env.print(&text).await;
            0
        }
        None => env.fail("Can't connect to QNetd socket (is QNetd running?): No such file or directory", 1).await,
    }
}

/// Who is connected, by the name of the cluster.
fn clusters<'a>(world: &'a World, host: &Node) -> BTreeMap<&'a str, Vec<&'a Node>> {
    let own: Vec<String> = host.nics.iter().map(|nic| nic.address.to_string()).collect();
    let mut found: BTreeMap<&str, Vec<&Node>> = BTreeMap::new();
    for node in world.nodes.values().filter(|node| node.power != Power::Off && node.qdevice.connected) {
        let config = &node.corosync.config;
        if config.device.as_ref().is_some_and(|device| own.contains(&device.host)) {
            found.entry(config.name.as_str()).or_default().push(node);
        }
    }
    for nodes in found.values_mut() {
        nodes.sort_by_key(|node| node.corosync.id);
    }
    found
}

fn summary(clusters: &BTreeMap<&str, Vec<&Node>>) -> String {
    let clients: usize = clusters.values().map(Vec::len).sum();
    let tls = "Supported (client certificate required)";
    format!(
        "QNetd address:\t\t\t*:5403\nTLS:\t\t\t\t{tls}\nConnected clients:\t\t{clients}\nConnected clusters:\t\t{}\n",
        clusters.len()
    )
}

fn listed(name: &str, nodes: &[&Node], host: &Node) -> String {
    let lms = nodes.iter().filter_map(|node| node.corosync.config.device.as_ref()).any(|one| one.algorithm == "lms");
    let algorithm = if lms { "LMS" } else { "Fifty-Fifty split (KAP Tie-breaker)" };
    let mut out =
        format!("Cluster \"{name}\":\n    Algorithm:\t\t{algorithm}\n    Tie-breaker:\tNode with lowest node ID\n");
    let list = |ids: &mut dyn Iterator<Item = u32>| ids.map(|id| id.to_string()).collect::<Vec<_>>().join(", ");
    for (at, node) in nodes.iter().enumerate() {
        let corosync = &node.corosync;
        let way = node.nics.iter().find(|nic| nic.up && host.nics.iter().any(|at| at.up && at.network == nic.network));
        let address = way.map(|nic| nic.address.to_string()).unwrap_or_default();
        let (lowest, sequence) = corosync.ring;
        // Writing into a string cannot fail.
        let _ = writeln!(out, "    Node ID {}:", corosync.id);
        let _ = writeln!(out, "        Client address:\t\t::ffff:{address}:{}", CLIENT_PORT + corosync.id);
        let _ = writeln!(out, "        HB interval:\t\t8000ms");
        let _ = writeln!(out, "        Configuration version:\t{}", corosync.config.version);
        let configured = list(&mut corosync.config.nodes.iter().map(|entry| entry.id));
        let _ = writeln!(out, "        Configured node list:\t{configured}");
        let _ = writeln!(out, "        Ring ID:\t\t{lowest:x}.{sequence:x}");
        let _ = writeln!(out, "        Membership node list:\t{}", list(&mut corosync.members.iter().copied()));
        let _ = writeln!(out, "        Heuristics:\t\tUndefined (membership: Undefined, regular: Undefined)");
        let _ = writeln!(out, "        TLS active:\t\tYes (client certificate verified)");
        let vote = if corosync.device_cast > 0 { "ACK" } else { "NACK" };
        let before = if at == 0 { vote } else { "No change" };
        let _ = writeln!(out, "        Vote:\t\t\t{before} ({vote})");
    }
    out
}
