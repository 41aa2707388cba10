//! Corosync's UDP ports, SSH and the API really pass between every pair.
//!
//! Needs: the probe's report of every node: who could listen, which tagged datagrams came back, which TCP ports opened.
//! Rule: per pair and shared network all datagrams back passes, one lost warns, more fail; TCP 22 and 8006 must open.
//! Why: UDP has no handshake, so only an echo from the other end proves anything; a closed 5405 shows up as a cluster
//! that never forms, a closed 8006 as a page that cannot show other nodes.
//! Source: Proxmox VE, Firewall, "Ports used by Proxmox VE"; corosync.conf(5), `mcastport`.

use super::management_network::answer_word;
use super::sheet::Sheet;
use crate::facts::{ProbeReport, TcpProbe};
use crate::ids::NodeId;
use crate::links::LinkPlan;
use crate::preflight::probe_plan::{ProbeTargets, probe_plan};
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};
use crate::problem::ProblemCode;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// So many lost datagrams of one series only warn.
pub const UDP_LOST_WARN: u32 = 1;

/// What the probe reports for an address on which it could listen.
pub const LISTEN_OK: &str = "ok";
/// Another program has the port.
pub const LISTEN_BUSY: &str = "busy";

/// What so many echoes of so many datagrams are worth; nothing where all came back.
pub fn rule(echoed: u32, sent: u32) -> Option<(Verdict, Finding)> {
    let lost = sent.saturating_sub(echoed);
    let some = lost <= UDP_LOST_WARN && echoed > 0;
    let (verdict, code) =
        if some { (Verdict::Warn, FindingCode::UdpSomeLost) } else { (Verdict::Fail, FindingCode::UdpLost) };
    (lost > 0).then(|| (verdict, Finding::new(code).with("echoed", echoed).with("sent", sent)))
}

pub fn judge(nodes: &[NodeEvidence], links_planned: &[LinkPlan]) -> Vec<Cell> {
    let round = Round { nodes, plan: probe_plan(nodes), links_planned };
    nodes.iter().map(|node| round.cell(node)).collect()
}

struct Round<'a> {
    nodes: &'a [NodeEvidence],
    plan: BTreeMap<NodeId, ProbeTargets>,
    links_planned: &'a [LinkPlan],
}

impl<'a> Round<'a> {
    fn cell(&self, node: &'a NodeEvidence) -> Cell {
        let mut sheet = Sheet::new(CheckId::Ports, node);
        // Without its addresses a node has no part in the plan, and no part must not look like no fault.
        let addresses = sheet.need(Source::Addresses, &node.addresses);
        let report = sheet.need(Source::Probe, &node.probe);
        let (Some(_), Some(report), Some(targets)) = (addresses, report, self.plan.get(&node.node)) else {
            return sheet.cell();
        };
        self.listeners(&mut sheet, report, targets);
        let udp = targets.udp.iter().filter(|(peer, target)| self.udp(&mut sheet, report, *peer, *target)).count();
        let tcp = targets.tcp.iter().filter(|(peer, target)| self.tcp(&mut sheet, report, *peer, *target)).count();
        for peer in self.nodes.iter().filter(|peer| peer.node != node.node) {
            self.partner(&mut sheet, peer, targets);
        }
        sheet.brief(format!("{}/{}", udp + tcp, targets.udp.len() + targets.tcp.len()));
        sheet.cell()
    }

