//! `ip -j` and `getent`.

use serde_json::{Value, json};

use super::Env;
use crate::node::net::{Nic, lookup};

/// Exit code of `getent` for a key that is not found.
const NOT_FOUND: i32 = 2;
const FOREVER: u32 = 4_294_967_295;

pub(crate) async fn getent(env: &Env, args: &[String]) -> i32 {
    env.pause(4).await;
    let [database, name] = args else { return env.fail("getent: wrong number of arguments", 1).await };
    if database != "ahosts" {
        return NOT_FOUND;
    }
    let hosts = env.world(|world| world.read(&env.node, "/etc/hosts")).unwrap_or_default();
    let found = lookup(&hosts, name);
    if found.is_empty() {
        return NOT_FOUND;
    }
    let canonical = found.first().map(|(_, name)| name.clone()).unwrap_or_default();
    for (at, (address, _)) in found.iter().enumerate() {
        let name = if at == 0 { canonical.as_str() } else { "" };
        let address = address.to_string();
        env.print(&format!("{address:<15} STREAM {name}\n{address:<15} DGRAM  \n{address:<15} RAW    \n")).await;
    }
    0
}

pub(crate) async fn ip(env: &Env, args: &[String]) -> i32 {
    env.pause(4).await;
    let nics = env.world(|world| world.nodes.get(&env.node).map(|node| node.nics.clone()).unwrap_or_default());
    let words: Vec<&str> = args.iter().map(String::as_str).filter(|word| !matches!(*word, "show" | "list")).collect();
    let answer = match words.as_slice() {
        ["-j", "addr" | "address" | "a"] => interfaces(&nics, true),
        ["-j", "link" | "l"] => interfaces(&nics, false),
        ["-d", "-j", "link" | "l"] => detailed(&nics),
        ["-j", "route" | "r"] => routes(&nics),
        _ => {
            let what = args.last().map_or("", String::as_str);
            return env.fail(&format!("Object \"{what}\" is unknown, try \"ip help\"."), 1).await;
        }
    };
    env.print(&format!("{answer}\n")).await;
    0
}

fn interfaces(nics: &[Nic], with_addresses: bool) -> Value {
    let mut all = vec![loopback(with_addresses)];
    for nic in nics {
        let enslaved = nic.bridge.as_deref();
        let index = all.len() + 1;
        let addresses = if enslaved.is_none() { vec![address(nic)] } else { Vec::new() };
        all.push(ether(index, &nic.port, nic, enslaved, with_addresses, addresses));
    }
    for nic in nics {
        if let Some(bridge) = &nic.bridge {
            let index = all.len() + 1;
            let mut entry = ether(index, bridge, nic, None, with_addresses, vec![address(nic)]);
            set(&mut entry, "qdisc", json!("noqueue"));
            all.push(entry);
        }
    }
    Value::Array(all)
}

/// With what `-d` adds: the bus of a card, the kind of a bridge.
fn detailed(nics: &[Nic]) -> Value {
    let mut all = interfaces(nics, false);
    for entry in all.as_array_mut().into_iter().flatten() {
        let name = entry.get("ifname").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(slot) = nics.iter().position(|nic| nic.port == name) {
            set(entry, "parentbus", json!("pci"));
            set(entry, "parentdev", json!(format!("0000:{:02x}:00.0", slot + 1)));
        } else if nics.iter().any(|nic| nic.bridge.as_deref() == Some(&name)) {
            set(entry, "linkinfo", json!({ "info_kind": "bridge", "info_data": { "vlan_filtering": 1 } }));
        }
    }
    all
}

/// Puts a field into a JSON object.
fn set(entry: &mut Value, key: &str, value: Value) {
    if let Some(entry) = entry.as_object_mut() {
        entry.insert(key.to_owned(), value);
    }
}

fn loopback(with_addresses: bool) -> Value {
    let mut entry = json!({
        "ifindex": 1, "ifname": "lo", "flags": ["LOOPBACK", "UP", "LOWER_UP"], "mtu": 65536, "qdisc": "noqueue",
        "operstate": "UNKNOWN", "group": "default", "txqlen": 1000, "link_type": "loopback",
        "address": "00:00:00:00:00:00", "broadcast": "00:00:00:00:00:00",
    });
    if with_addresses {
        set(
            &mut entry,
            "addr_info",
            json!([
                {"family": "inet", "local": "127.0.0.1", "prefixlen": 8, "scope": "host", "label": "lo",
                 "valid_life_time": FOREVER, "preferred_life_time": FOREVER},
                {"family": "inet6", "local": "::1", "prefixlen": 128, "scope": "host", "protocol": "kernel_lo",
                 "valid_life_time": FOREVER, "preferred_life_time": FOREVER},
            ]),
        );
    }
    entry
}

fn ether(index: usize, name: &str, nic: &Nic, master: Option<&str>, with: bool, addresses: Vec<Value>) -> Value {
    let flags: &[&str] = match nic.up {
        true => &["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
        false => &["NO-CARRIER", "BROADCAST", "MULTICAST", "UP"],
    };
    let state = if nic.up { "UP" } else { "DOWN" };
    let mut entry = json!({
        "ifindex": index, "ifname": name, "flags": flags, "mtu": nic.mtu, "qdisc": "mq", "operstate": state,
        "group": "default", "txqlen": 1000, "link_type": "ether", "address": nic.mac,
        "broadcast": "ff:ff:ff:ff:ff:ff",
    });
    if let Some(master) = master {
        set(&mut entry, "master", json!(master));
    }
    if with {
        set(&mut entry, "addr_info", Value::Array(addresses));
    } else {
        set(&mut entry, "linkmode", json!("DEFAULT"));
    }
    entry
}

fn address(nic: &Nic) -> Value {
    let family = if nic.address.is_ipv4() { "inet" } else { "inet6" };
    json!({
        "family": family, "local": nic.address.to_string(), "prefixlen": nic.prefix, "scope": "global",
        "label": nic.holder(), "valid_life_time": FOREVER, "preferred_life_time": FOREVER,
    })
}

fn routes(nics: &[Nic]) -> Value {
    let mut all = Vec::new();
    if let Some(first) = nics.first()
        && let Some(gateway) = gateway(first)
    {
        all.push(json!({
            "dst": "default", "gateway": gateway, "dev": first.holder(), "protocol": "kernel", "flags": ["onlink"],
        }));
    }
    for nic in nics {
        let mut entry = json!({
            "dst": nic.subnet(), "dev": nic.holder(), "protocol": "kernel", "scope": "link",
            "prefsrc": nic.address.to_string(), "flags": [],
        });
        if !nic.up {
            set(&mut entry, "flags", json!(["linkdown"]));
        }
        all.push(entry);
    }
    Value::Array(all)
}

/// The first address of the network, where the router is.
fn gateway(nic: &Nic) -> Option<String> {
    let subnet = nic.subnet();
    let network: std::net::Ipv4Addr = subnet.split('/').next()?.parse().ok()?;
    Some(std::net::Ipv4Addr::from(u32::from(network) + 1).to_string())
}
