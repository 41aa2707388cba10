//! The links measured: what every node has to every other one on every link that is chosen now.
//!
//! All nodes run one probe at the same time; each ordered pair on each link is one [`Way`], because a network may be sound
//! in one direction only. A way is told once both of its ends have answered; until then nothing is known of it.

mod judge;
#[cfg(test)]
mod tests;

pub use judge::judge;

use crate::facts::ProbeReport;
use crate::facts::host::Pings;
use crate::ids::NodeId;
use crate::links::LinkPlan;
use crate::observation::Evidence;
use crate::preflight::{Finding, Gathered, MatrixNode, RESULTS_STALE_AFTER_MIN, Verdict};
use crate::problem::Problem;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// The largest packet of a way, in bytes with its IP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathMtu {
    /// The largest that came back without having been cut up; 0 where none did.
    pub found: u32,
    /// What the own interface takes.
    pub own: u32,
}

/// Datagrams to the port that corosync will use on this link, and their echoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UdpEchoes {
    pub echoed: u32,
    pub sent: u32,
}

/// One ordered pair on one link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    pub link: u8,
    pub from: NodeId,
    pub to: NodeId,
    /// `Skipped` where something could not be measured for a good reason, `Error` where evidence is missing.
    pub verdict: Verdict,
    /// Each figure is missing where it was not measured.
    pub pings: Option<Pings>,
    pub path_mtu: Option<PathMtu>,
    pub udp: Option<UdpEchoes>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// Why something of it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// All ways, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measurement {
    pub started_at: Timestamp,
    /// `None` while nodes are still measuring.
    pub finished_at: Option<Timestamp>,
    /// What was measured; people may have chosen other addresses since.
    pub links: Vec<LinkPlan>,
    pub nodes: Vec<MatrixNode>,
    pub ways: Vec<Way>,
}

/// What one node's end of the probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeReport {
    pub node: NodeId,
    pub label: String,
    /// `None` while it is still measuring.
    pub report: Option<Gathered<ProbeReport>>,
}

impl Measurement {
    /// Results count for ten minutes, as those of the checks.
    #[must_use]
    pub fn stale(&self, now: Timestamp) -> bool {
        self.finished_at.is_none_or(|at| {
            at.checked_add(Span::new().minutes(RESULTS_STALE_AFTER_MIN)).is_ok_and(|limit| now > limit)
        })
    }

    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.ways.iter().filter(|way| way.verdict == verdict).count()
    }

    /// How many ways there will be in the end.
    #[must_use]
    pub fn expected(&self) -> usize {
        let ways = |link: &LinkPlan| link.addresses.len() * link.addresses.len().saturating_sub(1);
        self.links.iter().map(ways).sum()
    }

    #[must_use]
    pub fn way(&self, link: u8, from: NodeId, to: NodeId) -> Option<&Way> {
        self.ways.iter().find(|way| (way.link, way.from, way.to) == (link, from, to))
    }

    /// This very link was measured: the same number with the same addresses.
    #[must_use]
    pub fn covers(&self, link: &LinkPlan) -> bool {
        self.links.iter().any(|one| one.number == link.number && one.addresses == link.addresses)
    }

    /// The worst of a link's ways; `None` while one of them is not known.
    #[must_use]
    pub fn of_link(&self, link: &LinkPlan) -> Option<Verdict> {
        let nodes = link.addresses.len();
        let ways: Vec<&Way> = self.ways.iter().filter(|way| way.link == link.number).collect();
        let complete = self.covers(link) && ways.len() == nodes * nodes.saturating_sub(1);
        ways.iter().map(|way| way.verdict).max().filter(|_| complete)
    }

    /// What a node is worth on a link: that with the peer with which it goes best, both directions taken together.
    ///
    /// A node whose card is broken has no good peer; one that only cannot hear the broken one has others.
    #[must_use]
    pub fn of_node(&self, link: &LinkPlan, node: NodeId) -> Option<Verdict> {
        if !self.covers(link) {
            return None;
        }
        let both = |peer: NodeId| {
            let there = self.way(link.number, node, peer)?;
            let back = self.way(link.number, peer, node)?;
            Some(there.verdict.max(back.verdict))
        };
        let peers = link.addresses.keys().copied().filter(|peer| *peer != node);
        peers.map(both).collect::<Option<Vec<Verdict>>>()?.into_iter().min()
    }
}

/// The lines of a probe's answer that speak of one way: those of the peer's address, and where the own one listened.
#[must_use]
pub fn quote(evidence: &Evidence, own: SocketAddr, peer: SocketAddr) -> Evidence {
    let (listened, asked, address) = (own.to_string(), peer.to_string(), peer.ip().to_string());
    let speaks = |text: &str| {
        let mut words = text.split(' ');
        match (words.next(), words.next()) {
            (Some("listen"), Some(at)) => at == listened,
            (Some("udp"), Some(at)) => at == asked,
            (Some("ping" | "whole" | "mtu"), Some(at)) => at == address,
            _ => false,
        }
    };
    let spoken: Vec<_> = evidence.lines.iter().filter(|line| speaks(&line.text)).cloned().collect();
    // What is no report at all, a message of Perl's for instance, is shown as it is.
    let lines = if spoken.is_empty() { evidence.lines.clone() } else { spoken };
    Evidence { lines, ..evidence.clone() }
}

/// The port that corosync uses on a link.
#[must_use]
pub fn port(link: u8) -> u16 {
    crate::preflight::probe_plan::PORT_COROSYNC_FIRST.saturating_add(u16::from(link))
}

/// What each node's end of the probe has to do for these links; nodes without an own address of a link have no part in it.
///
/// `mtu` is the packet size of the interface with an address, in bytes.
#[must_use]
pub fn targets(
    links: &[LinkPlan],
    mtu: impl Fn(NodeId, IpAddr) -> u32,
) -> BTreeMap<NodeId, crate::preflight::ProbeTargets> {
    let mut plan: BTreeMap<NodeId, crate::preflight::ProbeTargets> = BTreeMap::new();
    for link in links {
        let port = port(link.number);
        for (node, own) in &link.addresses {
            let part = plan.entry(*node).or_default();
            part.listen.push(SocketAddr::new(*own, port));
            for (peer, address) in link.addresses.iter().filter(|(peer, _)| *peer != node) {
                part.udp.push((*peer, SocketAddr::new(*address, port)));
                part.echo.push((*own, *address, mtu(*node, *own)));
            }
        }
    }
    plan
}
