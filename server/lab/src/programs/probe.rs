//! The network probe: the console's own Perl script, answered from the model and never from real sockets.

use std::net::IpAddr;
use std::time::Duration;

use super::Env;
use crate::cluster::links::wire;
use crate::node::{Node, Power};
use crate::world::World;

/// First line of the script that is known here.
const KNOWN: &str = "# quorate-probe v5";
/// Datagrams sent to every peer.
const DATAGRAMS: u32 = 5;
/// Every node's SSH server, and Proxmox VE's API.
const SSH_PORT: u16 = 22;
const API_PORT: u16 = 8006;
const QNETD_PORT: u16 = 5403;
/// A TCP handshake on the lab's wires, in milliseconds.
const HANDSHAKE_MS: u32 = 1;

/// What another node listens on while its probe runs.
pub(crate) async fn perl(env: &Env, args: &[String]) -> i32 {
    let [flag, script, name, seconds, items @ ..] = args else {
        return env.fail("perl: not a script that is known here", 2).await;
    };
    if flag != "-e" || name != "probe" || script.lines().next() != Some(KNOWN) {
        return env.fail("perl: not a script that is known here", 2).await;
    }
    let seconds: f64 = seconds.parse().unwrap_or(1.0);
    let mut wanted = Vec::new();
    for item in items {
        let Some((kind, list)) = item.split_once('=') else { continue };
        wanted.extend(list.split(',').filter(|one| !one.is_empty()).map(|one| (kind.to_owned(), one.to_owned())));
    }
    let listens: Vec<(IpAddr, u16)> =
        wanted.iter().filter(|(kind, _)| kind == "listen").filter_map(|(_, item)| endpoint(item)).collect();
    let mut bound = Vec::new();
    for (address, port) in listens {
        let line = env.world(|world| listen(world, &env.node, address, port));
        if line == "ok" {
            bound.push((address, port));
        }
        env.print(&format!("listen {address}:{port} {line}\n")).await;
    }
    let guard = Bound::new(env, bound);
    // Real seconds: all nodes probe at the same time, and the caller waits that long.
    tokio::time::sleep(Duration::from_secs_f64(seconds.clamp(0.0, 60.0) / 2.0)).await;
    let answers: Vec<String> = env.world(|world| {
        wanted
            .iter()
            .filter_map(|(kind, item)| {
                let (address, port) = endpoint(item)?;
                match kind.as_str() {
                    "udp" => {
                        let echoed = if udp(world, &env.node, address, port) { DATAGRAMS } else { 0 };
                        Some(format!("udp {address}:{port} {echoed}/{DATAGRAMS}\n"))
                    }
                    "tcp" => Some(format!("tcp {address}:{port} {}\n", tcp(world, &env.node, address, port))),
                    _ => None,
                }
            })
            .collect()
    });
    tokio::time::sleep(Duration::from_secs_f64(seconds.clamp(0.0, 60.0) / 2.0)).await;
    drop(guard);
    env.print(&answers.concat()).await;
    let millis = (seconds * 1_000.0) as u64;
    let measured = env.world(|world| super::measure::measured(world, &env.node, &wanted, millis));
    env.print(&measured).await;
    0
}

/// Ports stay taken as long as this lives, also when the program is killed.
struct Bound {
    env: Env,
    ports: Vec<(IpAddr, u16)>,
}

impl Bound {
    fn new(env: &Env, ports: Vec<(IpAddr, u16)>) -> Self {
        env.world(|world| world.probes.extend(ports.iter().map(|(address, port)| (env.node.clone(), *address, *port))));
        Self { env: env.clone(), ports }
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        self.env.world(|world| {
            for (address, port) in &self.ports {
                world.probes.remove(&(self.env.node.clone(), *address, *port));
            }
        });
    }
}

fn endpoint(item: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = item.rsplit_once(':')?;
    Some((address.trim_matches(['[', ']']).parse().ok()?, port.parse().ok()?))
}

fn listen(world: &World, name: &str, address: IpAddr, port: u16) -> String {
    let Some(node) = world.nodes.get(name) else { return "fail No such host".to_owned() };
    if !node.nics.iter().any(|nic| nic.address == address) {
        return "fail Cannot assign requested address".to_owned();
    }
    let corosync = node.corosync.running && (5405..=5412).contains(&port);
    if corosync || world.probes.contains(&(name.to_owned(), address, port)) {
        "busy".to_owned()
    } else {
        "ok".to_owned()
    }
}

/// The host with this address on the same wire, when both cables are in.
pub(crate) fn host_at<'a>(world: &'a World, from: &Node, address: IpAddr) -> Option<&'a Node> {
    world.nodes.values().find(|node| {
        wire(node, address).is_some_and(|at| from.nics.iter().any(|nic| nic.up && nic.network == at))
            || (node.name == from.name && node.nics.iter().any(|nic| nic.address == address))
    })
}

fn udp(world: &World, name: &str, address: IpAddr, port: u16) -> bool {
    let Some(from) = world.nodes.get(name) else { return false };
    let Some(to) = host_at(world, from, address) else { return false };
    let source = from.nics.iter().find(|nic| wire(to, address).is_some_and(|at| nic.network == at));
    let let_in = source.is_none_or(|nic| to.lets_in(nic.address, port));
    let open = to.power == Power::On && let_in && !to.faults.block_udp && !from.faults.block_udp;
    open && world.probes.contains(&(to.name.clone(), address, port))
}

fn tcp(world: &World, name: &str, address: IpAddr, port: u16) -> String {
    let host = world.nodes.get(name).and_then(|from| host_at(world, from, address));
    let Some(to) = host.filter(|to| to.power == Power::On) else { return "timeout".to_owned() };
    let open = match port {
        SSH_PORT => true,
        API_PORT => to.is_pve(),
        QNETD_PORT => to.qnetd_running,
        _ => false,
    };
    if open { format!("open {HANDSHAKE_MS}") } else { "refused".to_owned() }
}
