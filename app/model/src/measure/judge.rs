//! From what the nodes' ends of the probe say to a verdict for every way.

use super::{NodeReport, PathMtu, UdpEchoes, Way, port};
use crate::checks::links::{link_jitter, link_latency, link_loss};
use crate::checks::ports::{self, LISTEN_BUSY, LISTEN_OK};
use crate::facts::ProbeReport;
use crate::links::LinkPlan;
use crate::preflight::{Finding, FindingCode, Verdict};
use crate::problem::{Problem, ProblemCode};
use std::net::{IpAddr, SocketAddr};

/// The ways whose both ends have answered, link by link, in the order of the nodes.
///
/// The limits are those of the prerequisites: latency, loss, jitter, whole packets and UDP, each as its check has it; here
/// every network carries corosync, so nothing is let off with a warning.
#[must_use]
pub fn judge(links: &[LinkPlan], nodes: &[NodeReport]) -> Vec<Way> {
    let mut found = Vec::new();
    for link in links {
        for from in nodes {
            for to in nodes.iter().filter(|to| to.node != from.node) {
                let ends = (link.addresses.get(&from.node), link.addresses.get(&to.node));
                let (Some(own), Some(peer)) = ends else { continue };
                let (Some(here), Some(there)) = (&from.report, &to.report) else { continue };
                let blank = Draft::new(link.number, from, to, *own, *peer);
                found.push(match (here, there) {
                    (Err(problem), _) => blank.unknown(problem).way,
                    (Ok(here), Err(problem)) => blank.unknown(problem).measured(here, None, nodes.len()).way,
                    (Ok(here), Ok(there)) => blank.measured(here, Some(there), nodes.len()).way,
                });
            }
        }
    }
    found
}

/// A way while it is being judged.
struct Draft<'a> {
    way: Way,
    own: IpAddr,
    peer: IpAddr,
    peer_label: &'a str,
    label: &'a str,
}

impl<'a> Draft<'a> {
    fn new(link: u8, from: &'a NodeReport, to: &'a NodeReport, own: IpAddr, peer: IpAddr) -> Self {
        let way = Way {
            link,
            from: from.node,
            to: to.node,
            verdict: Verdict::Pass,
            pings: None,
            path_mtu: None,
            udp: None,
            findings: Vec::new(),
            problem: None,
        };
        Self { way, own, peer, peer_label: &to.label, label: &from.label }
    }

    fn unknown(mut self, problem: &Problem) -> Self {
        self.missing(problem.clone());
        self
    }

    fn missing(&mut self, problem: Problem) {
        self.way.verdict = self.way.verdict.max(Verdict::Error);
        self.way.problem.get_or_insert(problem);
    }

    /// A line that the probe prints for every address that it was given.
    fn absent(&mut self) {
        self.missing(Problem::new(ProblemCode::Garbage).with("node", self.label).with("what", "probe"));
    }

    fn note(&mut self, said: Option<(Verdict, Finding)>) {
        if let Some((verdict, finding)) = said {
            self.way.verdict = self.way.verdict.max(verdict);
            self.way.findings.push(finding.with("peer", self.peer_label).with("address", self.peer));
        }
    }

    fn measured(mut self, here: &ProbeReport, there: Option<&ProbeReport>, nodes: usize) -> Self {
        self.echoes(here, nodes);
        self.packets(here, there);
        if let Some(there) = there {
            self.datagrams(here, there);
        }
        self
    }

    fn echoes(&mut self, here: &ProbeReport, nodes: usize) {
        let found = here.pings.get(&self.peer.to_string()).copied().filter(|pings| pings.sent > 0);
        self.way.pings = found;
        let Some(pings) = found else {
            self.absent();
            return;
        };
        self.note(link_loss::rule(&pings));
        if pings.received > 0 {
            self.note(link_latency::rule(&pings, nodes));
            self.note(link_jitter::rule(&pings));
        }
    }

    fn packets(&mut self, here: &ProbeReport, there: Option<&ProbeReport>) {
        let key = self.peer.to_string();
        // Where nothing comes back, its size says nothing.
        if self.way.pings.is_none_or(|pings| pings.received == 0) {
            return;
        }
        let whole = here.whole.get(&key).filter(|whole| whole.sent > 0);
        let (Some(whole), Some(found)) = (whole, here.path_mtu.get(&key)) else {
            self.absent();
            return;
        };
        self.way.path_mtu = Some(PathMtu { found: *found, own: whole.bytes });
        if *found < whole.bytes {
            self.note(Some((Verdict::Fail, Finding::new(FindingCode::MtuBlocked).with("bytes", whole.bytes))));
        }
        let other = there.and_then(|there| there.whole.get(&self.own.to_string())).map(|whole| whole.bytes);
        if let Some(other) = other.filter(|other| *other != whole.bytes) {
            let finding = Finding::new(FindingCode::MtuDiffers).with("mtu", whole.bytes).with("other", other);
            self.note(Some((Verdict::Warn, finding)));
        }
    }

    fn datagrams(&mut self, here: &ProbeReport, there: &ProbeReport) {
        let target = SocketAddr::new(self.peer, port(self.way.link));
        let key = target.to_string();
        match there.listen.get(&key).map(String::as_str) {
            Some(LISTEN_OK) => {}
            // corosync itself has the port and echoes nothing: silence says nothing about the network.
            Some(LISTEN_BUSY) => {
                let finding = Finding::new(FindingCode::PortTaken).with("port", target.port());
                self.note(Some((Verdict::Skipped, finding)));
                return;
            }
            Some(text) => {
                let problem = Problem::new(ProblemCode::CommandFailed).with("node", self.peer_label);
                self.missing(problem.with("what", "probe").quoting(text));
                return;
            }
            None => {
                self.absent();
                return;
            }
        }
        let Some((echoed, sent)) = here.udp.get(&key).copied().filter(|(_, sent)| *sent > 0) else {
            self.absent();
            return;
        };
        self.way.udp = Some(UdpEchoes { echoed, sent });
        self.note(ports::rule(echoed, sent).map(|(verdict, finding)| (verdict, finding.with("port", target.port()))));
    }
}
