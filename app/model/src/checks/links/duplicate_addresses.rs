//! No other machine has an address of a link.
//!
//! Needs: the MACs that answered for the peers' addresses while the probe ran, `ip -d -j link` and `ip -j addr` of every node.
//! Rule: an address that two of the nodes have, or a MAC that is no card of the peer, fails.
//! Links with IPv6 alone are skipped: the kernel answers for neighbours there in no file, only addresses are compared.
//! Why: two machines with one address can bring the whole cluster down.
//! Source: the comment at `address already used` in pve-cluster ("can crash the whole cluster").

use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::DuplicateAddresses, node);
    let addresses = sheet.need(Source::Addresses, &node.addresses);
    let report = sheet.need(Source::Probe, &node.probe);
    let (Some(addresses), Some(report)) = (addresses, report) else { return sheet.cell() };
    for own in addresses.iter().filter(|one| one.global) {
        let has = |peer: &&NodeEvidence| {
            let theirs = peer.addresses.as_deref().unwrap_or_default();
            theirs.iter().any(|one| one.global && one.address == own.address)
        };
        if let Some(peer) = scene.peers(node).find(has) {
            let finding = Finding::new(FindingCode::AddressTwice).with("address", own.address);
            let text = own.address.to_string();
            let finding = finding.with("peer", &peer.label);
            sheet.blame(Verdict::Fail, finding, Source::Addresses, |line| line.contains(&text));
        }
    }
    let ways = scene.ways(node);
    if ways.is_empty() {
        sheet.skip(FindingCode::NoSharedNetwork);
    }
    let mut seen = 0;
    for (peer, address) in ways.iter().flat_map(|way| &way.peers) {
        let text = address.to_string();
        let (Some(mac), Ok(cards)) = (report.neighbours.get(&text), &peer.interfaces) else { continue };
        seen += 1;
        if !cards.iter().any(|card| card.mac.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(mac))) {
            let finding = Finding::new(FindingCode::OtherMachine).with("address", &text).with("mac", mac);
            let finding = finding.with("peer", &peer.label);
            sheet.blame(Verdict::Fail, finding, Source::Probe, |line| {
                line.contains("neighbour") && line.contains(&text)
            });
        }
    }
    sheet.brief(seen);
    let in_reach = |ipv4: bool| ways.iter().flat_map(|way| &way.peers).any(|(_, address)| address.is_ipv4() == ipv4);
    // With peers in reach somebody must have answered; nobody at all is no proof.
    if seen == 0 && in_reach(true) {
        sheet.absent();
    } else if seen == 0 && in_reach(false) {
        sheet.skip(FindingCode::OnlyIpv6);
    }
    sheet.cell()
}
