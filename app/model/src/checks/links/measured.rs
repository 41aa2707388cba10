//! The echo requests of one node, pair by pair, for the checks that read them.

use crate::checks::scene::{Scene, Way};
use crate::checks::sheet::Sheet;
use crate::facts::host::Pings;
use crate::preflight::{CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};
use std::net::IpAddr;

/// One series of echo requests.
pub struct Series<'a> {
    pub peer: &'a NodeEvidence,
    pub address: IpAddr,
    pub pings: Pings,
    pub weight: Verdict,
}

impl Series<'_> {
    /// Notes what a rule says of it, with the probe's line. On a network that shall not carry corosync nothing fails.
    pub fn ruled(&self, sheet: &mut Sheet<'_>, said: Option<(Verdict, Finding)>) {
        let Some((verdict, finding)) = said else { return };
        let verdict = if verdict == Verdict::Fail { self.weight } else { verdict };
        let finding = finding.with("peer", &self.peer.label).with("address", self.address);
        let start = format!("ping {} ", self.address);
        sheet.blame(verdict, finding, Source::Probe, |line| line.starts_with(&start));
    }
}

/// Every series that there has to be; what was not measured is missing evidence, on the sheet.
pub fn series<'a>(sheet: &mut Sheet<'_>, node: &NodeEvidence, scene: &Scene<'a>) -> Vec<Series<'a>> {
    let addresses = sheet.need(Source::Addresses, &node.addresses).is_some();
    let Some(report) = sheet.need(Source::Probe, &node.probe).filter(|_| addresses) else { return Vec::new() };
    let ways: Vec<Way<'a>> = scene.ways(node);
    if ways.is_empty() && scene.peers(node).next().is_some() {
        sheet.skip(FindingCode::NoSharedNetwork);
    }
    let mut found = Vec::new();
    for way in ways {
        for (peer, address) in way.peers {
            // Who did not run its end may not be there at all: its own cell says so.
            if peer.probe.is_err() {
                sheet.wait_for(peer);
                continue;
            }
            match report.pings.get(&address.to_string()).filter(|pings| pings.sent > 0) {
                Some(pings) => found.push(Series { peer, address, pings: *pings, weight: way.weight }),
                None => sheet.absent(),
            }
        }
    }
    found
}

/// Those that came back at all; without any, losses are what has to be repaired first.
pub fn answered<'a>(sheet: &mut Sheet<'_>, node: &NodeEvidence, scene: &Scene<'a>) -> Vec<Series<'a>> {
    let all = series(sheet, node, scene);
    let lost = all.iter().any(|one| one.pings.received == 0);
    if lost {
        let waits = Finding::new(FindingCode::WaitsForOther).with("check", CheckId::LinkLoss.as_str());
        sheet.note(Verdict::Skipped, waits);
    }
    all.into_iter().filter(|one| one.pings.received > 0).collect()
}

/// `1.3 ms` of microseconds.
pub fn millis(us: u32) -> String {
    format!("{} ms", number(us))
}

/// `1.3` of microseconds.
pub fn number(us: u32) -> String {
    format!("{}.{}", us / 1_000, us % 1_000 / 100)
}
