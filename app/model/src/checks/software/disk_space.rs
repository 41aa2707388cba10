//! The disks of `/var/lib/pve-cluster`, `/etc` and the logs have room.
//!
//! Needs: `df` of the three folders: free bytes, inodes in use.
//! Rule: less than 64 MiB or no inodes fail, less than 1 GiB warns.
//! Why: on a full disk pmxcfs cannot commit any more, and `/etc/pve` becomes read-only.
//! Source: pmxcfs(8); the limits are ours.

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

/// Less than this fails, in MiB.
const FREE_FAIL_MIB: u64 = 64;
/// Less than this warns, in MiB.
const FREE_WARN_MIB: u64 = 1_024;
const BYTES_PER_MIB: u64 = 1 << 20;
/// All inodes are in use.
const INODES_FULL_PERCENT: u8 = 100;

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::DiskSpace, node);
    let Some(disks) = sheet.need(Source::Disks, &node.host.disks) else { return sheet.cell() };
    match disks.iter().map(|disk| disk.free_bytes / BYTES_PER_MIB).min() {
        Some(least) => sheet.brief(format!("{least} MiB")),
        None => sheet.absent(),
    }
    for disk in disks {
        let mebibytes = disk.free_bytes / BYTES_PER_MIB;
        let guilty = |line: &str| line.split_whitespace().next() == Some(disk.place.as_str());
        let at = |code| Finding::new(code).with("place", &disk.place);
        if disk.inodes_used_percent == Some(INODES_FULL_PERCENT) {
            sheet.blame(Verdict::Fail, at(FindingCode::InodesGone), Source::Disks, guilty);
        }
        if mebibytes < FREE_FAIL_MIB {
            sheet.blame(Verdict::Fail, at(FindingCode::DiskFull).with("mebibytes", mebibytes), Source::Disks, guilty);
        } else if mebibytes < FREE_WARN_MIB {
            sheet.blame(Verdict::Warn, at(FindingCode::DiskLow).with("mebibytes", mebibytes), Source::Disks, guilty);
        }
    }
    sheet.cell()
}
