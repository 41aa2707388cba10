//! chrony keeps the clock, and has little to correct.
//!
//! Needs: `chronyc -c tracking`, `systemctl is-active` of the time services.
//! Rule: no service, or chrony without a source fails; more than 50 ms to correct, or systemd-timesyncd alone, warns.
//! Why: a clock that nobody corrects drifts apart; timesyncd steps where chrony slews, which HA notices.
//! Source: Proxmox VE, Cluster Manager, Requirements; `pve8to9` asks for chrony instead of timesyncd; the limit is ours.

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};
use std::collections::BTreeMap;

/// More than this to correct warns, in milliseconds.
pub const OFFSET_WARN_MS: u64 = 50;
const MICROS_PER_MS: u64 = 1_000;

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::ClockService, node);
    let Some(services) = sheet.need(Source::Services, &node.host.services) else { return sheet.cell() };
    if !runs(services, "chrony") {
        let (verdict, code, name) = if runs(services, "ntpsec") || runs(services, "ntp") {
            // Another full service: its own tools would have to be asked, and the clock itself is measured anyway.
            sheet.brief("ntp");
            return sheet.cell();
        } else if runs(services, "systemd-timesyncd") {
            (Verdict::Warn, FindingCode::TimesyncdOnly, "systemd-timesyncd")
        } else {
            (Verdict::Fail, FindingCode::TimeServiceNone, "chrony")
        };
        sheet.blame(verdict, Finding::new(code), Source::Services, |line| line.contains(name));
        return sheet.cell();
    }
    let Some(tracking) = sheet.need(Source::TimeTracking, &node.host.time_tracking) else { return sheet.cell() };
    let millis = tracking.offset_us / MICROS_PER_MS;
    sheet.brief(format!("{millis} ms"));
    let all = |line: &str| !line.trim().is_empty();
    if !tracking.synchronised {
        sheet.blame(Verdict::Fail, Finding::new(FindingCode::ChronyNotSynchronised), Source::TimeTracking, all);
    } else if millis > OFFSET_WARN_MS {
        let finding = Finding::new(FindingCode::ChronyOffset).with("millis", millis);
        sheet.blame(Verdict::Warn, finding.with("limit_millis", OFFSET_WARN_MS), Source::TimeTracking, all);
    }
    sheet.cell()
}

/// A unit is active.
pub fn runs(services: &BTreeMap<String, String>, unit: &str) -> bool {
    services.get(unit).is_some_and(|state| state == "active")
}
