//! What a join does to a node's accounts is known before.
//!
//! Needs: `/etc/pve/user.cfg`, the number of realms in `domains.cfg`, whether `tfa.cfg` holds anything.
//! Rule: on a joiner accounts, tokens, groups, permissions, realms and second factors beyond a fresh installation warn.
//! Why: a join replaces them by the cluster's; afterwards the first node's passwords and second factors count.
//! Source: Proxmox VE, Cluster Manager, "Adding Nodes to the Cluster".

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::Users, node);
    let Some(accounts) = sheet.need(Source::Accounts, &node.host.accounts) else { return sheet.cell() };
    let lost: Vec<&str> = accounts.users.iter().chain(&accounts.tokens).map(String::as_str).collect();
    sheet.brief(lost.len());
    // The first node's are the ones that stay.
    if node.first {
        return sheet.cell();
    }
    if !lost.is_empty() {
        let finding = Finding::new(FindingCode::AccountsLost).with("accounts", lost.join(", "));
        sheet.blame(Verdict::Warn, finding, Source::Accounts, |line| lost.iter().any(|name| line.contains(name)));
    }
    if accounts.realms > 0 {
        let finding = Finding::new(FindingCode::RealmsLost).with("count", accounts.realms);
        sheet.note(Verdict::Warn, finding);
    }
    if accounts.second_factors {
        sheet.note(Verdict::Warn, Finding::new(FindingCode::SecondFactorsLost));
    }
    if accounts.rules > 0 {
        let finding = Finding::new(FindingCode::PermissionsLost).with("count", accounts.rules);
        sheet.blame(Verdict::Warn, finding, Source::Accounts, |line| {
            ["group:", "acl:", "pool:", "role:"].iter().any(|start| line.starts_with(start))
        });
    }
    sheet.cell()
}
