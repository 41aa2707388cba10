//! The whole audit: what is in the database, and before it the archived parts, each read as the database is.
//!
//! What cannot be read is never left out in silence: a page names it, and a single entry is refused.

use super::search::{self, Work};
use super::verify;
use crate::SqliteStore;
use crate::archive;
use engine::audit::segment::{first_gap, judge};
use engine::ports::StoreError;
use model::audit::{AuditFilter, AuditPage, COUNT_MAX, ChainState, ChainedEntry};
use model::segment::{Segment, SegmentFault, Unread};
use std::time::Instant;

/// Newest first, over all parts.
pub(super) async fn find(store: &SqliteStore, filter: &AuditFilter, limit: u32) -> Result<AuditPage, StoreError> {
    find_within(store, filter, limit, Work::default()).await
}

/// The same, looking through so many outputs at most.
pub(super) async fn find_within(
    store: &SqliteStore,
    filter: &AuditFilter,
    limit: u32,
    mut work: Work,
) -> Result<AuditPage, StoreError> {
    let began = Instant::now();
    let limit = limit.clamp(1, search::PAGE_MAX);
    let page = search::find(store, filter, limit, &mut work).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let cut_at = page.next.filter(|_| page.cut);
    let mut found = Found { filter, limit, more: page.next.is_some(), cut_at, page };
    for one in store.segments.all().iter().rev() {
        if let Err(unread) = found.go_on(store, one, &mut work).await? {
            found.page.unread.push(unread);
        }
    }
    let mut page = found.page;
    page.next = found.cut_at.or(if found.more { oldest(&page) } else { None });
    if filter.sought().is_some() {
        // Nobody knows what stands in outputs that were not looked through.
        page.total = u64::try_from(rows(&page)).unwrap_or(u64::MAX);
        page.more = page.next.is_some() || filter.before.is_some();
    }
    page.millis = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
    Ok(page)
}

/// A page while it is put together.
struct Found<'a> {
    filter: &'a AuditFilter,
    limit: usize,
    /// There is another page.
    more: bool,
    /// Where it goes on, if this one ends before it is full.
    cut_at: Option<u64>,
    page: AuditPage,
}

impl Found<'_> {
    /// Goes on into an older part, as far as the page or the count still needs it.
    async fn go_on(
        &mut self,
        store: &SqliteStore,
        one: &Segment,
        work: &mut Work,
    ) -> Result<Result<(), Unread>, StoreError> {
        if let Err(unread) = store.segments.standing(one) {
            return Ok(Err(unread));
        }
        let left = self.limit.saturating_sub(rows(&self.page));
        let before = self.filter.before.is_none_or(|before| before > one.first);
        let shows = before && !self.page.cut && (left > 0 || !self.more);
        let everything = is_everything(self.filter);
        if everything {
            // Indexes have no gaps.
            self.page.total += one.entries();
        }
        if !shows && (everything || self.page.more || self.filter.sought().is_some()) {
            return Ok(Ok(()));
        }
        let part = match read(store, one, self.filter, left.max(1), work).await? {
            Ok(part) => part,
            Err(unread) => {
                if everything {
                    self.page.total -= one.entries();
                }
                return Ok(Err(unread));
            }
        };
        if !everything {
            let total = self.page.total.saturating_add(part.total);
            self.page.more |= part.more || total > COUNT_MAX;
            self.page.total = total.min(COUNT_MAX);
        }
        self.more |= part.next.is_some() || (left == 0 && rows(&part) > 0);
        // What is found beyond a full page comes with the next one, which begins behind this page's last entry.
        if part.cut && (left > 0 || rows(&part) == 0) {
            (self.page.cut, self.cut_at) = (true, part.next);
        }
        if left > 0 {
            self.page.entries.extend(part.entries);
            self.page.unreadable.extend(part.unreadable);
        }
        Ok(Ok(()))
    }
}

/// Entries on a page, those among them that cannot be read.
const fn rows(page: &AuditPage) -> usize {
    page.entries.len() + page.unreadable.len()
}

/// The cursor of the page behind this one.
fn oldest(page: &AuditPage) -> Option<u64> {
    let entry = page.entries.last().map(|entry| entry.index);
    entry.into_iter().chain(page.unreadable.last().copied()).min()
}

async fn read(
    store: &SqliteStore,
    one: &Segment,
    filter: &AuditFilter,
    limit: usize,
    work: &mut Work,
) -> Result<Result<AuditPage, Unread>, StoreError> {
    let part = match store.segments.open(one).await {
        Ok(part) => part,
        Err(unread) => return Ok(Err(unread)),
    };
    let limit = u32::try_from(limit).unwrap_or(search::PAGE_MAX);
    readable(one, search::find(&part, filter, limit, work).await)
}

