//! Each link is one subnet, and no two links share one.
//!
//! Needs: `ip -j addr` of every node, the choice of links.
//! Rule: another prefix length than a peer's on the same link warns; two links in one subnet fail.
//! Why: the kernel sends everything for one subnet through one interface, so two links in it are one way.
//! Source: Proxmox VE, Cluster Manager, "every link should be on its own physical network connection"; a rule of ours.

use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::facts::InterfaceAddress;
use crate::preflight::probe_plan::local;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};
use std::net::IpAddr;

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::LinkSubnets, node);
    if sheet.need(Source::Addresses, &node.addresses).is_none() {
        return sheet.cell();
    }
    let chosen: Vec<IpAddr> = scene.links.iter().filter_map(|link| link.addresses.get(&node.node)).copied().collect();
    let ways = scene.ways(node);
    let own = if chosen.is_empty() { ways.iter().map(|way| way.own).collect() } else { chosen };
    if own.is_empty() {
        sheet.skip(FindingCode::NoSharedNetwork);
    }
    sheet.brief(own.len());
    let entries: Vec<&InterfaceAddress> = own.iter().filter_map(|address| local(node, *address)).collect();
    for (at, first) in entries.iter().enumerate() {
        for second in entries.iter().skip(at + 1).filter(|second| same_subnet(first, second)) {
            let finding = Finding::new(FindingCode::LinksOverlap).with("address", first.address);
            let finding = finding.with("other", second.address);
            let text = second.address.to_string();
            sheet.blame(Verdict::Fail, finding, Source::Addresses, |line| line.contains(&text));
        }
    }
    for way in &ways {
        let Some(prefix) = local(node, way.own).map(|one| one.prefix) else { continue };
        for (peer, address) in &way.peers {
            let Some(other) = local(peer, *address).map(|one| one.prefix).filter(|other| *other != prefix) else {
                continue;
            };
            let finding = Finding::new(FindingCode::PrefixDiffers).with("address", way.own).with("prefix", prefix);
            sheet.note(Verdict::Warn, finding.with("other", other).with("peer", &peer.label));
        }
    }
    sheet.cell()
}

/// The wider of the two networks holds both addresses.
pub fn same_subnet(first: &InterfaceAddress, second: &InterfaceAddress) -> bool {
    same_network(first.address, second.address, first.prefix.min(second.prefix))
}

/// The first `prefix` bits of both addresses are the same.
pub fn same_network(first: IpAddr, second: IpAddr, prefix: u8) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(four) => (u128::from(u32::from(four)), 32_u32),
        IpAddr::V6(six) => (u128::from(six), 128),
    };
    let ((one, width), (other, other_width)) = (bits(first), bits(second));
    let shift = width.saturating_sub(u32::from(prefix));
    width == other_width && (shift >= u128::BITS || (one ^ other) >> shift == 0)
}
