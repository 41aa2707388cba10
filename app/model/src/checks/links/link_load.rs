//! The links' interfaces are quiet and count no errors.
//!
//! Needs: `/proc/net/dev` before and after the probe, the interfaces' speeds, `ip -j addr`.
//! Rule: errors or drops that grow meanwhile warn; so does a use of more than half of the speed, where it is known.
//! Why: backups and storage on the same network push corosync's small packets aside.
//! Source: Proxmox VE, Cluster Manager, "Cluster Network" (no storage traffic beside corosync).

use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::preflight::probe_plan::local;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

/// Used more than this warns, in percent of the speed.
const BUSY_PERCENT: u64 = 50;
const BITS_PER_BYTE: u64 = 8;

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::LinkLoad, node);
    let addresses = sheet.need(Source::Addresses, &node.addresses).is_some();
    let Some(report) = sheet.need(Source::Probe, &node.probe).filter(|_| addresses) else { return sheet.cell() };
    let ways = scene.ways(node);
    if ways.is_empty() {
        sheet.skip(FindingCode::NoSharedNetwork);
    }
    let mut busiest = 0;
    for name in ways.iter().filter_map(|way| local(node, way.own)).map(|one| &one.interface) {
        let Some(traffic) = report.traffic.get(name) else {
            sheet.absent();
            continue;
        };
        let line = format!("traffic {name} ");
        let bad = traffic.errors.saturating_add(traffic.drops);
        if bad > 0 {
            let finding = Finding::new(FindingCode::CardErrors).with("interface", name).with("count", bad);
            sheet.blame(Verdict::Warn, finding, Source::Probe, |own| own.starts_with(&line));
        }
        let megabits = node.host.speeds.as_ref().ok().and_then(|all| all.get(name)?.megabits);
        let Some(most) =
            megabits.map(|speed| u64::from(speed) * 1_000 * u64::from(traffic.millis)).filter(|most| *most > 0)
        else {
            continue;
        };
        let percent = traffic.bytes.saturating_mul(BITS_PER_BYTE).saturating_mul(100) / most;
        busiest = busiest.max(percent);
        if percent > BUSY_PERCENT {
            let finding = Finding::new(FindingCode::CardBusy).with("interface", name).with("percent", percent);
            sheet.blame(Verdict::Warn, finding, Source::Probe, |own| own.starts_with(&line));
        }
    }
    sheet.brief(format!("{busiest} %"));
    sheet.cell()
}