/// A file that fails while it is read is one that cannot be read; everything else is an error as ever.
fn readable<T>(one: &Segment, read: Result<T, StoreError>) -> Result<Result<T, Unread>, StoreError> {
    match read {
        Ok(value) => Ok(Ok(value)),
        Err(StoreError::Database { .. } | StoreError::Corrupt { .. }) => {
            Ok(Err(Unread::of(one, SegmentFault::Unreadable)))
        }
        Err(error) => Err(error),
    }
}

fn is_everything(filter: &AuditFilter) -> bool {
    AuditFilter { before: None, ..filter.clone() } == AuditFilter::default()
}

/// One entry, wherever it is.
pub(super) async fn entry(store: &SqliteStore, index: u64) -> Result<ChainedEntry, StoreError> {
    let Some(one) = store.segments.holding(index) else { return super::entry_of(store, index).await };
    let part = store.segments.open(one).await.map_err(StoreError::Unread)?;
    readable(one, super::entry_of(&part, index).await)?.map_err(StoreError::Unread)
}

/// Every archived part from the index on, and then the database. `hash` is the hash (in hex) of the entry `index`.
pub(super) async fn verify_after(store: &SqliteStore, index: u64, hash: &str) -> Result<ChainState, StoreError> {
    let all = store.segments.all();
    let entries = verify::entries(store).await?;
    let lost =
        |one: &Segment, fault| ChainState::Lost { unread: Unread::of(one, fault), entries, verified_at: store.now() };
    if let Some(one) = first_gap(all) {
        return Ok(lost(one, SegmentFault::NotNext));
    }
    let (mut after, mut head) = (index, hash.to_owned());
    for one in all.iter().filter(|one| one.last > index) {
        match part_after(store, one, after, &head).await? {
            Ok(()) => (after, head) = (one.last, one.head.clone()),
            Err(Fault::Known) => return Ok(ChainState::Broken { at_index: index, entries, verified_at: store.now() }),
            Err(Fault::Part(fault)) => return Ok(lost(one, fault)),
        }
    }
    let first = store.segments.last().saturating_add(1);
    if !all.is_empty() && entries < first {
        // A part is never closed without the entry that tells of it.
        return Ok(ChainState::Broken { at_index: first, entries, verified_at: store.now() });
    }
    verify::verify(store, after, &head).await
}

enum Fault {
    /// The entry from which on it was to be read is another one.
    Known,
    Part(SegmentFault),
}

/// One archived part: what was signed, the bytes of its file, and its chain from an index on.
async fn part_after(
    store: &SqliteStore,
    one: &Segment,
    after: u64,
    hash: &str,
) -> Result<Result<(), Fault>, StoreError> {
    if let Err(unread) = store.segments.standing(one) {
        return Ok(Err(Fault::Part(unread.fault)));
    }
    let path = store.segments.path(one);
    if let Err(fault) = judge(one, None) {
        return Ok(Err(Fault::Part(fault)));
    }
    if archive::statement_beside(&path).as_ref() != Some(one) {
        return Ok(Err(Fault::Part(SegmentFault::Statement)));
    }
    match archive::digest(&path).await? {
        Some((bytes, digest)) if bytes == one.bytes && digest == one.digest => {}
        Some(_) => return Ok(Err(Fault::Part(SegmentFault::OtherFile))),
        None => return Ok(Err(Fault::Part(SegmentFault::Unreadable))),
    }
    let part = match store.segments.open(one).await {
        Ok(part) => part,
        Err(unread) => return Ok(Err(Fault::Part(unread.fault))),
    };
    if after >= one.first && super::hash_in(&part, after).await?.as_deref() != Some(hash) {
        return Ok(Err(Fault::Known));
    }
    chain(&part, one, after, hash).await
}

async fn chain(part: &SqliteStore, one: &Segment, after: u64, hash: &str) -> Result<Result<(), Fault>, StoreError> {
    let read = match readable(one, verify::verify(part, after, hash).await)? {
        Ok(state) => state,
        Err(unread) => return Ok(Err(Fault::Part(unread.fault))),
    };
    Ok(match read {
        ChainState::Whole { entries, head, .. } if entries == one.last && head == one.head => Ok(()),
        _ => Err(Fault::Part(SegmentFault::Broken)),
    })
}

impl SqliteStore {
    /// The archived parts of the audit, oldest first.
    #[must_use]
    pub fn archived(&self) -> &[Segment] {
        self.segments.all()
    }
}
