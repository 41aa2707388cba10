//! `corosync-cfgtool`, `corosync-qdevice-tool`, `corosync-qnetd-tool`.

use std::fmt::Write as _;

use super::{Env, pve::civil};
use crate::world::World;

pub(crate) async fn cfgtool(env: &Env, args: &[String]) -> i32 {
    env.pause(20).await;
    let letters: String = args.iter().flat_map(|arg| arg.trim_start_matches('-').chars()).collect();
    if let Some(bad) = letters.chars().find(|letter| !"snbR".contains(*letter)) {
        return env.fail(&format!("corosync-cfgtool: invalid option -- '{bad}'"), 1).await;
    }
    env.operational().await;
    let running = env.world(|world| world.nodes.get(&env.node).is_some_and(|node| node.corosync.running));
    if !running {
        return env.fail("Could not initialize corosync configuration API error 2", 1).await;
    }
    let text = env.world(|world| match (letters.contains('n'), letters.contains('b')) {
        (true, _) => peers(world, &env.node),
        (false, true) => links(world, &env.node, true),
        (false, false) if letters.contains('R') => {
            world.reload_members(&env.node);
            Some("Reloading corosync.conf...\nDone\n".to_owned())
        }
        (false, false) => links(world, &env.node, false),
    });
    env.print(&text.unwrap_or_default()).await;
    0
}

/// `-s`: each link with the state of every node on it; with `short` one digit per node.
fn links(world: &World, name: &str, short: bool) -> Option<String> {
    let corosync = &world.nodes.get(name)?.corosync;
    let own = corosync.config.by_id(corosync.id)?;
    let mut out = format!("Local node ID {}, transport knet\n", corosync.id);
    let mut ids: Vec<u32> = corosync.config.nodes.iter().map(|node| node.id).collect();
    ids.sort_unstable();
    // A node alone in its configuration has only its first link configured.
    let shown = if ids.len() == 1 { 1 } else { own.rings.len() };
    for (link, address) in own.rings.iter().take(shown) {
        let _ = writeln!(out, "LINK ID {link} udp\n\taddr\t= {address}");
        let connected = |id: u32| corosync.links.get(&(id, *link)).is_some_and(|state| state.connected);
        if short {
            let digits: String = ids
                .iter()
                .map(|id| match (*id == corosync.id, connected(*id)) {
                    (true, _) => 'n',
                    (false, true) => '3',
                    (false, false) => '1',
                })
                .collect();
            let _ = writeln!(out, "\tstatus\t= {digits}");
            continue;
        }
        out.push_str("\tstatus:\n");
        for id in &ids {
            let word = match (*id == corosync.id, connected(*id)) {
                (true, _) => "localhost",
                (false, true) => "connected",
                (false, false) => "disconnected",
            };
            let _ = writeln!(out, "\t\tnodeid: {id:>10}:\t{word}");
        }
    }
    Some(out)
}

/// `-n`: peers that are reachable over at least one link.
fn peers(world: &World, name: &str) -> Option<String> {
    let node = world.nodes.get(name)?;
    let corosync = &node.corosync;
    let own = corosync.config.by_id(corosync.id)?;
    let mut out = format!("Local node ID {}, transport knet\n", corosync.id);
    let mut others: Vec<_> = corosync.config.nodes.iter().filter(|node| node.id != corosync.id).collect();
    others.sort_by_key(|node| node.id);
    for peer in others {
        let connected = |link: u8| corosync.links.get(&(peer.id, link)).is_some_and(|state| state.connected);
        if !peer.rings.keys().any(|link| connected(*link)) {
            continue;
        }
        let _ = writeln!(out, "nodeid: {} reachable", peer.id);
        for (link, address) in &peer.rings {
            let here = own.rings.get(link).map_or("", String::as_str);
            // A link that is down merely lacks a word.
            let word = if connected(*link) { "connected " } else { "" };
            let mtu = node.payload_to(world.peer(node, peer), here, address);
            let _ = writeln!(out, "   LINK: {link} udp ({here}->{address}) enabled {word}mtu: {mtu}");
        }
        out.push('\n');
    }
    Some(out)
}

/// corosync-qdevice asks qnetd so often whether it is there, in microseconds (its `HB interval`).
const HEARTBEAT_US: i64 = 8_000_000;
/// Exit code of the tool where no QDevice runs.
const NO_QDEVICE: i32 = 3;

