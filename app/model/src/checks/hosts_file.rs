//! `/etc/hosts` leads the node's own name to an address of its own.
//!
//! Needs: `getent ahosts` of the name, `ip -j addr`, `/etc/hosts` for the quotation.
//! Rule: no address, only loopback, or only foreign addresses fail; loopback beside a good one warns.
//! Why: pmxcfs does not start when the name leads to loopback only ("Unable to resolve node name ... to a non-loopback
//! IP address"), and a join refuses an address that is not local ("cannot use IP ..., not found on local node").
//! What counts is what the resolver answers, not what the file seems to say: DNS may answer, and order matters.
//! Source: pmxcfs; `assert_joinable` of pve-cluster; Proxmox VE, Cluster Manager.

use super::hosts_line::HostsLine;
use super::sheet::Sheet;
use crate::facts::InterfaceAddress;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};
use std::collections::BTreeSet;
use std::net::IpAddr;

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::HostsFile, node);
    let name = sheet.need(Source::HostName, &node.host_name);
    let file = sheet.need(Source::HostsFile, &node.hosts_file);
    let resolved = sheet.need(Source::Resolve, &node.resolves_to);
    let own = sheet.need(Source::Addresses, &node.addresses);
    let (Some(name), Some(file), Some(resolved)) = (name, file, resolved) else {
        return sheet.cell();
    };
    if file.trim().is_empty() || name.is_empty() {
        sheet.absent();
    }
    let (loopback, real): (BTreeSet<IpAddr>, BTreeSet<IpAddr>) = resolved.iter().partition(|one| one.is_loopback());
    if resolved.is_empty() {
        sheet.note(Verdict::Fail, Finding::new(FindingCode::NameUnresolved).with("name", name));
    }
    if !loopback.is_empty() {
        judge_loopback(&mut sheet, name, file, &loopback, real.is_empty());
    }
    if let Some(own) = own.filter(|_| !real.is_empty()) {
        judge_local(&mut sheet, name, file, &real, own);
    }
    sheet.cell()
}

fn judge_loopback(sheet: &mut Sheet<'_>, name: &str, file: &str, loopback: &BTreeSet<IpAddr>, only: bool) {
    let verdict = if only { Verdict::Fail } else { Verdict::Warn };
    let guilty = |line: &HostsLine<'_>| line.address.is_loopback() && line.names(name);
    let found = file.lines().filter_map(HostsLine::parse).find(|line| guilty(line));
    let address = loopback.iter().next().map(ToString::to_string).unwrap_or_default();
    let finding = match (found, only) {
        (Some(line), true) => Finding::new(FindingCode::HostsLoopbackLine).with("line", line.text),
        (None, true) => Finding::new(FindingCode::NameLoopback).with("address", &address),
        (_, false) => Finding::new(FindingCode::NameLoopbackToo).with("address", &address),
    };
    if only {
        sheet.brief(&address);
    }
    sheet.note(verdict, finding.with("name", name));
    sheet.accuse(Source::HostsFile, |line| HostsLine::parse(line).is_some_and(|line| guilty(&line)));
    sheet.accuse(Source::Resolve, |line| first_address(line).is_some_and(|one| one.is_loopback()));
}

fn judge_local(sheet: &mut Sheet<'_>, name: &str, file: &str, real: &BTreeSet<IpAddr>, own: &[InterfaceAddress]) {
    let is_own = |address: IpAddr| own.iter().any(|one| one.address == address);
    if let Some(address) = real.iter().find(|address| is_own(**address)) {
        sheet.brief(address);
        return;
    }
    let guilty = |line: &HostsLine<'_>| real.contains(&line.address) && line.names(name);
    let found = file.lines().filter_map(HostsLine::parse).find(|line| guilty(line));
    let address = real.iter().next().map(ToString::to_string).unwrap_or_default();
    let finding = match found {
        Some(line) => Finding::new(FindingCode::HostsWrongAddress).with("line", line.text),
        None => Finding::new(FindingCode::NameNotLocal),
    };
    sheet.brief(&address);
    sheet.note(Verdict::Fail, finding.with("name", name).with("address", &address));
    sheet.accuse(Source::HostsFile, |line| HostsLine::parse(line).is_some_and(|line| guilty(&line)));
    sheet.accuse(Source::Resolve, |line| first_address(line).is_some_and(|one| real.contains(&one)));
}

/// `getent ahosts` prints the address first.
fn first_address(line: &str) -> Option<IpAddr> {
    line.split_whitespace().next()?.split('%').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::fixture::{gone, guilty, has, healthy, lost, params, show};

    fn with(hosts: &str, resolved: &[&str]) -> NodeEvidence {
        let mut node = healthy(11, true);
        show(&mut node, Source::HostsFile, hosts);
        node.hosts_file = Ok(hosts.into());
        node.resolves_to = Ok(resolved.iter().map(|text| text.parse().unwrap()).collect());
        node
    }

    #[test]
    fn an_own_address_passes() {
        let cell = judge(&healthy(11, true));
        assert_eq!((cell.verdict, cell.brief.as_deref()), (Verdict::Pass, Some("10.0.1.11")));
    }

    #[test]
    fn the_installers_loopback_line_is_quoted() {
        let cell = judge(&with("127.0.0.1 localhost\n127.0.1.1  alder11.lan alder11\n", &["127.0.1.1"]));
        assert_eq!(cell.verdict, Verdict::Fail);
        assert_eq!(params(&cell, FindingCode::HostsLoopbackLine)["line"], "127.0.1.1  alder11.lan alder11");
        assert_eq!(guilty(&cell), ["127.0.1.1  alder11.lan alder11"]);
    }

    #[test]
    fn v6_loopback_is_the_same_trap() {
        let cell = judge(&with("::1 localhost alder11\n", &["::1"]));
        assert!(has(&cell, FindingCode::HostsLoopbackLine));
        assert!(
            has(&judge(&with("127.0.0.1 localhost\n", &["::1"])), FindingCode::NameLoopback),
            "a resolver may do so too"
        );
    }

    #[test]
    fn loopback_beside_a_real_address_only_warns() {
        let cell = judge(&with("127.0.1.1 alder11\n10.0.1.11 alder11\n", &["127.0.1.1", "10.0.1.11"]));
        assert_eq!((cell.verdict, cell.brief.as_deref()), (Verdict::Warn, Some("10.0.1.11")));
        assert_eq!(guilty(&cell), ["127.0.1.1 alder11"]);
    }

    #[test]
    fn a_foreign_address_fails_with_its_line() {
        let cell = judge(&with("10.0.1.99 alder11\n", &["10.0.1.99"]));
        assert_eq!(params(&cell, FindingCode::HostsWrongAddress)["address"], "10.0.1.99");
        assert!(has(&judge(&with("127.0.0.1 localhost\n", &["10.0.1.99"])), FindingCode::NameNotLocal), "from DNS");
    }

    #[test]
    fn a_name_without_an_address_fails() {
        let cell = judge(&with("127.0.0.1 localhost\n", &[]));
        assert_eq!(cell.verdict, Verdict::Fail);
        assert!(has(&cell, FindingCode::NameUnresolved));
    }

    #[test]
    fn missing_or_empty_files_are_errors() {
        assert_eq!(judge(&lost(11)).verdict, Verdict::Error);
        assert_eq!(judge(&with(" \n", &["10.0.1.11"])).verdict, Verdict::Error);
        let mut node = healthy(11, true);
        node.addresses = gone();
        assert_eq!(judge(&node).verdict, Verdict::Error);
    }
}
