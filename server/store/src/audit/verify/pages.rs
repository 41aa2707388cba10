//! The pages of the full text itself: which entries it lists under each key, at a tenth of what a query for all of them costs.
//!
//! Their format stands at the head of `fts5_index.c` in SQLite's sources; files outlive libraries, so it stays. Here an index is
//! understood that only ever grew. Whatever else it says is left to a query, see [`super::index`].

use crate::SqliteStore;
use crate::codec::{db, get};
use engine::ports::StoreError;
use sqlx::SqliteConnection;
use std::collections::BTreeMap;

/// By key, the entries that are listed under it; one that has it twice is there twice.
pub(super) type Lists = BTreeMap<String, Vec<i64>>;

/// The row that names the segments.
const STRUCTURE_ROW: i64 = 10;
/// Pages that are read at once, one after the other in one value: each row has a price of its own.
const PAGES: i64 = 64;
const SQL: &str = "SELECT count(*) AS pages, ifnull(group_concat(length(block), ' '), '') AS lengths,
        ifnull(CAST(group_concat(block, '') AS BLOB), X'') AS bytes
    FROM (SELECT block FROM audit_index_data WHERE id BETWEEN ? AND ? ORDER BY id)";
/// The row of a page is its number, and from this bit on that of its segment.
const SEGMENT_BIT: u32 = 37;
/// Bytes before the number of levels, and of the header of a page.
const HEADER: usize = 4;
/// Begins another format of the structure, for indexes in which entries can be deleted.
const WITH_DELETIONS: [u8; 4] = [0xff, 0, 0, 1];
/// Begins every word of the index, as against prefixes that have one of their own.
const WORD: char = '0';
/// Stands among positions before the number of a column; the first one, `keys`, needs no number.
const COLUMN: u64 = 1;

/// Keys from the first word on and before the second; `None` where the pages are not understood.
pub(super) async fn lists(store: &SqliteStore, from: &str, until: &str) -> Result<Option<Lists>, StoreError> {
    let mut tx = store.read().await?;
    let structure: Option<Vec<u8>> = sqlx::query_scalar("SELECT block FROM audit_index_data WHERE id = ?")
        .bind(STRUCTURE_ROW)
        .fetch_optional(&mut *tx)
        .await
        .map_err(db)?;
    let Some(segments) = structure.and_then(|block| segments(&block)) else { return Ok(None) };
    let mut lists = Lists::new();
    for segment in segments {
        let Some(read) = read(&mut tx, segment, from, until).await? else { return Ok(None) };
        for (key, entries) in read {
            lists.entry(key).or_default().extend(entries);
        }
    }
    Ok(Some(lists))
}

/// The lists of one segment, from the page on on which the index itself would begin to look for the first of them.
async fn read(
    tx: &mut SqliteConnection,
    segment: Segment,
    from: &str,
    until: &str,
) -> Result<Option<Lists>, StoreError> {
    let mut walk = Walk::new(from, until);
    // The number of the page, and a bit that says whether it has a list that is long.
    let place: Option<i64> =
        sqlx::query_scalar("SELECT pgno FROM audit_index_idx WHERE segid = ? AND term <= ? ORDER BY term DESC LIMIT 1")
            .bind(i64::from(segment.id))
            .bind(walk.from.as_slice())
            .fetch_optional(&mut *tx)
            .await
            .map_err(db)?;
    let (base, last) = (i64::from(segment.id) << SEGMENT_BIT, i64::from(segment.last));
    let first = i64::from(segment.first).max(place.map_or(1, |place| place >> 1));
    let (mut next, last) = (base + first, base + last);
    while next <= last {
        let to = last.min(next + PAGES - 1);
        let row = sqlx::query(SQL).bind(next).bind(to).fetch_one(&mut *tx).await.map_err(db)?;
        if get::<i64>(&row, "pages")? != to - next + 1 {
            return Ok(None);
        }
        match walk.pages(get(&row, "lengths")?, get(&row, "bytes")?) {
            Some(true) => {}
            Some(false) => return Ok(Some(walk.lists)),
            None => return Ok(None),
        }
        next = to + 1;
    }
    Ok(walk.end_of_list().map(|()| walk.lists))
}

/// One of the parts that the index is merged from, and its pages.
struct Segment {
    id: u16,
    first: u32,
    last: u32,
}

