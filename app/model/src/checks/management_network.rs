//! The address behind the node's name is its own, fixed, up, and the peers answer on theirs.
//!
//! Needs: `ip -j addr`, `ip -j link`, `getent ahosts` of the name, the probe's TCP 22 to every peer.
//! Rule: an address that is not local, that was learned, or whose interface is down fails; so does a silent peer.
//! Why: migration, consoles and the join go over this address; corosync does not follow an address that changes.
//! Source: Proxmox VE, Cluster Manager, Requirements and "Cluster Network"; the rule on DHCP is ours.

use super::sheet::Sheet;
use crate::facts::{Interface, InterfaceAddress, TcpProbe};
use crate::preflight::probe_plan::{PORT_SSH, local, own_address};
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};
use std::net::{IpAddr, SocketAddr};

pub fn judge(node: &NodeEvidence, nodes: &[NodeEvidence]) -> Cell {
    let mut sheet = Sheet::new(CheckId::ManagementNetwork, node);
    let resolved = sheet.need(Source::Resolve, &node.resolves_to);
    let addresses = sheet.need(Source::Addresses, &node.addresses);
    let interfaces = sheet.need(Source::Interfaces, &node.interfaces);
    if let (Some(_), Some(addresses), Some(interfaces)) = (resolved, addresses, interfaces) {
        match own_address(node) {
            Some(address) => judge_own(&mut sheet, address, addresses, interfaces),
            // The name leads nowhere: what it would lead to cannot be judged before that is repaired.
            None => {
                let finding = Finding::new(FindingCode::WaitsForOther).with("check", CheckId::HostNames.as_str());
                sheet.note(Verdict::Skipped, finding);
            }
        }
    }
    judge_peers(&mut sheet, node, nodes);
    sheet.cell()
}

fn judge_own(sheet: &mut Sheet<'_>, address: IpAddr, addresses: &[InterfaceAddress], interfaces: &[Interface]) {
    let text = address.to_string();
    let Some(own) = addresses.iter().find(|one| one.address == address) else {
        sheet.note(Verdict::Fail, Finding::new(FindingCode::ManagementNotLocal).with("address", &text));
        sheet.accuse(Source::Resolve, |line| line.contains(&text));
        return;
    };
    if own.dynamic {
        let finding =
            Finding::new(FindingCode::ManagementDynamic).with("address", &text).with("interface", &own.interface);
        sheet.note(Verdict::Fail, finding);
        sheet.accuse(Source::Addresses, |line| line.contains(&text));
    }
    match interfaces.iter().find(|one| one.name == own.interface) {
        Some(interface) if interface.up => {}
        Some(interface) => {
            sheet.note(Verdict::Fail, Finding::new(FindingCode::InterfaceDown).with("interface", &interface.name));
            sheet.accuse(Source::Interfaces, |line| line.contains(&interface.name));
        }
        None => sheet.absent(),
    }
}

fn judge_peers(sheet: &mut Sheet<'_>, node: &NodeEvidence, nodes: &[NodeEvidence]) {
    let Some(report) = sheet.need(Source::Probe, &node.probe) else {
        return;
    };
    let peers: Vec<&NodeEvidence> = nodes.iter().filter(|peer| peer.node != node.node).collect();
    let mut answered = 0;
    for peer in &peers {
        let Some(address) = own_address(peer).filter(|one| local(peer, *one).is_some()) else {
            sheet.wait_for(peer);
            continue;
        };
        let target = SocketAddr::new(address, PORT_SSH).to_string();
        match report.tcp.get(&target) {
            Some(TcpProbe::Open { .. }) => answered += 1,
            Some(closed) => {
                let finding = Finding::new(FindingCode::PeerNoAnswer)
                    .with("peer", &peer.label)
                    .with("address", address)
                    .with("answer", answer_word(closed));
                sheet.note(Verdict::Fail, finding);
                sheet.accuse(Source::Probe, |line| line.contains(&target));
            }
            None => sheet.absent(),
        }
    }
    if !peers.is_empty() {
        sheet.brief(format!("{answered}/{}", peers.len()));
    }
}