    fn node(&self, id: NodeId) -> Option<&'a NodeEvidence> {
        self.nodes.iter().find(|node| node.node == id)
    }

    /// A failure on a network that shall not carry corosync is only worth a warning.
    fn weight(&self, address: IpAddr) -> Verdict {
        let chosen = self.links_planned.iter().any(|link| link.addresses.values().any(|one| *one == address));
        if self.links_planned.is_empty() || chosen { Verdict::Fail } else { Verdict::Warn }
    }

    fn listeners(&self, sheet: &mut Sheet<'_>, report: &ProbeReport, targets: &ProbeTargets) {
        for own in &targets.listen {
            let key = own.to_string();
            match report.listen.get(&key).map(String::as_str) {
                Some(LISTEN_OK) => {}
                Some(LISTEN_BUSY) => {
                    let finding =
                        Finding::new(FindingCode::PortBusy).with("address", own.ip()).with("port", own.port());
                    sheet.note(self.weight(own.ip()), finding);
                    sheet.accuse(Source::Probe, |line| line.contains(&key));
                }
                Some(_) => {
                    sheet.missing(&ProblemCode::CommandFailed.into());
                    sheet.accuse(Source::Probe, |line| line.contains(&key));
                }
                None => sheet.absent(),
            }
        }
    }

    /// True when every datagram came back, or all but [`UDP_LOST_WARN`].
    fn udp(&self, sheet: &mut Sheet<'_>, report: &ProbeReport, peer: NodeId, target: SocketAddr) -> bool {
        let Some(peer) = self.node(peer) else {
            return false;
        };
        let key = target.to_string();
        // Nobody listened there, so silence says nothing about the network.
        if peer.probe.as_ref().ok().and_then(|report| report.listen.get(&key)).map(String::as_str) != Some(LISTEN_OK) {
            sheet.wait_for(peer);
            return false;
        }
        let Some((echoed, sent)) = report.udp.get(&key).copied().filter(|(_, sent)| *sent > 0) else {
            sheet.absent();
            return false;
        };
        let Some((verdict, finding)) = rule(echoed, sent) else { return true };
        let some = verdict == Verdict::Warn;
        let finding = finding.with("peer", &peer.label).with("address", target.ip()).with("port", target.port());
        sheet.note(if some { verdict } else { self.weight(target.ip()) }, finding);
        sheet.accuse(Source::Probe, |line| line.contains(&key));
        some
    }

    fn tcp(&self, sheet: &mut Sheet<'_>, report: &ProbeReport, peer: NodeId, target: SocketAddr) -> bool {
        let Some(peer) = self.node(peer) else {
            return false;
        };
        let key = target.to_string();
        match report.tcp.get(&key) {
            Some(TcpProbe::Open { .. }) => true,
            Some(closed) => {
                sheet
                    .note(Verdict::Fail, at(FindingCode::PortClosed, peer, target).with("answer", answer_word(closed)));
                sheet.accuse(Source::Probe, |line| line.contains(&key));
                false
            }
            None => {
                sheet.absent();
                false
            }
        }
    }

    /// A peer that the plan does not call at all is not proven reachable.
    fn partner(&self, sheet: &mut Sheet<'_>, peer: &NodeEvidence, targets: &ProbeTargets) {
        let called = |list: &[(NodeId, SocketAddr)]| list.iter().any(|(id, _)| *id == peer.node);
        if !called(&targets.udp) || !called(&targets.tcp) {
            sheet.wait_for(peer);
        }
    }
}