fn segments(structure: &[u8]) -> Option<Vec<Segment>> {
    let mut at = HEADER;
    if structure.get(at..)?.starts_with(&WITH_DELETIONS) {
        return None;
    }
    let at = &mut at;
    let (levels, _segments, _writes): (u16, u64, u64) =
        (number(structure, at)?, number(structure, at)?, number(structure, at)?);
    let mut all = Vec::new();
    for _ in 0..levels {
        let (_merging, count): (u16, u16) = (number(structure, at)?, number(structure, at)?);
        for _ in 0..count {
            let (id, first, last) = (number(structure, at)?, number(structure, at)?, number(structure, at)?);
            all.push(Segment { id, first, last });
        }
    }
    Some(all)
}

/// Goes through the pages of a segment in their order.
struct Walk {
    from: Vec<u8>,
    until: Vec<u8>,
    lists: Lists,
    word: Vec<u8>,
    /// Of the word that is read; `None` where nobody asked for it.
    entries: Option<Vec<i64>>,
    /// The last entry of the list; `None` at its beginning.
    entry: Option<i64>,
    /// The places of the word in that entry, and how many bytes of them are still to come, maybe on the next page.
    places: Vec<u8>,
    missing: usize,
}

impl Walk {
    fn new(from: &str, until: &str) -> Self {
        let word = |key| format!("{WORD}{key}").into_bytes();
        Self {
            from: word(from),
            until: word(until),
            lists: Lists::new(),
            word: Vec::new(),
            entries: None,
            entry: None,
            places: Vec::new(),
            missing: 0,
        }
    }

    /// The same for pages that stand one after the other, with their lengths.
    fn pages(&mut self, lengths: &str, mut bytes: &[u8]) -> Option<bool> {
        for length in lengths.split(' ') {
            let (page, rest) = bytes.split_at_checked(length.parse().ok()?)?;
            if !self.page(page)? {
                return Some(false);
            }
            bytes = rest;
        }
        bytes.is_empty().then_some(true)
    }

    /// Whether there may be more behind this page; `None` where it is not understood.
    fn page(&mut self, page: &[u8]) -> Option<bool> {
        let &[a, b, c, d, ..] = page else { return None };
        let first_entry = usize::from(u16::from_be_bytes([a, b]));
        let (page, mut words) = Words::of(page, usize::from(u16::from_be_bytes([c, d])))?;
        let mut at = HEADER;
        let mut next_word = words.next();
        let mut is_first_word = true;
        while at < page.len() {
            if next_word == Some(at) {
                self.end_of_list()?;
                let kept = if is_first_word { 0 } else { number(page, &mut at)? };
                self.begin(kept, bytes(page, &mut at)?)?;
                if self.word >= self.until {
                    return Some(false);
                }
                (next_word, is_first_word) = (words.next(), false);
            } else if self.missing > 0 {
                let end = next_word.unwrap_or(page.len()).min(at + self.missing);
                self.places.extend(page.get(at..end).filter(|part| !part.is_empty())?);
                self.missing -= end - at;
                at = end;
                self.end_of_places()?;
            } else if self.entries.is_none() {
                at = next_word.unwrap_or(page.len());
            } else {
                // The first one of a list, and of a page, stands there as it is; the others say how far it is from the one before.
                let before = self.entry.filter(|_| at != first_entry).unwrap_or(0);
                self.entry = Some(before.checked_add(number(page, &mut at)?)?);
                let size: usize = number(page, &mut at)?;
                // One without places, or marked by the lowest bit, says that an entry is to be forgotten.
                self.missing = (size > 1 && size.is_multiple_of(2)).then_some(size / 2)?;
                // Nearly all have one place, in the first column, and it stands right here.
                let place = page.get(at).filter(|place| **place < 0x80 && u64::from(**place) != COLUMN);
                if self.missing == 1 && place.is_some() && next_word != Some(at) {
                    self.entries.as_mut()?.push(self.entry?);
                    (self.missing, at) = (0, at + 1);
                }
            }
        }
        Some(true)
    }

    fn begin(&mut self, kept: usize, rest: &[u8]) -> Option<()> {
        if kept > self.word.len() {
            return None;
        }
        self.word.truncate(kept);
        self.word.extend(rest);
        self.entry = None;
        self.entries = (self.word >= self.from && self.word < self.until).then(Vec::new);
        Some(())
    }

    fn end_of_places(&mut self) -> Option<()> {
        if self.missing > 0 {
            return Some(());
        }
        let (mut at, entry) = (0, self.entry?);
        while at < self.places.len() && number::<u64>(&self.places, &mut at)? != COLUMN {
            self.entries.as_mut()?.push(entry);
        }
        self.places.clear();
        Some(())
    }

