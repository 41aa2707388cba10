//! No firewall keeps corosync out.
//!
//! Needs: `pve-firewall status`, `nft -j list ruleset`.
//! Rule: an input chain that drops, without a rule for UDP 5405-5412 and without Proxmox VE's own chains, fails;
//! chains of ufw, firewalld or Docker warn.
//! Why: Proxmox VE's firewall lets corosync through by itself, others do not know of it.
//! Source: Proxmox VE, Firewall, "Ports used by Proxmox VE".

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::Firewall, node);
    let enabled = sheet.need(Source::Firewall, &node.host.firewall);
    let rules = sheet.need(Source::Ruleset, &node.host.ruleset);
    if let Some(enabled) = enabled {
        sheet.brief(if *enabled { "pve-firewall" } else { "-" });
    }
    let Some(rules) = rules else { return sheet.cell() };
    if rules.drops_input && !rules.opens_corosync && !rules.by_pve {
        let finding = Finding::new(FindingCode::InputDropped);
        sheet.blame(Verdict::Fail, finding, Source::Ruleset, |line| line.contains("drop"));
    }
    if !rules.foreign.is_empty() {
        let names = rules.foreign.iter().cloned().collect::<Vec<_>>();
        let finding = Finding::new(FindingCode::ForeignFirewall).with("names", names.join(", "));
        sheet.blame(Verdict::Warn, finding, Source::Ruleset, |line| {
            names.iter().any(|name| line.to_ascii_lowercase().contains(name))
        });
    }
    sheet.cell()
}
