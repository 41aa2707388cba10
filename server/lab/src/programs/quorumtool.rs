//! `corosync-quorumtool`: the quorum blocks, also inside `pvecm status` and `pvecm nodes`.

use std::fmt::Write as _;

use super::{Env, pve::civil};
use crate::cluster::corosync::Corosync;
use crate::node::Node;
use crate::world::World;

/// Exit code of `-s` when the partition is not quorate.
const INQUORATE: i32 = 2;

/// `-h`, as 3.1.7 prints it.
const HELP: &str = include_str!("quorumtool_help.txt");

/// How node ids and names are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) hex: bool,
    pub(crate) addresses: bool,
}

pub(crate) async fn quorumtool(env: &Env, args: &[String]) -> i32 {
    env.pause(30).await;
    let letters: String = args.iter().flat_map(|arg| arg.trim_start_matches('-').chars()).collect();
    if let Some(bad) = letters.chars().find(|letter| !"silpHmnh".contains(*letter)) {
        return env.fail(&format!("corosync-quorumtool: invalid option -- '{bad}'"), 1).await;
    }
    let look = Look { hex: letters.contains('H'), addresses: letters.contains('i') };
    if letters.contains('h') {
        env.print(HELP).await;
        return 0;
    }
    if letters.contains('m') {
        return monitor(env, look).await;
    }
    env.operational().await;
    if letters.contains('s') {
        return match env.world(|world| status(world, &env.node, look)) {
            Some((text, quorate)) => {
                env.print(&text).await;
                if quorate { 0 } else { INQUORATE }
            }
            None => no_service(env).await,
        };
    }
    match env.world(|world| members(world, &env.node, look)) {
        Some(text) => {
            env.print(&format!("\n{text}")).await;
            0
        }
        None => no_service(env).await,
    }
}

async fn no_service(env: &Env) -> i32 {
    env.fail("Cannot initialize CMAP service", 1).await
}

/// A block at once, and one more at each change of membership or votes.
async fn monitor(env: &Env, look: Look) -> i32 {
    let mut changes = env.shared.subscribe();
    let mut shown = None;
    loop {
        changes.mark_unchanged();
        let current = env.world(|world| {
            let node = world.nodes.get(&env.node)?;
            let corosync = running(node)?;
            let key =
                (corosync.ring, corosync.members.clone(), corosync.quorate, corosync.expected, corosync.device_cast);
            status(world, &env.node, look).map(|(text, _)| (key, text))
        });
        let Some((key, text)) = current else {
            if shown.is_none() {
                return no_service(env).await;
            }
            return 1;
        };
        if shown.as_ref() != Some(&key) {
            env.print(&format!("{text}\n")).await;
            shown = Some(key);
        }
        if changes.changed().await.is_err() {
            return 1;
        }
    }
}

fn running(node: &Node) -> Option<&Corosync> {
    node.corosync.running.then_some(&node.corosync)
}

/// The three blocks, and whether the partition is quorate. `None` when corosync does not run.
pub(crate) fn status(world: &World, name: &str, look: Look) -> Option<(String, bool)> {
    let corosync = running(world.nodes.get(name)?)?;
    let (lowest, sequence) = corosync.ring;
    let id = if look.hex { format!("0x{:08x}", corosync.id) } else { corosync.id.to_string() };
    let date = civil(world.wall_us(name), "%a %b %e %H:%M:%S %Y");
    let (quorate, blocked) = if corosync.quorate { ("Yes", " ") } else { ("No", "Activity blocked") };
    let mut out = String::new();
    let _ = writeln!(out, "Quorum information\n------------------\nDate:             {date}");
    let _ = writeln!(out, "Quorum provider:  corosync_votequorum\nNodes:            {}", corosync.members.len());
    let _ = writeln!(
        out,
        "Node ID:          {id}\nRing ID:          {lowest:x}.{sequence:x}\nQuorate:          {quorate}\n"
    );
    let _ = writeln!(out, "Votequorum information\n----------------------\nExpected votes:   {}", corosync.expected);
    let _ = writeln!(out, "Highest expected: {}\nTotal votes:      {}", corosync.expected, corosync.total_votes());
    let _ = writeln!(out, "Quorum:           {} {blocked}", corosync.quorum());
    let quorate_flag = if corosync.quorate { "Quorate " } else { "" };
    let device_flag = if corosync.device_seen { "Qdevice " } else { "" };
    let _ = writeln!(out, "Flags:            {quorate_flag}{device_flag}\n");
    out.push_str(&members(world, name, look)?);
    Some((out, corosync.quorate))
}

/// The membership block. Only current members are in it.
pub(crate) fn members(world: &World, name: &str, look: Look) -> Option<String> {
    let corosync = running(world.nodes.get(name)?)?;
    let device = corosync.device_seen;
    let column = if device { "    Qdevice " } else { " " };
    let mut out = format!("Membership information\n----------------------\n    Nodeid      Votes{column}Name\n");
    let number = |id: u32| if look.hex { format!("0x{id:08x}") } else { format!("{id:>10}") };
    for id in &corosync.members {
        let Some(entry) = corosync.config.by_id(*id) else { continue };
        let label = if look.addresses { entry.rings.values().next() } else { Some(&entry.name) };
        let flags =
            if device { format!(" {:>10} ", device_flags(world, corosync, &entry.name)) } else { " ".to_owned() };
        let local = if *id == corosync.id { " (local)" } else { "" };
        let label = label.map_or("", String::as_str);
        let _ = writeln!(out, "{} {:>10}{flags}{label}{local}", number(*id), entry.votes);
    }
    if device {
        let cast = corosync.device_cast;
        let note = if cast == 0 { format!(" (votes {})", corosync.config.device_votes()) } else { String::new() };
        let _ = writeln!(out, "{} {cast:>10}            Qdevice{note}", number(0));
    }
    Some(out)
}

/// Alive, voting, master wins: as votequorum shows it for one node.
fn device_flags(world: &World, from: &Corosync, hostname: &str) -> &'static str {
    let member = world.nodes.values().find(|node| node.hostname == hostname && node.corosync.ring == from.ring);
    match member {
        Some(node) if !node.qdevice.has_store && from.config.device.is_some() => "NR",
        Some(node) if !node.qdevice.running => "NA,NV,NMW",
        Some(node) if node.corosync.device_cast > 0 => "A,V,NMW",
        Some(_) => "A,NV,NMW",
        None => "NR",
    }
}
