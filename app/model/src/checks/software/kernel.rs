//! The newest installed kernel runs, and the same one on all nodes.
//!
//! Needs: `pveversion` (the running kernel), `dpkg-query` (the installed ones).
//! Rule: a newer installed one warns, another one than a peer's warns.
//! Why: a restart that is pending comes at a bad moment later.
//! Source: a rule of this console.

use crate::checks::scene::Scene;
use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};
use std::cmp::Ordering;

pub fn judge(node: &NodeEvidence, scene: &Scene<'_>) -> Cell {
    let mut sheet = Sheet::new(CheckId::Kernel, node);
    let version = sheet.need(Source::Version, &node.version);
    let packages = sheet.need(Source::Packages, &node.host.packages);
    let (Some(version), Some(packages)) = (version, packages) else { return sheet.cell() };
    let installed = packages.keys().filter_map(|name| kernel_of(name)).max_by(|one, other| compare(one, other));
    let (Some(running), Some(newest)) = (version.kernel.as_deref(), installed) else {
        sheet.absent();
        return sheet.cell();
    };
    sheet.brief(running);
    if compare(newest, running) == Ordering::Greater {
        let finding = Finding::new(FindingCode::RebootPending).with("running", running).with("newest", newest);
        sheet.blame(Verdict::Warn, finding, Source::Packages, |line| line.contains(newest));
    }
    let other = |peer: &NodeEvidence| peer.version.as_ref().ok().and_then(|one| one.kernel.clone());
    if let Some((peer, kernel)) =
        scene.peers(node).filter_map(|peer| Some((peer, other(peer)?))).find(|(_, kernel)| kernel != running)
    {
        let finding = Finding::new(FindingCode::KernelDiffers).with("kernel", running).with("other", kernel);
        sheet.blame(Verdict::Warn, finding.with("peer", &peer.label), Source::Version, |line| line.contains(running));
    }
    sheet.cell()
}

/// `6.17.2-1-pve` of `proxmox-kernel-6.17.2-1-pve-signed`.
fn kernel_of(package: &str) -> Option<&str> {
    let rest = package.strip_prefix("proxmox-kernel-").or_else(|| package.strip_prefix("pve-kernel-"))?;
    let name = rest.strip_suffix("-signed").unwrap_or(rest);
    // `proxmox-kernel-6.17` only pulls the newest one in.
    name.ends_with("-pve").then_some(name)
}

/// By the numbers in the names, so that 6.8.12-15 is newer than 6.8.12-9.
fn compare(one: &str, other: &str) -> Ordering {
    let numbers = |text: &str| -> Vec<u64> {
        text.split(|char: char| !char.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
    };
    numbers(one).cmp(&numbers(other))
}
