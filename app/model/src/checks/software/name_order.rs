//! The first address behind the node's name is of the kind that the links use.
//!
//! Needs: `getent ahosts` of the name, in its order.
//! Rule: an IPv6 address before an IPv4 one warns.
//! Why: programs take the first address; with links in IPv4 it leads elsewhere.
//! Source: Proxmox VE, Cluster Manager, "Corosync Addresses" (names that resolve to several addresses).

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::NameOrder, node);
    let Some(order) = sheet.need(Source::Resolve, &node.host.name_order) else { return sheet.cell() };
    let Some(first) = order.first() else {
        let waits = Finding::new(FindingCode::WaitsForOther).with("check", CheckId::HostNames.as_str());
        sheet.note(Verdict::Skipped, waits);
        return sheet.cell();
    };
    sheet.brief(first);
    if first.is_ipv6() && order.iter().any(|one| one.is_ipv4() && !one.is_loopback()) {
        let name = node.host_name.clone().unwrap_or_default();
        let text = first.to_string();
        let finding = Finding::new(FindingCode::Ipv6First).with("name", name).with("address", &text);
        sheet.blame(Verdict::Warn, finding, Source::Resolve, |line| line.contains(&text));
    }
    sheet.cell()
}
