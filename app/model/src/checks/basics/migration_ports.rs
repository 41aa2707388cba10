//! The ports of live migration refuse and are not swallowed.
//!
//! Needs: the probe's TCP 60000 to every peer.
//! Rule: refused or open passes, silence warns.
//! Why: while no migration runs nothing listens there, so a host that is reached refuses; silence is a firewall.
//! Source: Proxmox VE, Firewall, "Ports used by Proxmox VE" (60000-60050).

use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::facts::TcpProbe;
use crate::preflight::probe_plan::{PORT_MIGRATION, local, own_address};
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};
use std::net::SocketAddr;

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::MigrationPorts, node);
    let Some(report) = sheet.need(Source::Probe, &node.probe) else { return sheet.cell() };
    let (mut asked, mut heard) = (0, 0);
    for peer in scene.peers(node) {
        let Some(address) = own_address(peer).filter(|one| local(peer, *one).is_some()) else {
            sheet.wait_for(peer);
            continue;
        };
        asked += 1;
        let target = SocketAddr::new(address, PORT_MIGRATION).to_string();
        match report.tcp.get(&target) {
            Some(TcpProbe::Open { .. } | TcpProbe::Refused) => heard += 1,
            Some(TcpProbe::Timeout | TcpProbe::Failed { .. }) => {
                let finding = Finding::new(FindingCode::MigrationPortSilent).with("peer", &peer.label);
                let finding = finding.with("address", address);
                sheet.blame(Verdict::Warn, finding, Source::Probe, |line| line.contains(&target));
            }
            None => sheet.absent(),
        }
    }
    sheet.brief(format!("{heard}/{asked}"));
    sheet.cell()
}