pub(crate) async fn qdevice_tool(env: &Env, args: &[String]) -> i32 {
    env.pause(20).await;
    let verbose = args.iter().any(|arg| arg.starts_with('-') && arg.contains('v'));
    match env.world(|world| device_status(world, &env.node, verbose)) {
        Some(text) => {
            env.print(&text).await;
            0
        }
        None => {
            let words = "Can't connect to QDevice socket (is QDevice running?): No such file or directory";
            env.fail(&format!("corosync-qdevice-tool: {words}"), NO_QDEVICE).await
        }
    }
}

fn device_status(world: &World, name: &str, verbose: bool) -> Option<String> {
    let node = world.nodes.get(name)?;
    let corosync = &node.corosync;
    let device = corosync.config.device.as_ref().filter(|_| node.qdevice.running && corosync.running)?;
    let list = |ids: &mut dyn Iterator<Item = u32>| ids.map(|id| id.to_string()).collect::<Vec<_>>().join(", ");
    let mut out = format!("Qdevice information\n-------------------\nModel:\t\t\tNet\nNode ID:\t\t{}\n", corosync.id);
    if verbose {
        out.push_str("HB interval:\t\t10000ms\nSync HB interval:\t30000ms\n");
    }
    let _ = writeln!(out, "Configuration version:\t{}\nConfigured node list:", corosync.config.version);
    for (at, entry) in corosync.config.nodes.iter().enumerate() {
        let _ = writeln!(out, "    {at}\tNode ID = {}", entry.id);
    }
    let (lowest, sequence) = corosync.ring;
    if verbose {
        let _ = writeln!(out, "Heuristics:\t\tDisabled\nRing ID:\t\t{lowest:x}.{sequence:x}");
    }
    let _ = writeln!(out, "Membership node list:\t{}", list(&mut corosync.members.iter().copied()));
    let cast = if corosync.device_cast > 0 { "cast vote" } else { "no vote" };
    if verbose {
        let quorate = if corosync.quorate { "Yes" } else { "No" };
        let _ = writeln!(out, "Quorate:\t\t{quorate}\nQuorum node list:");
        // The own one comes last.
        let mut nodes: Vec<_> = corosync.config.nodes.iter().rev().collect();
        nodes.sort_by_key(|entry| entry.id == corosync.id);
        for (at, entry) in nodes.into_iter().enumerate() {
            let state = if corosync.members.contains(&entry.id) { "member" } else { "dead" };
            let _ = writeln!(out, "    {at}\tNode ID = {}, State = {state}", entry.id);
        }
        let poll = civil(node.qdevice.last_poll_us, "%Y-%m-%dT%H:%M:%S");
        let _ = writeln!(out, "Expected votes:\t\t{}\nLast poll call:\t\t{poll} ({cast})", corosync.expected);
    }
    let _ =
        writeln!(out, "\nQdevice-net information\n----------------------\nCluster name:\t\t{}", corosync.config.name);
    let _ = writeln!(out, "QNetd host:\t\t{}:5403", device.host);
    if verbose {
        out.push_str(
            "Connect timeout:\t8000ms\nHB interval:\t\t8000ms\nVQ vote timer interval:\t5000ms\nTLS:\t\t\tSupported\n",
        );
    }
    let algorithm = if device.algorithm == "lms" { "Last Man Standing" } else { "Fifty-Fifty split" };
    let _ = writeln!(out, "Algorithm:\t\t{algorithm}\nTie-breaker:\t\tNode with lowest node ID");
    let state = if node.qdevice.connected { "Connected" } else { "Connect failed" };
    if verbose {
        let running = if node.qdevice.connected { "Yes" } else { "No" };
        let _ = writeln!(out, "KAP Tie-breaker:\tEnabled\nPoll timer running:\t{running} ({cast})");
    }
    let _ = writeln!(out, "State:\t\t\t{state}");
    if verbose && node.qdevice.connected {
        let since = civil(node.qdevice.connected_since_us, "%Y-%m-%dT%H:%M:%S");
        let _ = writeln!(out, "TLS active:\t\tYes (client certificate sent)\nConnected since:\t{since}");
        if let Some(echo) = last_echo_us(node.qdevice.connected_since_us, world.wall_us(name)) {
            let _ = writeln!(out, "Echo reply received:\t{}", civil(echo, "%Y-%m-%dT%H:%M:%S"));
        }
    }
    Some(out)
}

/// qnetd's last answer to a heartbeat; none before the first one is due.
fn last_echo_us(since_us: i64, now_us: i64) -> Option<i64> {
    let beats = now_us.saturating_sub(since_us) / HEARTBEAT_US;
    (beats > 0).then(|| since_us + beats * HEARTBEAT_US)
}
