//! Every node has a valid, final name of its own that resolves.
//!
//! Needs: `hostname`, `/etc/hostname`, `getent ahosts` of the name.
//! Rule: a bad name, a name that two nodes have, another name in `/etc/hostname`, and a name without an address fail.
//! Why: the name becomes the node's folder in `/etc/pve/nodes` and cannot change afterwards; a second node of the same
//! name would overwrite the first one's addresses in the live configuration.
//! Source: Proxmox VE, Cluster Manager, Preparing Nodes; the `pve-node` format.

use super::sheet::Sheet;
use crate::name::NodeName;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};
use crate::problem::Problem;

pub fn judge(node: &NodeEvidence, nodes: &[NodeEvidence]) -> Cell {
    let mut sheet = Sheet::new(CheckId::HostNames, node);
    let name = sheet.need(Source::HostName, &node.host_name);
    let file = sheet.need(Source::HostNameFile, &node.host_name_file);
    let resolved = sheet.need(Source::Resolve, &node.resolves_to);
    let Some(name) = name else {
        return sheet.cell();
    };
    sheet.brief(name);
    judge_syntax(&mut sheet, name);
    judge_unique(&mut sheet, node, name, nodes);
    if let Some(file) = file {
        judge_file(&mut sheet, name, file);
    }
    if resolved.is_some_and(std::collections::BTreeSet::is_empty) {
        sheet.note(Verdict::Fail, Finding::new(FindingCode::NameUnresolved).with("name", name));
    }
    sheet.cell()
}

fn judge_syntax(sheet: &mut Sheet<'_>, name: &str) {
    if let Err(error) = NodeName::try_from(name.to_owned()) {
        let problem = Problem::from(error).code.as_str();
        sheet.note(Verdict::Fail, Finding::new(FindingCode::NameInvalid).with("name", name).with("problem", problem));
        sheet.accuse(Source::HostName, |line| line.contains(name));
    }
}

fn judge_unique(sheet: &mut Sheet<'_>, node: &NodeEvidence, name: &str, nodes: &[NodeEvidence]) {
    let same = |peer: &&NodeEvidence| {
        peer.node != node.node && peer.host_name.as_ref().is_ok_and(|other| other.eq_ignore_ascii_case(name))
    };
    // Two nodes of one name have one label as well; the address tells them apart.
    for peer in nodes.iter().filter(same) {
        let known_as = peer.management.map_or_else(|| peer.label.clone(), |address| address.to_string());
        sheet.note(Verdict::Fail, Finding::new(FindingCode::NameTwice).with("name", name).with("peer", known_as));
        sheet.accuse(Source::HostName, |line| line.contains(name));
    }
}

/// The running name and the one after the next start must be the same.
fn judge_file(sheet: &mut Sheet<'_>, name: &str, file: &str) {
    let mut lines = file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let Some(written) = lines.next() else {
        sheet.absent();
        return;
    };
    // Proxmox VE itself cuts the domain off.
    if written.split('.').next() != Some(name) {
        sheet.note(Verdict::Fail, Finding::new(FindingCode::NameFileDiffers).with("name", name).with("file", written));
        sheet.accuse(Source::HostNameFile, |line| line.contains(written));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::fixture::{guilty, has, healthy, lost, params};

    #[test]
    fn different_valid_names_pass() {
        let nodes = [healthy(11, true), healthy(12, false)];
        let cell = judge(&nodes[0], &nodes);
        assert_eq!((cell.verdict, cell.brief.as_deref()), (Verdict::Pass, Some("alder11")));
    }

    #[test]
    fn a_name_that_two_nodes_have_fails_on_both() {
        let mut nodes = [healthy(11, true), healthy(12, false)];
        nodes[1].host_name = Ok("ALDER11".into());
        nodes[1].host_name_file = Ok("ALDER11\n".into());
        let cells: Vec<Cell> = nodes.iter().map(|node| judge(node, &nodes)).collect();
        assert!(cells.iter().all(|cell| cell.verdict == Verdict::Fail));
        assert_eq!(params(&cells[0], FindingCode::NameTwice)["peer"], "10.0.1.12");
    }

    #[test]
    fn bad_changed_and_unresolved_names_fail() {
        let mut node = healthy(11, true);
        node.host_name = Ok("bad_name".into());
        node.resolves_to = Ok(std::collections::BTreeSet::new());
        let cell = judge(&node, std::slice::from_ref(&node));
        assert_eq!(params(&cell, FindingCode::NameInvalid)["problem"], "name_character");
        assert_eq!(params(&cell, FindingCode::NameFileDiffers)["file"], "alder11");
        assert!(has(&cell, FindingCode::NameUnresolved));
        assert_eq!(guilty(&cell), ["alder11"], "the line of /etc/hostname");
    }

    #[test]
    fn the_domain_in_the_file_does_not_count() {
        let mut node = healthy(11, true);
        node.host_name_file = Ok("# by hand\nalder11.example.net\n".into());
        assert_eq!(judge(&node, std::slice::from_ref(&node)).verdict, Verdict::Pass);
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let node = lost(11);
        assert_eq!(judge(&node, std::slice::from_ref(&node)).verdict, Verdict::Error);
        let mut node = healthy(11, true);
        node.host_name_file = Ok("\n".into());
        assert_eq!(judge(&node, std::slice::from_ref(&node)).verdict, Verdict::Error, "an empty file is no pass");
    }
}
