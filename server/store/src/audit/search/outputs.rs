//! Entries by what a command printed. Outputs stand in no index: every entry of the period that meets the rest of the question is
//! read, so many for one answer, and the next page goes on from there.

use super::{Asked, Numbered, page, read, walk};
use crate::audit::lists::Lists;
use engine::ports::StoreError;
use model::audit::{AuditPage, Sought};
use sqlx::SqliteConnection;

/// Entries whose outputs are looked through for one answer at most, and how long these may be together, in bytes.
const ENTRIES_MAX: usize = 20_000;
const BYTES_MAX: usize = 32 * 1024 * 1024;
/// Entries that are read at once.
const AT_ONCE: usize = 500;

/// What may still be looked through for one answer, over all files.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Work {
    pub entries: usize,
    pub bytes: usize,
}

impl Default for Work {
    fn default() -> Self {
        Self { entries: ENTRIES_MAX, bytes: BYTES_MAX }
    }
}

impl Work {
    const fn is_done(self) -> bool {
        self.entries == 0 || self.bytes == 0
    }

    fn take(&mut self, (_, entry): &Numbered) {
        let output = entry.as_ref().and_then(|one| one.entry.output.as_ref()).map_or(0, String::len);
        self.entries = self.entries.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(output);
    }
}

/// A page of one file.
pub(super) async fn find(
    one: &mut SqliteConnection,
    (lists, asked): (Lists, &Asked),
    before: Option<i64>,
    sought: &Sought,
    shown: usize,
    work: &mut Work,
) -> Result<AuditPage, StoreError> {
    let (mut rows, mut before) = (Vec::new(), before);
    loop {
        let indexes = walk::newest(one, lists, asked, before, AT_ONCE).await?;
        for numbered in read(one, &indexes).await? {
            if work.is_done() {
                // This one is the first that the next page looks at.
                return Ok(AuditPage { cut: true, ..page(rows, Some(numbered.0.saturating_add(1))) });
            }
            work.take(&numbered);
            if !meets(&numbered, sought) {
                continue;
            }
            if rows.len() == shown {
                let last = rows.last().map(|(index, _)| *index);
                return Ok(page(rows, last));
            }
            rows.push(numbered);
        }
        // The oldest of them, be it there to be read or not.
        let Some(oldest) = indexes.iter().min().filter(|_| indexes.len() == AT_ONCE) else {
            return Ok(page(rows, None));
        };
        before = Some(*oldest);
    }
}

/// One whose bytes are no entry is not left out in silence.
fn meets((_, entry): &Numbered, sought: &Sought) -> bool {
    entry.as_ref().is_none_or(|one| one.entry.output.as_deref().is_some_and(|output| sought.is_in(output)))
}
