//! Strict reverse path filtering does not meet two interfaces in one subnet.
//!
//! Needs: `sysctl net.ipv4.conf.all.rp_filter`, `ip -j addr`.
//! Rule: 1 (strict) with two interfaces in one subnet warns.
//! Why: what arrives at the interface that the kernel would not answer from is dropped.
//! Source: the kernel's ip-sysctl; a rule of this console.

use super::link_subnets::same_subnet;
use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

const SETTING: &str = "net.ipv4.conf.all.rp_filter";
/// The kernel's number for *strict*.
const STRICT: i64 = 1;

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::ReversePath, node);
    let addresses = sheet.need(Source::Addresses, &node.addresses);
    let settings = sheet.need(Source::Settings, &node.host.settings);
    let (Some(addresses), Some(settings)) = (addresses, settings) else { return sheet.cell() };
    let Some(filter) = settings.get(SETTING) else {
        sheet.absent();
        return sheet.cell();
    };
    sheet.brief(filter);
    let global: Vec<_> = addresses.iter().filter(|one| one.global && one.address.is_ipv4()).collect();
    let doubled = global.iter().enumerate().find_map(|(at, first)| {
        let other = |second: &&&crate::facts::InterfaceAddress| {
            first.interface != second.interface && same_subnet(first, second)
        };
        global.iter().skip(at + 1).find(other).map(|second| (first, second))
    });
    if let Some((first, second)) = doubled.filter(|_| *filter == STRICT) {
        let finding = Finding::new(FindingCode::StrictFilter).with("first", &first.interface);
        let finding = finding.with("second", &second.interface);
        sheet.blame(Verdict::Warn, finding, Source::Settings, |line| line.contains("rp_filter"));
    }
    sheet.cell()
}