/// How a connection attempt ended, for the sentence.
pub fn answer_word(probe: &TcpProbe) -> &str {
    match probe {
        TcpProbe::Open { .. } => "open",
        TcpProbe::Refused => "refused",
        TcpProbe::Timeout => "timeout",
        TcpProbe::Failed { text } => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::fixture::{gone, guilty, has, healthy, lost, params, probed, show};

    fn judged(nodes: &mut [NodeEvidence], change: impl Fn(&mut NodeEvidence)) -> Cell {
        change(&mut nodes[0]);
        judge(&nodes[0], nodes)
    }

    fn three() -> [NodeEvidence; 3] {
        probed([healthy(11, true), healthy(12, false), healthy(13, false)])
    }

    #[test]
    fn an_own_fixed_address_and_answering_peers_pass() {
        let nodes = three();
        let cell = judge(&nodes[0], &nodes);
        assert_eq!((cell.verdict, cell.brief.as_deref()), (Verdict::Pass, Some("2/2")), "{cell:?}");
    }

    #[test]
    fn foreign_learned_and_dead_addresses_fail() {
        let foreign = judged(&mut three(), |node| {
            node.resolves_to = Ok(["10.0.1.99".parse().unwrap()].into());
            node.management = None;
        });
        assert_eq!(params(&foreign, FindingCode::ManagementNotLocal)["address"], "10.0.1.99");
        let learned = judged(&mut three(), |node| node.addresses.as_mut().unwrap()[0].dynamic = true);
        assert_eq!(params(&learned, FindingCode::ManagementDynamic)["interface"], "vmbr0");
        let down = judged(&mut three(), |node| node.interfaces.as_mut().unwrap()[0].up = false);
        assert!(has(&down, FindingCode::InterfaceDown) && down.verdict == Verdict::Fail);
    }

    #[test]
    fn a_silent_peer_is_named() {
        let cell = judged(&mut three(), |node| {
            show(node, Source::Probe, "tcp 10.0.1.12:22 timeout\ntcp 10.0.1.13:22 open\n");
            node.probe.as_mut().unwrap().tcp.insert("10.0.1.12:22".into(), TcpProbe::Timeout);
        });
        assert_eq!((cell.verdict, cell.brief.as_deref()), (Verdict::Fail, Some("1/2")));
        let said = params(&cell, FindingCode::PeerNoAnswer);
        assert_eq!((said["peer"].as_str(), said["answer"].as_str()), ("alder12", "timeout"));
        assert_eq!(guilty(&cell), ["tcp 10.0.1.12:22 timeout"]);
    }

    #[test]
    fn what_was_not_measured_is_an_error() {
        assert_eq!(judged(&mut three(), |node| node.probe = gone()).verdict, Verdict::Error);
        let unasked = judged(&mut three(), |node| node.probe.as_mut().unwrap().tcp.clear());
        assert_eq!((unasked.verdict, unasked.brief.as_deref()), (Verdict::Error, Some("0/2")));
        assert_eq!(judged(&mut three(), |node| node.interfaces = Ok(Vec::new())).verdict, Verdict::Error);
        let nodes = probed([healthy(11, true), lost(12)]);
        assert_eq!(judge(&nodes[0], &nodes).verdict, Verdict::Skipped, "the peer cannot be called");
        assert_eq!(judge(&nodes[1], &nodes).verdict, Verdict::Error);
    }

    #[test]
    fn a_name_that_leads_to_loopback_only_is_the_names_fault() {
        let cell = judged(&mut three(), |node| {
            node.resolves_to = Ok(["127.0.1.1".parse().unwrap()].into());
            node.management = None;
        });
        assert_eq!(cell.verdict, Verdict::Skipped);
        assert_eq!(params(&cell, FindingCode::WaitsForOther)["check"], "host_names");
    }
}
