//! What the lists of full blocks must say, against what they say: an entry that is missing in one is hidden from its filter.

use super::super::lists::{self, BLOCK, EVERY, LISTED, Lists, indexes, place, read_all};
use super::Range;
use super::pages;
use crate::SqliteStore;
use crate::audit::keys::Field;
use crate::codec::{corrupt, db, get, signed};
use engine::ports::StoreError;
use roaring::RoaringBitmap;
use sqlx::sqlite::SqliteRow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

const SQL: &str = "SELECT key, group_concat(block, ' ') AS blocks, CAST(group_concat(entries, '') AS BLOB) AS entries
    FROM (SELECT key, block, entries FROM audit_lists WHERE key >= ? AND key < ? AND block BETWEEN ? AND ? ORDER BY key, block)
    GROUP BY key";

/// By key and block, the places of entries.
type Stored = BTreeMap<String, BTreeMap<i64, RoaringBitmap>>;

/// The blocks of a window that are full; a window ends with a block, or with the newest entry.
fn blocks(window: Range) -> Result<RangeInclusive<i64>, StoreError> {
    let first = lists::block_of(signed("index", window.after)?.saturating_add(1));
    Ok(first..=signed("index", window.last)? / BLOCK - 1)
}

/// The lowest index at which the lists of a field say something else than its `values`.
pub(super) async fn field_differs(
    store: &SqliteStore,
    field: Field,
    values: &pages::Lists,
    window: Range,
) -> Result<Option<i64>, StoreError> {
    if !LISTED.contains(&field) {
        return Ok(None);
    }
    let blocks = blocks(window)?;
    let mut expected = Stored::new();
    for (key, list) in values {
        let sets = list.chunk_by(|one, next| lists::block_of(*one) == lists::block_of(*next)).filter_map(|part| {
            let block = lists::block_of(*part.first()?);
            blocks.contains(&block).then(|| Ok((block, places(block, part)?)))
        });
        let sets: BTreeMap<_, _> = sets.collect::<Result<_, StoreError>>()?;
        if !sets.is_empty() {
            expected.insert(key.clone(), sets);
        }
    }
    let (from, until) = field.range();
    differs(store, (&from, &until), &expected, &blocks).await
}

/// The places of entries of a block, which come in their order.
fn places(block: i64, indexes: &[i64]) -> Result<RoaringBitmap, StoreError> {
    let all = indexes.iter().map(|index| place(block, *index)).collect::<Result<Vec<_>, _>>()?;
    let mut places = RoaringBitmap::new();
    places.append(all).map_err(|error| corrupt("order of the audit", error))?;
    Ok(places)
}

/// The same for the lists of all entries, without which a block is not searched by the others.
pub(super) async fn every_differs(store: &SqliteStore, window: Range) -> Result<Option<i64>, StoreError> {
    let blocks = blocks(window)?;
    let after = signed("index", window.after)?;
    let mut all = BTreeMap::new();
    for block in blocks.clone() {
        let (first, last) = (after.saturating_add(1).max(*indexes(block).start()), *indexes(block).end());
        let mut set = RoaringBitmap::new();
        set.insert_range(place(block, first)?..=place(block, last)?);
        all.insert(block, set);
    }
    let expected = if all.is_empty() { Stored::new() } else { Stored::from([(EVERY.to_owned(), all)]) };
    differs(store, (EVERY, "\u{1}"), &expected, &blocks).await
}

/// Compares keys from one on and before another.
async fn differs(
    store: &SqliteStore,
    (from, until): (&str, &str),
    expected: &Stored,
    blocks: &RangeInclusive<i64>,
) -> Result<Option<i64>, StoreError> {
    if store.lists == Lists::Absent || blocks.is_empty() {
        return Ok(None);
    }
    let rows = sqlx::query(SQL)
        .bind(from)
        .bind(until)
        .bind(blocks.start())
        .bind(blocks.end())
        .fetch_all(&store.readers)
        .await
        .map_err(db)?;
    // What cannot be read says something else from its beginning on.
    let Ok(stored) = rows.iter().map(stored).collect::<Result<Stored, _>>() else {
        return Ok(Some(*indexes(*blocks.start()).start()));
    };
    let none = BTreeMap::new();
    let keys = expected.keys().chain(stored.keys());
    Ok(keys.filter_map(|key| first(expected.get(key).unwrap_or(&none), stored.get(key).unwrap_or(&none))).min())
}

fn stored(row: &SqliteRow) -> Result<(String, BTreeMap<i64, RoaringBitmap>), StoreError> {
    Ok((get(row, "key")?, read_all(row)?.into_iter().collect()))
}

/// The lowest index that only one of both has.
fn first(one: &BTreeMap<i64, RoaringBitmap>, other: &BTreeMap<i64, RoaringBitmap>) -> Option<i64> {
    if one == other {
        return None;
    }
    let none = RoaringBitmap::new();
    let differ = |block: &i64| {
        let (one, other) = (one.get(block).unwrap_or(&none), other.get(block).unwrap_or(&none));
        // A list without any entry is none of ours either.
        (one != other).then(|| indexes(*block).start() + (one ^ other).min().map_or(0, i64::from))
    };
    let blocks = one.keys().chain(other.keys()).filter_map(differ).min();
    blocks.or_else(|| one.keys().chain(other.keys()).min().map(|block| *indexes(*block).start()))
}
