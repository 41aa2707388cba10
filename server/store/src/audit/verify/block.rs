//! A block of rows as a few values, one for each column: what the database says of them, and what it must say.

use super::super::derived::Derived;
use super::Range;
use super::index::Expected;
use crate::codec::{db, signed};
use engine::audit::chain::{self, HASH_BYTES, Hash};
use engine::ports::StoreError;
use serde_json::de::{Deserializer, StrRead, StreamDeserializer};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

/// Ends a value; no entry holds it, for JSON writes it in another way, and between two entries it means nothing.
const END: u8 = b'\n';
/// Stands for no value in a column; those that have one are counted.
const NOTHING: &str = "-";
/// Columns of values that are told apart by [`END`].
const COLUMNS: usize = 4;
/// Rows whose values are printed together, so that they are still at hand when they are compared.
const PART_ROWS: u64 = 250;
/// Columns of what [`ENTRIES`] says, and of what [`FOUND`] does.
const ROWS: usize = 0;
const HASHES: usize = 1;
const PREVIOUS: usize = 2;
const HASH: usize = 3;
const BYTES: usize = 4;
const STARTED: usize = 1;
const AT: usize = 2;
const CODE: usize = 3;
const CLOSES: usize = 4;

/// Hashes follow each other without anything between them: each is as long as it must be, which is counted, and all of them are
/// together. Of the other columns each row prints a value, be it only a sign that it has none: so many values as rows are the
/// rows' own. Both tables are read in the order of their index; in any other one nothing would fit.
const ENTRIES: &str =
    "SELECT count(*), sum(length(prev) = 32 AND length(hash) = 32), CAST(group_concat(prev, '') AS BLOB),
    CAST(group_concat(hash, '') AS BLOB), group_concat(ifnull(bytes, '-'), char(10)) FROM audit WHERE idx > ";
const FOUND: &str = "SELECT count(*), count(started), group_concat(ifnull(at, '-'), char(10)),
    group_concat(ifnull(code, '-'), char(10)), group_concat(ifnull(started, '-'), char(10)) FROM audit_found WHERE idx > ";

/// The last hash when every row of the block is exactly what it must be, and then what is derived from them is noted; `None` when
/// a closer look is needed, be it only because a value holds the sign that ends one here.
pub(super) async fn same(
    one: &mut SqliteConnection,
    range: Range,
    previous: &Hash,
    expected: &mut Expected,
) -> Result<Option<Hash>, StoreError> {
    let parts = parts(range);
    let rows = printed(&parts)?.build().fetch_all(one).await.map_err(db)?;
    let (rows, mut head, mut all) = (rows.as_chunks().0, *previous, Vec::with_capacity(parts.len()));
    if rows.len() != parts.len() {
        return Ok(None);
    }
    for (part, rows) in parts.iter().zip(rows) {
        let read = Printed::of(rows, *part).and_then(|printed| printed.compare(*part, head));
        let Some((last, entries)) = read else { return Ok(None) };
        head = last;
        all.push(entries);
    }
    (range.after + 1..).zip(all.iter().flatten()).for_each(|(index, derived)| expected.add(index, derived));
    Ok(Some(head))
}

fn parts(range: Range) -> Vec<Range> {
    let step = usize::try_from(PART_ROWS).unwrap_or(usize::MAX);
    let parts = (range.after..range.last).step_by(step);
    parts.map(|after| Range { after, last: range.last.min(after + PART_ROWS) }).collect()
}

/// Two rows for each part.
fn printed(parts: &[Range]) -> Result<QueryBuilder<Sqlite>, StoreError> {
    let mut query = QueryBuilder::new("");
    for (number, part) in parts.iter().enumerate() {
        let (after, last) = (signed("index", part.after)?, signed("index", part.last)?);
        query.push(if number > 0 { " UNION ALL " } else { "" });
        query.push(ENTRIES).push_bind(after).push(" AND idx <= ").push_bind(last).push(" UNION ALL ");
        query.push(FOUND).push_bind(after).push(" AND idx <= ").push_bind(last);
    }
    Ok(query)
}

