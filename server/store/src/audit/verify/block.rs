//! A block of rows as a few texts, one for each column: what the database prints of them, and what it must print.

use super::super::derived::Derived;
use super::{Range, Read};
use crate::SqliteStore;
use crate::codec::{db, signed};
use engine::audit::chain::{self, Hash};
use engine::ports::StoreError;
use model::audit::AuditEntry;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

/// Ends a value; no entry holds it, for JSON writes it in another way.
const END: char = '\u{1e}';
/// Stands for no value in a column that may have none; [`SOMETHING`] stands before one.
const NOTHING: &str = "-";
const SOMETHING: char = '+';
const COLUMNS: usize = 6;

/// Hashes are printed in hex, numbers in decimal. Each row prints a value in each column, be it only a sign that no value has:
/// so many values as rows are the rows' own.
const SQL: &str =
    "SELECT group_concat(ifnull(hex(prev), '-'), char(30)), group_concat(ifnull(hex(hash), '-'), char(30)),
        group_concat(ifnull(at, '-'), char(30)), group_concat(ifnull(code, '-'), char(30)),
        group_concat(ifnull('+' || started, '-'), char(30)), group_concat(ifnull(CAST(bytes AS TEXT), '-'), char(30))
    FROM (SELECT prev, hash, at, code, started, bytes FROM audit AS a JOIN audit_found AS f ON f.idx = a.idx
        WHERE a.idx > ? AND a.idx <= ? ORDER BY a.idx)";

/// The last hash and what was derived when every row of the block is exactly what it must be; `None` when a closer look is
/// needed, be it only because a value holds the sign that ends one here.
pub(super) async fn same(store: &SqliteStore, range: Range, previous: &Hash) -> Result<Option<Read>, StoreError> {
    let printed = sqlx::query(SQL)
        .bind(signed("index", range.after)?)
        .bind(signed("index", range.last)?)
        .fetch_one(&store.readers)
        .await
        .map_err(db)?;
    Ok(texts(&printed).and_then(|texts| compare(texts, range, *previous)))
}

/// `None` where there is no row, or bytes that are no text.
fn texts(printed: &SqliteRow) -> Option<[&str; COLUMNS]> {
    let mut texts = [""; COLUMNS];
    for (column, text) in texts.iter_mut().enumerate() {
        *text = printed.try_get(column).ok()?;
    }
    Some(texts)
}

fn compare(texts: [&str; COLUMNS], range: Range, mut head: Hash) -> Option<Read> {
    let mut columns = texts.map(|text| text.split(END));
    let mut shown = hex::encode_upper(head);
    let mut all = Vec::new();
    for index in range.after + 1..=range.last {
        let mut values = [""; COLUMNS];
        for (value, column) in values.iter_mut().zip(&mut columns) {
            *value = column.next()?;
        }
        let [prev, hash, at, code, started, bytes] = values;
        let entry: AuditEntry = serde_json::from_str(bytes).ok()?;
        let derived = Derived::of(&entry).ok()?;
        let same = prev == shown && at == derived.at.to_string() && code == derived.code;
        if !same || !is_told(started, derived.started) {
            return None;
        }
        head = chain::entry_hash(&head, bytes.as_bytes(), index);
        shown = hex::encode_upper(head);
        if hash != shown {
            return None;
        }
        all.push(derived);
    }
    columns.iter_mut().all(|column| column.next().is_none()).then_some((head, all))
}

fn is_told(printed: &str, number: Option<i64>) -> bool {
    match number {
        Some(number) => printed.strip_prefix(SOMETHING) == Some(&number.to_string()),
        None => printed == NOTHING,
    }
}
