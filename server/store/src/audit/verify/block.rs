//! A block of rows as one text: what the database would print of them, and what it must print.

use super::super::derived::Derived;
use super::{Range, Read};
use crate::SqliteStore;
use crate::codec::{db, signed};
use engine::audit::chain::{self, Hash};
use engine::ports::StoreError;
use model::audit::AuditEntry;

/// Ends a row; no entry holds it, for JSON writes it in another way.
const ROW_END: char = '\u{1e}';
/// Ends a column.
const COLUMN_END: char = '\u{1f}';
/// Stands for a column without a value; where there may be none, [`SOMETHING`] stands before a value.
const NOTHING: char = '\u{1d}';
const SOMETHING: char = '+';

/// The rows of a block, in the order of their index. Numbers are printed in decimal, hashes in hex.
const SQL: &str = "SELECT group_concat(line, char(30)) FROM (
    SELECT a.idx || char(31) || hex(prev) || char(31) || hex(hash) || char(31) || at || char(31) || code || char(31) || who
        || char(31) || outcome || char(31) || ifnull('+' || cluster, char(29)) || char(31) || ifnull('+' || node, char(29))
        || char(31) || ifnull('+' || operation, char(29)) || char(31) || ifnull('+' || step, char(29)) || char(31) || ifnull('+' || risk, char(29))
        || char(31) || ifnull('+' || command, char(29)) || char(31) || ifnull('+' || reason, char(29)) || char(31) || ifnull('+' || exit, char(29))
        || char(31) || ifnull('+' || started, char(29)) || char(31) || words || char(31) || CAST(bytes AS TEXT) AS line
    FROM audit AS a JOIN audit_found AS f ON f.idx = a.idx WHERE a.idx > ? AND a.idx <= ? ORDER BY a.idx)";

/// The last hash and what was derived when every row of the block is exactly what it must be; `None` when a closer look is needed, be it only
/// because a text holds one of the signs that end rows and columns here.
pub(super) async fn same(store: &SqliteStore, range: Range, previous: &Hash) -> Result<Option<Read>, StoreError> {
    let printed: Result<Option<String>, _> = sqlx::query_scalar(SQL)
        .bind(signed("index", range.after)?)
        .bind(signed("index", range.last)?)
        .fetch_one(&store.readers)
        .await;
    match printed {
        Ok(Some(text)) => Ok(compare(&text, range, *previous)),
        // Bytes that are no text.
        Ok(None) | Err(sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }) => Ok(None),
        Err(error) => Err(db(error)),
    }
}

fn compare(printed: &str, range: Range, mut head: Hash) -> Option<Read> {
    let mut index = range.after;
    let mut all = Vec::new();
    let mut expected = String::new();
    for line in printed.split(ROW_END) {
        index += 1;
        let bytes = line.rsplit_once(COLUMN_END)?.1;
        let entry: AuditEntry = serde_json::from_str(bytes).ok()?;
        let hash = chain::entry_hash(&head, bytes.as_bytes(), index);
        let derived = Derived::of(&entry).ok()?;
        expected.clear();
        write_row(&mut expected, index, &head, &hash, &derived)?;
        expected.push_str(bytes);
        if line != expected {
            return None;
        }
        head = hash;
        all.push(derived);
    }
    (index == range.last).then_some((head, all))
}

/// All columns but the bytes; `None` where a value holds a sign that ends something: then equal texts prove nothing.
fn write_row(out: &mut String, index: u64, previous: &Hash, hash: &Hash, derived: &Derived) -> Option<()> {
    let number = |value: Option<i64>| value.map(|value| value.to_string());
    let (step, exit, started) = (number(derived.step), number(derived.exit), number(derived.started));
    let (index, at) = (index.to_string(), derived.at.to_string());
    let (previous, hash) = (hex::encode_upper(previous), hex::encode_upper(hash));
    let always = [&index, &previous, &hash, &at, &derived.code, &derived.who, &derived.outcome];
    let sometimes = [
        derived.cluster.as_deref(),
        derived.node.as_deref(),
        derived.operation.as_deref(),
        step.as_deref(),
        derived.risk.as_deref(),
        derived.command.as_deref(),
        derived.reason.as_deref(),
        exit.as_deref(),
        started.as_deref(),
    ];
    for text in always {
        column(out, text)?;
    }
    for text in sometimes {
        match text {
            Some(text) => {
                out.push(SOMETHING);
                column(out, text)?;
            }
            None => out.extend([NOTHING, COLUMN_END]),
        }
    }
    column(out, &derived.words)
}

fn column(out: &mut String, text: &str) -> Option<()> {
    if text.contains([ROW_END, COLUMN_END, NOTHING]) {
        return None;
    }
    out.push_str(text);
    out.push(COLUMN_END);
    Some(())
}
