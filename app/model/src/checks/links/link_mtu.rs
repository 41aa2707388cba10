//! Packets of the interface's whole size pass between any two nodes.
//!
//! Needs: the probe's echo requests of the whole MTU that must not be cut up, `ip -d -j link` and `ip -j addr` of every node.
//! Rule: if none comes back while small ones do, it fails; another MTU than the peer's warns.
//! Why: with hosts at 9000 on a path of 1500 corosync connects its links and then gathers for ever.
//! Source: knet ("possible MTU misconfiguration detected"); seen with corosync 3.1.7.

use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::preflight::probe_plan::local;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};
use std::net::IpAddr;

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::LinkMtu, node);
    let ready = sheet.need(Source::Addresses, &node.addresses).is_some()
        & sheet.need(Source::Interfaces, &node.interfaces).is_some();
    let Some(report) = sheet.need(Source::Probe, &node.probe).filter(|_| ready) else { return sheet.cell() };
    let ways = scene.ways(node);
    if ways.is_empty() && scene.peers(node).next().is_some() {
        sheet.skip(FindingCode::NoSharedNetwork);
    }
    for way in ways {
        let mtu = mtu_at(node, way.own);
        if let Some(mtu) = mtu {
            sheet.brief(mtu);
        }
        for (peer, address) in way.peers {
            if peer.probe.is_err() {
                sheet.wait_for(peer);
                continue;
            }
            let key = address.to_string();
            let small = report.pings.get(&key).is_some_and(|pings| pings.received > 0);
            match report.whole.get(&key).filter(|whole| whole.sent > 0) {
                None => sheet.absent(),
                Some(_) if !small => {
                    let waits = Finding::new(FindingCode::WaitsForOther).with("check", CheckId::LinkLoss.as_str());
                    sheet.note(Verdict::Skipped, waits);
                }
                Some(whole) if whole.received == 0 => {
                    let finding = Finding::new(FindingCode::MtuBlocked).with("peer", &peer.label);
                    let start = format!("whole {key} ");
                    let finding = finding.with("address", &key).with("bytes", whole.bytes);
                    sheet.blame(way.weight, finding, Source::Probe, |line| line.starts_with(&start));
                }
                Some(_) => {}
            }
            if let (Some(mtu), Some(other)) = (mtu, mtu_at(peer, address).filter(|other| Some(*other) != mtu)) {
                let finding = Finding::new(FindingCode::MtuDiffers).with("mtu", mtu).with("other", other);
                sheet.note(Verdict::Warn, finding.with("peer", &peer.label));
            }
        }
    }
    sheet.cell()
}

fn mtu_at(node: &NodeEvidence, address: IpAddr) -> Option<u32> {
    let name = &local(node, address)?.interface;
    node.interfaces.as_ref().ok()?.iter().find(|one| one.name == *name).map(|one| one.mtu)
}
