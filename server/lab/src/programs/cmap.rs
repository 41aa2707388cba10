//! `corosync-cmapctl`: corosync's own key-value map, and its statistics.

use std::collections::BTreeMap;

use super::Env;
use crate::cluster::corosync::{Corosync, LinkState, Reload};
use crate::world::World;

/// Round trip of a working link, in microseconds (recorded 332 - 967).
const LATENCY_US: (u32, u32, u32) = (332, 689, 967);

type Map = BTreeMap<String, (&'static str, String)>;

pub(crate) async fn cmapctl(env: &Env, args: &[String]) -> i32 {
    env.pause(30).await;
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let (stats, get, prefix) = match words.as_slice() {
        [] => (false, None, None),
        ["-m", "stats"] => (true, None, None),
        ["-m", "stats", prefix] => (true, None, Some(*prefix)),
        ["-b", prefix] => (false, None, Some(*prefix)),
        ["-g", key] => (false, Some(*key), None),
        [prefix] if !prefix.starts_with('-') => (false, None, Some(*prefix)),
        _ => return env.fail("corosync-cmapctl: unknown arguments", 1).await,
    };
    env.operational().await;
    let map = env.world(|world| {
        let node = world.nodes.get(&env.node).filter(|node| node.corosync.running)?;
        Some(if stats { statistics(&node.corosync) } else { icmap(world, &node.corosync) })
    });
    let Some(map) = map else {
        return env.fail("Failed to initialize the cmap API. Error CS_ERR_LIBRARY", 1).await;
    };
    if let Some(key) = get
        && !map.contains_key(key)
    {
        return env.fail(&format!("Can't get key {key}. Error CS_ERR_NOT_EXIST"), 1).await;
    }
    let chosen = map.iter().filter(|(key, _)| match (get, prefix) {
        (Some(wanted), _) => key.as_str() == wanted,
        (None, Some(prefix)) => key.starts_with(prefix),
        (None, None) => true,
    });
    let text: String = chosen.map(|(key, (kind, value))| format!("{key} ({kind}) = {value}\n")).collect();
    env.print(&text).await;
    0
}

fn put(map: &mut Map, key: impl Into<String>, kind: &'static str, value: impl ToString) {
    map.insert(key.into(), (kind, value.to_string()));
}

fn icmap(world: &World, corosync: &Corosync) -> Map {
    let mut map = Map::new();
    let config = &corosync.config;
    for (key, kind, value) in FIXED {
        put(&mut map, *key, kind, value);
    }
    if let Some(reload) = corosync.reloaded {
        put(&mut map, "config.reload_in_progress", "u8", 0);
        put(&mut map, "config.reload_status", "i32", if reload == Reload::Refused { 12 } else { 1 });
        put(&mut map, "config.totemconfig_reload_in_progress", "u8", 0);
        put(&mut map, "runtime.votequorum.atb_type", "u32", 0);
    } else if let Some(own) = config.by_id(corosync.id) {
        // Gone with the first reload (bundles `healthy` of pve1 and pve3).
        for (link, address) in &own.rings {
            put(&mut map, format!("totem.interface.{link}.bindnetaddr"), "str", address);
        }
    }
    let place = config.nodes.iter().position(|node| node.id == corosync.id).unwrap_or(0);
    put(&mut map, "nodelist.local_node_pos", "u32", place);
    for (at, node) in config.nodes.iter().enumerate() {
        put(&mut map, format!("nodelist.node.{at}.name"), "str", &node.name);
        put(&mut map, format!("nodelist.node.{at}.nodeid"), "u32", node.id);
        put(&mut map, format!("nodelist.node.{at}.quorum_votes"), "u32", node.votes);
        for (link, address) in &node.rings {
            put(&mut map, format!("nodelist.node.{at}.ring{link}_addr"), "str", address);
        }
    }
    totem(&mut map, corosync);
    for node in &config.nodes {
        let Some(count) = corosync.join_counts.get(&node.id) else { continue };
        let joined = corosync.members.contains(&node.id);
        let peer = world.nodes.values().find(|peer| peer.hostname == node.name && peer.corosync.ring == corosync.ring);
        let version = peer.map_or(config.version, |peer| peer.corosync.config.version);
        let ips: String = node.rings.iter().map(|(link, address)| format!("r({link}) ip({address}) ")).collect();
        put(&mut map, format!("runtime.members.{}.config_version", node.id), "u64", version);
        put(&mut map, format!("runtime.members.{}.ip", node.id), "str", ips);
        put(&mut map, format!("runtime.members.{}.join_count", node.id), "u32", count);
        put(&mut map, format!("runtime.members.{}.status", node.id), "str", if joined { "joined" } else { "left" });
    }
    put(&mut map, "runtime.votequorum.ev_barrier", "u32", corosync.barrier);
    if let Some((lowest, highest)) = corosync.extremes {
        put(&mut map, "runtime.votequorum.highest_node_id", "u32", highest);
        put(&mut map, "runtime.votequorum.lowest_node_id", "u32", lowest);
    }
    put(&mut map, "runtime.votequorum.this_node_id", "u32", corosync.id);
    map
}

fn totem(map: &mut Map, corosync: &Corosync) {
    let config = &corosync.config;
    let token = config.token_ms();
    // corosync.conf(5): four retransmits and a fifth of one before the token counts as lost.
    let retransmit = token * 10 / 42;
    let numbers = [
        ("token", token),
        ("consensus", token * 12 / 10),
        ("token_retransmit", retransmit),
        ("hold", (retransmit * 8 / 10).saturating_sub(10)),
    ];
    for (key, value) in numbers {
        put(map, format!("runtime.config.totem.{key}"), "u32", value);
    }
    for (link, priority) in &config.interfaces {
        let base = format!("runtime.config.totem.interface.{link}");
        put(map, format!("{base}.knet_ping_interval"), "u32", corosync.ping_timeout_ms / 2);
        put(map, format!("{base}.knet_ping_timeout"), "u32", corosync.ping_timeout_ms);
        if let Some(priority) = priority {
            put(map, format!("totem.interface.{link}.knet_link_priority"), "u8", priority);
        }
    }
    put(map, "totem.cluster_name", "str", &config.name);
    put(map, "totem.config_version", "u64", config.version);
    if let Some(coefficient) = config.token_coefficient {
        put(map, "totem.token_coefficient", "u32", coefficient);
    }
    if let Some(device) = &config.device {
        put(map, "quorum.device.model", "str", "net");
        put(map, "quorum.device.net.algorithm", "str", &device.algorithm);
        put(map, "quorum.device.net.host", "str", &device.host);
        put(map, "quorum.device.net.tls", "str", "on");
        put(map, "quorum.device.votes", "u32", config.device_votes());
        // Recordings `qdevice_ok` and `qnetd_dead`.
        put(map, "runtime.votequorum.qdevice_can_operate", "u8", 1);
        put(map, "runtime.votequorum.qdevice_master_wins", "u8", 0);
    }
}

/// Keys whose values depend on nothing that the model has.
const FIXED: &[(&str, &str, &str)] = &[
    ("internal_configuration.service.0.name", "str", "corosync_cmap"),
    ("internal_configuration.service.0.ver", "u32", "0"),
    ("internal_configuration.service.1.name", "str", "corosync_cfg"),
    ("internal_configuration.service.1.ver", "u32", "0"),
    ("internal_configuration.service.2.name", "str", "corosync_cpg"),
    ("internal_configuration.service.2.ver", "u32", "0"),
    ("internal_configuration.service.3.name", "str", "corosync_quorum"),
    ("internal_configuration.service.3.ver", "u32", "0"),
    ("internal_configuration.service.4.name", "str", "corosync_pload"),
    ("internal_configuration.service.4.ver", "u32", "0"),
    ("internal_configuration.service.5.name", "str", "corosync_votequorum"),
    ("internal_configuration.service.5.ver", "u32", "0"),
    ("internal_configuration.service.6.name", "str", "corosync_mon"),
    ("internal_configuration.service.6.ver", "u32", "0"),
    ("internal_configuration.service.7.name", "str", "corosync_wd"),
    ("internal_configuration.service.7.ver", "u32", "0"),
    ("logging.debug", "str", "off"),
    ("logging.to_syslog", "str", "yes"),
    ("quorum.provider", "str", "corosync_votequorum"),
    ("resources.system.load_15min.current", "dbl", "0.000000"),
    ("resources.system.load_15min.last_updated", "u64", "0"),
    ("resources.system.load_15min.poll_period", "u64", "3000"),
    ("resources.system.load_15min.state", "str", "stopped"),
    ("resources.system.memory_used.current", "i32", "0"),
    ("resources.system.memory_used.last_updated", "u64", "0"),
    ("resources.system.memory_used.poll_period", "u64", "3000"),
    ("resources.system.memory_used.state", "str", "stopped"),
    ("resources.watchdog_timeout", "u32", "6"),
    ("runtime.blackbox.dump_flight_data", "str", "no"),
    ("runtime.blackbox.dump_state", "str", "no"),
    ("runtime.config.totem.block_unlisted_ips", "u32", "1"),
    ("runtime.config.totem.cancel_token_hold_on_retransmit", "u32", "0"),
    ("runtime.config.totem.downcheck", "u32", "1000"),
    ("runtime.config.totem.fail_recv_const", "u32", "2500"),
    ("runtime.config.totem.heartbeat_failures_allowed", "u32", "0"),
    ("runtime.config.totem.join", "u32", "50"),
    ("runtime.config.totem.knet_compression_level", "i32", "0"),
    ("runtime.config.totem.knet_compression_model", "str", "none"),
    ("runtime.config.totem.knet_compression_threshold", "u32", "0"),
    ("runtime.config.totem.knet_mtu", "u32", "0"),
    ("runtime.config.totem.knet_pmtud_interval", "u32", "30"),
    ("runtime.config.totem.max_messages", "u32", "17"),
    ("runtime.config.totem.max_network_delay", "u32", "50"),
    ("runtime.config.totem.merge", "u32", "200"),
    ("runtime.config.totem.miss_count_const", "u32", "5"),
    ("runtime.config.totem.send_join", "u32", "0"),
    ("runtime.config.totem.seqno_unchanged_const", "u32", "30"),
    ("runtime.config.totem.token_retransmits_before_loss_const", "u32", "4"),
    ("runtime.config.totem.token_warning", "u32", "75"),
    ("runtime.config.totem.window_size", "u32", "50"),
    ("runtime.force_gather", "str", "no"),
    ("runtime.votequorum.two_node", "u8", "0"),
    ("totem.ip_version", "str", "ipv4-6"),
    ("totem.link_mode", "str", "passive"),
    ("totem.secauth", "str", "on"),
    ("totem.version", "u32", "2"),
];

fn statistics(corosync: &Corosync) -> Map {
    let mut map = Map::new();
    for node in corosync.config.nodes.iter().filter(|node| node.id != corosync.id) {
        for link in node.rings.keys() {
            let state = corosync.links.get(&(node.id, *link)).copied().unwrap_or_default();
            link_statistics(&mut map, &format!("stats.knet.node{}.link{link}", node.id), state);
        }
    }
    // The node's own loop: always there, never measured.
    let base = format!("stats.knet.node{}.link0", corosync.id);
    link_statistics(&mut map, &base, LinkState { connected: true, ..LinkState::default() });
    put(&mut map, format!("{base}.mtu"), "u32", u16::MAX);
    put(&mut map, format!("{base}.up_count"), "u32", 1);
    put(&mut map, "stats.srp.continuous_gather", "u32", 0);
    put(&mut map, "stats.srp.firewall_enabled_or_nic_failure", "u8", 0);
    put(&mut map, "stats.srp.mcast_retx", "u64", 0);
    put(&mut map, "stats.srp.mtt_rx_token", "u32", 30);
    put(&mut map, "stats.srp.operational_entered", "u64", corosync.sequence / 4);
    put(&mut map, "stats.srp.gather_entered", "u64", corosync.sequence / 4);
    put(&mut map, "stats.srp.time_since_token_last_received", "u64", 273);
    map
}

fn link_statistics(map: &mut Map, base: &str, state: LinkState) {
    let (least, average, most) = if state.up_count > 0 { LATENCY_US } else { (u32::MAX, 0, 0) };
    put(map, format!("{base}.connected"), "u8", u8::from(state.connected));
    put(map, format!("{base}.enabled"), "u8", 1);
    put(map, format!("{base}.mtu"), "u32", 1397);
    put(map, format!("{base}.up_count"), "u32", state.up_count);
    put(map, format!("{base}.down_count"), "u32", state.down_count);
    put(map, format!("{base}.latency_min"), "u32", least);
    put(map, format!("{base}.latency_ave"), "u32", average);
    put(map, format!("{base}.latency_max"), "u32", most);
    put(map, format!("{base}.latency_samples"), "u32", state.up_count * 100);
}
