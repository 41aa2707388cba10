//! A block of rows as a few values, one for each column: what the database says of them, and what it must say.

use super::super::derived::Derived;
use super::Range;
use super::index::Expected;
use crate::SqliteStore;
use crate::codec::{db, signed};
use engine::audit::chain::{self, HASH_BYTES, Hash};
use engine::ports::StoreError;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

/// Ends a value; no entry holds it, for JSON writes it in another way.
const END: char = '\u{1e}';
/// Stands for no value in a column that may have none; [`SOMETHING`] stands before one.
const NOTHING: &str = "-";
const SOMETHING: char = '+';
/// Columns whose values are told apart by [`END`].
const COLUMNS: usize = 4;

/// Hashes follow each other without anything between them: each is as long as it must be, which is counted, and all of them are
/// together. Of the other columns each row prints a value, be it only a sign that it has none: so many values as rows are the
/// rows' own.
const SQL: &str = "SELECT count(*), sum(length(prev) = 32 AND length(hash) = 32),
        CAST(group_concat(prev, '') AS BLOB), CAST(group_concat(hash, '') AS BLOB),
        group_concat(ifnull(at, '-'), char(30)), group_concat(ifnull(code, '-'), char(30)),
        group_concat(ifnull('+' || started, '-'), char(30)), group_concat(ifnull(bytes, '-'), char(30))
    FROM (SELECT prev, hash, at, code, started, bytes FROM audit AS a JOIN audit_found AS f ON f.idx = a.idx
        WHERE a.idx > ? AND a.idx <= ? ORDER BY a.idx)";

/// The last hash when every row of the block is exactly what it must be, and then what is derived from them is noted; `None` when
/// a closer look is needed, be it only because a value holds the sign that ends one here.
pub(super) async fn same(
    store: &SqliteStore,
    range: Range,
    previous: &Hash,
    expected: &mut Expected,
) -> Result<Option<Hash>, StoreError> {
    let row = sqlx::query(SQL)
        .bind(signed("index", range.after)?)
        .bind(signed("index", range.last)?)
        .fetch_one(&store.readers)
        .await
        .map_err(db)?;
    let read = Printed::of(&row, range).and_then(|printed| printed.compare(range, *previous));
    Ok(read.map(|(head, entries)| {
        (range.after + 1..).zip(&entries).for_each(|(index, derived)| expected.add(index, derived));
        head
    }))
}

/// What the database says of as many rows as there must be.
struct Printed<'a> {
    previous: &'a [Hash],
    hashes: &'a [Hash],
    texts: [&'a str; COLUMNS],
}

impl<'a> Printed<'a> {
    /// `None` where a row is missing, a hash has another length, or bytes are no text.
    fn of(row: &'a SqliteRow, range: Range) -> Option<Self> {
        let rows = i64::try_from(range.last - range.after).ok()?;
        let counted = |column: usize| row.try_get(column).ok() == Some(rows);
        if !counted(0) || !counted(1) {
            return None;
        }
        let mut texts = [""; COLUMNS];
        for (column, text) in (4_usize..).zip(texts.iter_mut()) {
            *text = row.try_get(column).ok()?;
        }
        Some(Self { previous: hashes(row, 2, rows)?, hashes: hashes(row, 3, rows)?, texts })
    }

    fn compare(&self, range: Range, mut head: Hash) -> Option<(Hash, Vec<Derived<'a>>)> {
        let mut columns = self.texts.map(|text| text.split(END));
        let mut all = Vec::with_capacity(self.hashes.len());
        for (index, (previous, hash)) in (range.after + 1..).zip(self.previous.iter().zip(self.hashes)) {
            let mut values = [""; COLUMNS];
            for (value, column) in values.iter_mut().zip(&mut columns) {
                *value = column.next()?;
            }
            let [at, code, started, bytes] = values;
            let derived: Derived<'a> = serde_json::from_str(bytes).ok()?;
            let next = chain::entry_hash(&head, bytes.as_bytes(), index);
            let chained = *previous == head && *hash == next;
            if !chained || at != derived.at().to_string() || code != derived.code.as_str() {
                return None;
            }
            if !is_told(started, derived.started()) {
                return None;
            }
            head = next;
            all.push(derived);
        }
        columns.iter_mut().all(|column| column.next().is_none()).then_some((head, all))
    }
}

fn hashes(row: &SqliteRow, column: usize, rows: i64) -> Option<&[Hash]> {
    let (hashes, rest) = row.try_get::<&[u8], _>(column).ok()?.as_chunks::<HASH_BYTES>();
    (rest.is_empty() && i64::try_from(hashes.len()) == Ok(rows)).then_some(hashes)
}

fn is_told(printed: &str, number: Option<i64>) -> bool {
    match number {
        Some(number) => printed.strip_prefix(SOMETHING) == Some(&number.to_string()),
        None => printed == NOTHING,
    }
}
