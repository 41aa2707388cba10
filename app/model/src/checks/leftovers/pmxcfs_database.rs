//! The database behind `/etc/pve` is sound and not too large.
//!
//! Needs: `sqlite3 -readonly` on `/var/lib/pve-cluster/config.db`: integrity, entries, size, names that occur twice.
//! Rule: damage or a double name fails, more than 64 MiB warns.
//! Why: pmxcfs does not start with such a database, often only after the next restart; it takes 128 MiB at most.
//! Source: pmxcfs(8); "found entry with duplicate name" of pmxcfs.

use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

/// More than this warns, in MiB.
const LARGE_MIB: u64 = 64;
const BYTES_PER_MIB: u64 = 1 << 20;

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::PmxcfsDatabase, node);
    let Some(database) = sheet.need(Source::Database, &node.host.database) else { return sheet.cell() };
    sheet.brief(database.entries);
    if database.integrity != "ok" {
        let finding = Finding::new(FindingCode::DatabaseDamaged).with("answer", &database.integrity);
        sheet.blame(Verdict::Fail, finding, Source::Database, |line| line.contains(&database.integrity));
    }
    if !database.doubles.is_empty() {
        let finding = Finding::new(FindingCode::DatabaseDoubles).with("entries", database.doubles.join(", "));
        sheet.blame(Verdict::Fail, finding, Source::Database, |line| database.doubles.iter().any(|one| one == line));
    }
    let mebibytes = database.bytes / BYTES_PER_MIB;
    if mebibytes > LARGE_MIB {
        let finding = Finding::new(FindingCode::DatabaseLarge).with("mebibytes", mebibytes).with("limit", LARGE_MIB);
        sheet.blame(Verdict::Warn, finding, Source::Database, |line| line.contains(&database.bytes.to_string()));
    }
    sheet.cell()
}