fn at(code: FindingCode, peer: &NodeEvidence, target: SocketAddr) -> Finding {
    Finding::new(code).with("peer", &peer.label).with("address", target.ip()).with("port", target.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::fixture::{gone, guilty, has, healthy, id, lost, own, params, probed, show};
    use crate::links::propose;

    fn three() -> [NodeEvidence; 3] {
        probed([healthy(11, true), healthy(12, false), healthy(13, false)])
    }

    fn judged(change: impl Fn(&mut [NodeEvidence; 3])) -> Vec<Cell> {
        let mut nodes = three();
        change(&mut nodes);
        judge(&nodes, &[])
    }

    #[test]
    fn two_networks_and_two_peers_make_eight_passages() {
        let cells = judged(|_| ());
        assert!(cells.iter().all(|cell| cell.verdict == Verdict::Pass), "{cells:?}");
        assert_eq!(cells[0].brief.as_deref(), Some("8/8"));
    }

    #[test]
    fn lost_datagrams_warn_or_fail_with_the_pair() {
        let one = judged(|nodes| {
            nodes[0].probe.as_mut().unwrap().udp.insert("10.0.0.12:5406".into(), (4, 5));
        });
        assert_eq!((one[0].verdict, one[0].brief.as_deref()), (Verdict::Warn, Some("8/8")));
        let all = judged(|nodes| {
            show(&mut nodes[0], Source::Probe, "udp 10.0.0.12:5406 0/5\nudp 10.0.0.13:5406 5/5\n");
            nodes[0].probe.as_mut().unwrap().udp.insert("10.0.0.12:5406".into(), (0, 5));
        });
        assert_eq!((all[0].verdict, all[0].brief.as_deref()), (Verdict::Fail, Some("7/8")));
        let said = params(&all[0], FindingCode::UdpLost);
        assert_eq!((said["peer"].as_str(), said["port"].as_str(), said["echoed"].as_str()), ("alder12", "5406", "0"));
        assert_eq!(guilty(&all[0]), ["udp 10.0.0.12:5406 0/5"]);
        assert_eq!(all[1].verdict, Verdict::Pass, "the other direction works");
    }

    #[test]
    fn a_network_that_was_not_chosen_only_warns() {
        let mut nodes = three();
        nodes[0].probe.as_mut().unwrap().udp.insert("10.0.0.12:5406".into(), (0, 5));
        let mut links = propose(&crate::preflight::probe_plan::shared_networks(&nodes), &[]);
        assert_eq!(judge(&nodes, &links)[0].verdict, Verdict::Fail, "link 1 needs it");
        links.truncate(1);
        assert_eq!(judge(&nodes, &links)[0].verdict, Verdict::Warn);
    }

    #[test]
    fn a_closed_tcp_port_fails() {
        let cells = judged(|nodes| {
            nodes[2].probe.as_mut().unwrap().tcp.insert("10.0.1.11:8006".into(), TcpProbe::Refused);
        });
        assert_eq!(cells[2].verdict, Verdict::Fail);
        assert_eq!(params(&cells[2], FindingCode::PortClosed)["answer"], "refused");
    }

    #[test]
    fn a_busy_port_is_the_listeners_fault() {
        let cells = judged(|nodes| {
            nodes[1].probe.as_mut().unwrap().listen.insert("10.0.1.12:5405".into(), "busy".into());
            nodes[0].probe.as_mut().unwrap().udp.insert("10.0.1.12:5405".into(), (0, 5));
        });
        assert!(has(&cells[1], FindingCode::PortBusy) && cells[1].verdict == Verdict::Fail);
        assert_eq!(cells[0].verdict, Verdict::Skipped);
        assert!(!has(&cells[0], FindingCode::UdpLost));
    }

    #[test]
    fn what_was_not_measured_is_never_a_pass() {
        let cells = judged(|nodes| nodes[1].probe = gone());
        assert_eq!((cells[0].verdict, cells[1].verdict), (Verdict::Skipped, Verdict::Error));
        let empty = judged(|nodes| nodes[0].probe = Ok(ProbeReport::default()));
        assert_eq!((empty[0].verdict, empty[0].brief.as_deref()), (Verdict::Error, Some("0/8")));
        let unsent = judged(|nodes| {
            nodes[0].probe.as_mut().unwrap().udp.insert("10.0.1.12:5405".into(), (0, 0));
        });
        assert_eq!(unsent[0].verdict, Verdict::Error);
        let nodes = probed([healthy(11, true), lost(12)]);
        let cells = judge(&nodes, &[]);
        assert_eq!((cells[0].verdict, cells[1].verdict), (Verdict::Skipped, Verdict::Error));
    }

    #[test]
    fn nodes_without_a_shared_network_are_not_green() {
        let mut nodes = three();
        nodes[2].addresses = Ok(own(&[("vmbr0", "172.20.0.13")]));
        nodes[2].resolves_to = Ok(["172.20.0.13".parse().unwrap()].into());
        let nodes = probed(nodes);
        assert!(probe_plan(&nodes)[&id(11)].udp.is_empty());
        assert!(judge(&nodes, &[]).iter().all(|cell| cell.verdict != Verdict::Pass));
    }
}
