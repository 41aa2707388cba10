//! The part of the probe that measures: echo requests, whole packets, neighbours and traffic, from the world's wires.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::probe::host_at;
use crate::cluster::links::wire;
use crate::node::net::Nic;
use crate::node::{Node, Power};
use crate::world::World;

/// Echo requests of the usual size.
const ECHOES: u32 = 20;
/// Echo requests of the whole packet size.
const WHOLE: u32 = 3;
/// A way over the lab's wires and back, in microseconds: recorded on virtual cards.
const ROUND_TRIP_US: u32 = 180;
const SHORTEST_US: u32 = 130;
const LONGEST_US: u32 = 420;
const JITTER_US: u32 = 35;
/// What a quiet interface carries while a probe runs, in bytes.
const QUIET_BYTES: u64 = 70_520;

/// Both ends of one way.
struct Way<'a> {
    here: &'a Nic,
    there: &'a Nic,
    peer: &'a Node,
}

impl Way<'_> {
    /// Requests arrive, and replies do too.
    fn both(&self) -> bool {
        let there = !self.here.deaf && !self.there.unheard;
        let back = !self.there.deaf && !self.here.unheard;
        self.peer.power == Power::On && self.there.up && there && back
    }

    /// So many of a series come back: each packet passes both cards twice.
    fn back(&self, sent: u32) -> u32 {
        let passes = |percent: u8| 1.0 - f64::from(percent.min(100)) / 100.0;
        let once = passes(self.here.loss_percent) * passes(self.there.loss_percent);
        if self.both() { (f64::from(sent) * once * once).round() as u32 } else { 0 }
    }

    /// What both cards add to every way there and back, in microseconds.
    fn delay_us(&self) -> u32 {
        (u32::from(self.here.delay_ms) + u32::from(self.there.delay_ms)) * 1_000
    }

    /// The largest packet that both cards take, in bytes.
    fn mtu(&self) -> u32 {
        u32::from(self.here.mtu.min(self.there.mtu))
    }
}

fn way<'a>(world: &'a World, name: &str, own: IpAddr, address: IpAddr) -> Option<Way<'a>> {
    let from = world.nodes.get(name)?;
    let peer = host_at(world, from, address)?;
    let there = peer.nics.iter().find(|nic| nic.address == address)?;
    let fits = |nic: &&Nic| nic.up && wire(peer, address) == Some(nic.network);
    // Without an address of its own the machine chooses the card that leads there.
    let here = from.nics.iter().filter(fits).find(|nic| own.is_unspecified() || nic.address == own)?;
    Some(Way { here, there, peer })
}

/// The probe's lines of its list `echo`, and those of the machine.
pub(crate) fn measured(world: &World, name: &str, wanted: &[(String, String)], millis: u64) -> String {
    let mut out = String::new();
    let mut neighbours = String::new();
    for (_, item) in wanted.iter().filter(|(kind, _)| kind == "echo") {
        let mut parts = item.split('/');
        let (Some(own), Some(address), Some(bytes)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let (Ok(own), Ok(address), Ok(bytes)) = (own.parse(), address.parse::<IpAddr>(), bytes.parse::<u32>()) else {
            continue;
        };
        let way = way(world, name, own, address);
        let back = |sent| way.as_ref().map_or(0, |way| way.back(sent));
        let more = way.as_ref().map_or(0, Way::delay_us);
        let [shortest, average, longest, jitter] = match back(ECHOES) {
            0 => [0; 4],
            _ => [SHORTEST_US + more, ROUND_TRIP_US + more, LONGEST_US + more, JITTER_US],
        };
        let mtu = way.as_ref().map_or(0, Way::mtu);
        let whole = if bytes <= mtu { back(WHOLE) } else { 0 };
        let largest = if back(WHOLE) > 0 { mtu.min(bytes) } else { 0 };
        // Writing into a string cannot fail.
        let _ = writeln!(out, "ping {address} {ECHOES} {} {shortest} {average} {longest} {jitter}", back(ECHOES));
        let _ = writeln!(out, "whole {address} {bytes} {WHOLE} {whole}");
        let _ = writeln!(out, "mtu {address} {largest}");
        if let Some(way) = way.as_ref().filter(|way| way.both()) {
            let _ = writeln!(neighbours, "neighbour {address} {}", way.there.mac);
        }
    }
    let nics = world.nodes.get(name).map(|node| node.nics.as_slice()).unwrap_or_default();
    for card in nics.iter().flat_map(|nic| std::iter::once(&nic.port).chain(&nic.bridge)) {
        let _ = writeln!(out, "traffic {card} {millis} {QUIET_BYTES} 0 0");
    }
    out + &neighbours
}