/// What the database says of as many rows as there must be.
struct Printed<'a> {
    previous: &'a [Hash],
    hashes: &'a [Hash],
    /// Bytes, times, codes and what they close: values that are told apart by [`END`].
    texts: [&'a str; COLUMNS],
    /// Rows that close another one.
    started: i64,
}

impl<'a> Printed<'a> {
    /// `None` where a row is missing, a hash has another length, or bytes are no text.
    fn of([entries, found]: &'a [SqliteRow; 2], range: Range) -> Option<Self> {
        let rows = i64::try_from(range.last - range.after).ok()?;
        let counted = |row: &SqliteRow, column: usize| row.try_get(column).ok() == Some(rows);
        if !counted(entries, ROWS) || !counted(entries, HASHES) || !counted(found, ROWS) {
            return None;
        }
        let text = |row: &'a SqliteRow, column: usize| row.try_get(column).ok();
        let texts = [text(entries, BYTES)?, text(found, AT)?, text(found, CODE)?, text(found, CLOSES)?];
        let started = found.try_get(STARTED).ok()?;
        Some(Self { previous: hashes(entries, PREVIOUS, rows)?, hashes: hashes(entries, HASH, rows)?, texts, started })
    }

    fn compare(&self, range: Range, mut head: Hash) -> Option<(Hash, Vec<Derived<'a>>)> {
        let mut columns = self.texts.map(|text| Values(Some(text)));
        let [bytes, ..] = self.texts;
        let mut entries = Entries::of(bytes);
        let mut all = Vec::with_capacity(self.hashes.len());
        for (index, (previous, hash)) in (range.after + 1..).zip(self.previous.iter().zip(self.hashes)) {
            let mut values = [""; COLUMNS];
            for (value, column) in values.iter_mut().zip(&mut columns) {
                *value = column.next()?;
            }
            let [bytes, at, code, started] = values;
            let derived = entries.next_in(bytes)?;
            let next = chain::entry_hash(&head, bytes.as_bytes(), index);
            let chained = *previous == head && *hash == next;
            if !chained || at.parse() != Ok(derived.at()) || code != derived.code.as_str() {
                return None;
            }
            if !is_told(started, derived.started()) {
                return None;
            }
            head = next;
            all.push(derived);
        }
        let closing = all.iter().filter(|one| one.started().is_some()).count();
        let is_whole =
            columns.iter_mut().all(|column| column.next().is_none()) && i64::try_from(closing) == Ok(self.started);
        is_whole.then_some((head, all))
    }
}

/// What is derived from the entries of a column. They are read by one reader: each with its own would ask for memory anew for
/// every text in which something is written in another way.
struct Entries<'a> {
    read: StreamDeserializer<'a, StrRead<'a>, Derived<'a>>,
    /// Where the next one begins.
    at: usize,
}

impl<'a> Entries<'a> {
    fn of(column: &'a str) -> Self {
        Self { read: Deserializer::from_str(column).into_iter(), at: 0 }
    }

    /// Of the value that comes next; `None` unless all of it is one entry.
    fn next_in(&mut self, value: &str) -> Option<Derived<'a>> {
        let derived = self.read.next()?.ok()?;
        let end = self.at + value.len();
        self.at = end + 1;
        (self.read.byte_offset() == end).then_some(derived)
    }
}

/// The values of a column.
struct Values<'a>(Option<&'a str>);

impl<'a> Iterator for Values<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.0.take()?;
        let Some(end) = memchr::memchr(END, text.as_bytes()) else { return Some(text) };
        let (value, rest) = text.split_at_checked(end)?;
        self.0 = rest.get(1..);
        Some(value)
    }
}

fn hashes(row: &SqliteRow, column: usize, rows: i64) -> Option<&[Hash]> {
    let (hashes, rest) = row.try_get::<&[u8], _>(column).ok()?.as_chunks::<HASH_BYTES>();
    (rest.is_empty() && i64::try_from(hashes.len()) == Ok(rows)).then_some(hashes)
}

fn is_told(printed: &str, number: Option<i64>) -> bool {
    match number {
        Some(number) => printed.parse() == Ok(number),
        None => printed == NOTHING,
    }
}
