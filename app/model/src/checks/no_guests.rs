//! A joining node has no guests, and no node is in a cluster or has leftovers of one.
//!
//! Needs: the guests' configuration files, `/etc/pve/corosync.conf`, `/etc/corosync/corosync.conf`, `/etc/corosync/authkey`.
//! Rule: guests fail on a joiner and warn on the first node; a cluster configuration or a key fails everywhere.
//! Why: joining replaces `/etc/pve`, and guest ids of two nodes may collide ("this host already contains virtual guests");
//! a foreign key or configuration stops `pvecm`, and with `--force` it only warns and goes on.
//! Source: Proxmox VE, Cluster Manager, "Adding Nodes to the Cluster"; `assert_joinable` of pve-cluster.

use super::sheet::Sheet;
use crate::facts::GuestRef;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::NoGuests, node);
    judge_guests(&mut sheet, node);
    judge_traces(&mut sheet, node);
    sheet.cell()
}

fn judge_guests(sheet: &mut Sheet<'_>, node: &NodeEvidence) {
    let Some(guests) = sheet.need(Source::Guests, &node.guests) else {
        return;
    };
    sheet.brief(guests.len());
    if guests.is_empty() {
        return;
    }
    let (verdict, code) =
        if node.first { (Verdict::Warn, FindingCode::FirstHasGuests) } else { (Verdict::Fail, FindingCode::HasGuests) };
    let ids: Vec<String> = guests.iter().map(|guest| guest.vmid.to_string()).collect();
    sheet.note(verdict, Finding::new(code).with("count", ids.len()).with("guests", GuestRef::named(guests)));
    // `100` must not accuse a line about 1001.
    sheet.accuse(Source::Guests, |line| {
        line.split(|c: char| !c.is_ascii_digit()).any(|word| ids.iter().any(|id| id == word))
    });
}

fn judge_traces(sheet: &mut Sheet<'_>, node: &NodeEvidence) {
    let Some(traces) = sheet.need(Source::ClusterConfig, &node.traces) else {
        return;
    };
    let files: Vec<&str> =
        [(traces.pve_config, "/etc/pve/corosync.conf"), (traces.corosync_config, "/etc/corosync/corosync.conf")]
            .into_iter()
            .filter_map(|(there, file)| there.then_some(file))
            .collect();
    if !files.is_empty() {
        sheet.note(Verdict::Fail, Finding::new(FindingCode::InCluster).with("files", files.join(", ")));
        sheet.accuse(Source::ClusterConfig, |line| files.iter().any(|file| line.contains(file)));
    } else if traces.authkey {
        sheet.note(Verdict::Fail, Finding::new(FindingCode::LeftoverAuthkey));
        sheet.accuse(Source::ClusterConfig, |line| line.contains("authkey"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::fixture::{gone, guilty, has, healthy, lost, params, show};
    use crate::facts::GuestKind;
    use crate::preflight::ClusterTraces;

    fn with_guests(first: bool) -> NodeEvidence {
        let mut node = healthy(11, first);
        show(&mut node, Source::Guests, "/etc/pve/qemu-server/100.conf\n/etc/pve/lxc/1001.conf.old\n");
        node.guests = Ok(vec![GuestRef { vmid: 100, kind: GuestKind::Qemu }]);
        node
    }

    #[test]
    fn an_empty_node_passes() {
        let cell = judge(&healthy(11, false));
        assert_eq!((cell.verdict, cell.brief.as_deref()), (Verdict::Pass, Some("0")));
    }

    #[test]
    fn guests_fail_on_a_joiner_and_warn_on_the_first() {
        let joiner = judge(&with_guests(false));
        assert_eq!((joiner.verdict, joiner.brief.as_deref()), (Verdict::Fail, Some("1")));
        assert_eq!(params(&joiner, FindingCode::HasGuests)["guests"], "100");
        assert_eq!(guilty(&joiner), ["/etc/pve/qemu-server/100.conf"]);
        let first = judge(&with_guests(true));
        assert!(first.verdict == Verdict::Warn && has(&first, FindingCode::FirstHasGuests));
    }

    #[test]
    fn leftovers_of_a_cluster_fail() {
        let mut node = healthy(11, true);
        node.traces = Ok(ClusterTraces { pve_config: true, corosync_config: true, authkey: true });
        let cell = judge(&node);
        assert_eq!(
            params(&cell, FindingCode::InCluster)["files"],
            "/etc/pve/corosync.conf, /etc/corosync/corosync.conf"
        );
        node.traces = Ok(ClusterTraces { authkey: true, ..ClusterTraces::default() });
        assert!(judge(&node).verdict == Verdict::Fail && has(&judge(&node), FindingCode::LeftoverAuthkey));
    }

    #[test]
    fn unread_guests_or_leftovers_are_errors() {
        assert_eq!(judge(&lost(11)).verdict, Verdict::Error);
        let mut node = healthy(11, true);
        node.traces = gone();
        assert_eq!((judge(&node).verdict, judge(&node).brief.as_deref()), (Verdict::Error, Some("0")));
    }
}
