//! All nodes run the same Proxmox VE version.
//!
//! Needs: `pveversion` of every node.
//! Rule: another major version fails, another minor one warns; before 8.4 fails, a major newer than 9 warns.
//! Why: HA and cluster reloads across versions are not supported; a newer CRM may write what an older one cannot read.
//! Source: Proxmox VE, Cluster Manager, Requirements; corosync-cfgtool(8), `-R`.

use super::sheet::Sheet;
use crate::facts::PveVersion;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};
use std::collections::BTreeMap;

/// The oldest version that the console changes; what is older is only read.
pub const OLDEST_SUPPORTED: (u32, u32) = (8, 4);
/// The newest major version with recorded answers.
pub const NEWEST_VERIFIED_MAJOR: u32 = 9;

pub fn judge(node: &NodeEvidence, nodes: &[NodeEvidence]) -> Cell {
    let mut sheet = Sheet::new(CheckId::SameVersion, node);
    let Some(version) = sheet.need(Source::Version, &node.version) else {
        return sheet.cell();
    };
    sheet.brief(version);
    judge_support(&mut sheet, version);
    match reference(nodes) {
        Some((other, peer)) if (other.major, other.minor) != (version.major, version.minor) => {
            let (verdict, code) = if other.major == version.major {
                (Verdict::Warn, FindingCode::VersionMinorDiffers)
            } else {
                (Verdict::Fail, FindingCode::VersionMajorDiffers)
            };
            sheet.note(
                verdict,
                Finding::new(code).with("version", version).with("other", other).with("peer", &peer.label),
            );
            accuse_version(&mut sheet);
        }
        _ => wait_for_others(&mut sheet, node, nodes),
    }
    sheet.cell()
}

fn judge_support(sheet: &mut Sheet<'_>, version: &PveVersion) {
    if (version.major, version.minor) < OLDEST_SUPPORTED {
        let oldest = format!("{}.{}", OLDEST_SUPPORTED.0, OLDEST_SUPPORTED.1);
        sheet.note(
            Verdict::Fail,
            Finding::new(FindingCode::VersionUnsupported).with("version", version).with("oldest", oldest),
        );
        accuse_version(sheet);
    } else if version.major > NEWEST_VERIFIED_MAJOR {
        let finding = Finding::new(FindingCode::VersionNotVerified)
            .with("version", version)
            .with("newest", NEWEST_VERIFIED_MAJOR);
        sheet.note(Verdict::Warn, finding);
        accuse_version(sheet);
    }
}

fn accuse_version(sheet: &mut Sheet<'_>) {
    sheet.accuse(Source::Version, |line| line.contains("pve-manager"));
}

/// What most nodes run; where that is undecided, what the first node runs, because the cluster is created there.
fn reference(nodes: &[NodeEvidence]) -> Option<(&PveVersion, &NodeEvidence)> {
    let known = || nodes.iter().filter_map(|node| node.version.as_ref().ok().map(|version| (version, node)));
    let mut counts: BTreeMap<(u32, u32), (usize, bool)> = BTreeMap::new();
    for (version, node) in known() {
        let slot = counts.entry((version.major, version.minor)).or_default();
        slot.0 += 1;
        slot.1 |= node.first;
    }
    let (most, _) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    known().find(|(version, _)| (version.major, version.minor) == most)
}

/// One version alone is the same as nothing.
fn wait_for_others(sheet: &mut Sheet<'_>, node: &NodeEvidence, nodes: &[NodeEvidence]) {
    let mut others = nodes.iter().filter(|peer| peer.node != node.node).peekable();
    if others.peek().is_some() && others.all(|peer| peer.version.is_err()) {
        for peer in nodes.iter().filter(|peer| peer.node != node.node) {
            sheet.wait_for(peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::fixture::{has, healthy, lost, params, version};

    fn judged(versions: &[(u32, u32, u32)]) -> Vec<Cell> {
        let mut nodes: Vec<NodeEvidence> = (11u8..).zip(versions).map(|(n, _)| healthy(n, n == 11)).collect();
        for (node, (major, minor, patch)) in nodes.iter_mut().zip(versions) {
            node.version = Ok(version(*major, *minor, *patch));
        }
        nodes.iter().map(|node| judge(node, &nodes)).collect()
    }

    #[test]
    fn patches_may_differ() {
        let cells = judged(&[(9, 2, 11), (9, 2, 9), (9, 2, 11)]);
        assert!(cells.iter().all(|cell| cell.verdict == Verdict::Pass), "{cells:?}");
        assert_eq!(cells[1].brief.as_deref(), Some("9.2.9"));
    }

    #[test]
    fn the_odd_one_out_is_named_and_its_line_quoted() {
        let cells = judged(&[(8, 4, 1), (9, 2, 11), (9, 2, 11)]);
        assert_eq!(cells[0].verdict, Verdict::Fail);
        assert_eq!(params(&cells[0], FindingCode::VersionMajorDiffers)["other"], "9.2.11");
        assert!(cells[0].evidence.iter().any(|one| one.lines.iter().any(|line| line.guilty)));
        assert_eq!(cells[1].verdict, Verdict::Pass);
        assert_eq!(judged(&[(9, 1, 0), (9, 2, 0)])[1].verdict, Verdict::Warn, "undecided: the first node counts");
    }

    #[test]
    fn old_and_unseen_versions_say_so() {
        assert!(has(&judged(&[(7, 4, 3)])[0], FindingCode::VersionUnsupported));
        assert_eq!(judged(&[(8, 3, 9), (8, 3, 9)])[0].verdict, Verdict::Fail);
        assert_eq!(judged(&[(8, 4, 0), (8, 4, 0)])[0].verdict, Verdict::Pass);
        let newer = judged(&[(10, 0, 1), (10, 0, 1)]);
        assert_eq!(newer[0].verdict, Verdict::Warn);
        assert!(has(&newer[0], FindingCode::VersionNotVerified));
    }

    #[test]
    fn a_missing_version_is_an_error_and_the_other_waits() {
        let nodes = [healthy(11, true), lost(12)];
        let silent = judge(&nodes[1], &nodes);
        assert_eq!(silent.verdict, Verdict::Error);
        assert_eq!(params(&silent, FindingCode::EvidenceMissing)["problem"], "unreachable");
        assert_eq!(judge(&nodes[0], &nodes).verdict, Verdict::Skipped);
    }
}