    fn end_of_list(&mut self) -> Option<()> {
        if self.missing > 0 {
            return None;
        }
        if let Some(entries) = self.entries.take().filter(|entries| !entries.is_empty()) {
            let key = std::str::from_utf8(&self.word).ok()?.strip_prefix(WORD)?;
            self.lists.entry(key.to_owned()).or_default().extend(entries);
        }
        Some(())
    }
}

/// Where on a page words begin: each place by its distance from the one before, behind what the page holds.
struct Words<'a> {
    footer: &'a [u8],
    at: usize,
    place: usize,
}

impl<'a> Words<'a> {
    fn of(page: &'a [u8], end: usize) -> Option<(&'a [u8], Self)> {
        let (page, footer) = page.split_at_checked(end)?;
        Some((page, Self { footer, at: 0, place: 0 }))
    }
}

impl Iterator for Words<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.place = self.place.checked_add(number(self.footer, &mut self.at)?)?;
        Some(self.place)
    }
}

fn bytes<'a>(page: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let length: usize = number(page, at)?;
    let part = page.get(*at..)?.get(..length)?;
    *at += length;
    Some(part)
}

/// A number as SQLite packs it: seven bits in each byte, the highest ones first (sqlite.org/fileformat.html, 1.6). None is as
/// long here that its ninth byte would have eight.
fn number<T: TryFrom<u64>>(bytes: &[u8], at: &mut usize) -> Option<T> {
    let mut value: u64 = 0;
    for _ in 0..8 {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value = value << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return T::try_from(value).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::super::keys::Field;
    use super::super::index::asked;
    use super::*;
    use engine::ports::AuditStore as _;
    use model::audit::{AuditCode, AuditEntry, Outcome};
    use model::ids::OperationId;
    use uuid::Uuid;

    /// Rare values and frequent ones, words that look like keys, and names of every length.
    fn entry(number: u64) -> AuditEntry {
        let at = jiff::Timestamp::from_second(1_700_000_000).expect("time");
        let code = if number.is_multiple_of(7) { AuditCode::SignedIn } else { AuditCode::CommandFinished };
        let mut entry = AuditEntry::new(at, code, "x".repeat(1 + (number % 90) as usize), Outcome::Success);
        entry.operation = Some(OperationId::from_uuid(Uuid::from_u128(u128::from(number / 3))));
        entry.node = number.is_multiple_of(5).then(|| format!("pve{}", number * number % 1_013));
        entry.reason = Some(format!("qkeyw{:02x} qkeyw78 and {number}", number % 251));
        entry
    }

    #[tokio::test]
    async fn the_pages_say_what_the_index_answers() {
        let store = SqliteStore::open_in_memory().await.expect("open");
        let mut number = 0;
        // A part of the index for each batch; now and then parts are merged into one.
        for batch in [1, 2, 3_000, 5, 700, 1, 1, 1, 40, 1, 900, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 2_500] {
            let entries: Vec<AuditEntry> = (number..number + batch).map(entry).collect();
            number += batch;
            store.fill_audit(&entries).await.expect("filled");
            store.derive().await.expect("derived");
            for field in Field::ALL {
                let (from, until) = field.range();
                let mut read = lists(&store, &from, &until).await.expect("read").expect("understood");
                read.values_mut().for_each(|list| list.sort());
                assert_eq!(read, asked(&store, &from, &until).await.expect("asked"), "{field:?} after {number}");
            }
        }
    }

    #[test]
    fn what_is_cut_off_or_mixed_up_is_not_understood_and_never_a_panic() {
        let pages: [&[u8]; 5] = [b"", &[0, 0, 0, 9], &[0, 0, 0, 5, 0x80], &[0, 4, 0, 6, 1, 3, 200], &[0xff; 64]];
        for page in pages {
            for length in 0..=page.len() {
                let mut walk = Walk::new("qkey", "qkez");
                walk.entries = Some(Vec::new());
                assert_eq!(walk.page(&page[..length]), None, "{:?}", &page[..length]);
            }
        }
        assert!(segments(&[0; 3]).is_none() && segments(&[0, 0, 0, 0, 0xff, 0, 0, 1, 0]).is_none());
        assert!(segments(&[0, 0, 0, 0, 1, 1, 0, 0, 9]).is_none(), "there are fewer segments than it says");
    }
}
