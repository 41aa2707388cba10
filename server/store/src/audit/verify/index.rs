//! What the index must say of entries that were read, against what it says: an entry that is in the chain and cannot be found by
//! its values is as good as hidden.

use super::super::derived::Derived;
use super::super::keys::Field;
use super::super::period::BLOCK;
use super::Range;
use super::lists;
use super::pages::{self, Lists};
use super::values::Values;
use crate::SqliteStore;
use crate::codec::{corrupt, db, get, signed};
use engine::ports::StoreError;
use futures::TryStreamExt as _;
use futures::future::try_join_all;
use std::ops::RangeInclusive;

/// The entries of each key that the index holds. Which of them are in the window is quicker told here than there.
const KEYS: &str = "SELECT term, group_concat(doc, ' ') AS entries FROM audit_terms
    WHERE term >= ? AND term < ? AND col = 'keys' GROUP BY term";

const SPANS: &str = "SELECT block, earliest, latest FROM audit_spans WHERE block >= ? AND block < ? ORDER BY block";

/// Filled in the order of the chain.
#[derive(Default)]
pub(super) struct Expected {
    /// By field and value, the indexes of the entries that have it.
    values: [Values; Field::ALL.len()],
    times: Vec<i64>,
}

impl Expected {
    pub fn add(&mut self, index: u64, derived: &Derived<'_>) {
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        for (field, values) in Field::ALL.into_iter().zip(&mut self.values) {
            if let Some(value) = field.of(derived) {
                values.add(value, index);
            }
        }
        self.times.push(derived.at());
    }
}

/// The lowest index at which the index says something else of a window, whose parts follow each other.
pub(super) async fn first_difference(
    store: &SqliteStore,
    parts: Vec<Expected>,
    window: Range,
) -> Result<Option<u64>, StoreError> {
    let times: Vec<i64> = parts.iter().flat_map(|part| &part.times).copied().collect();
    let spans = spans_differ(store, &times, window).await?;
    let keys = keys_differ(store, parts, window).await?;
    let every = lists::every_differs(store, window).await?;
    let first = [spans, keys, every].into_iter().flatten().min();
    Ok(first.map(|index| u64::try_from(index).unwrap_or(0)))
}

/// The fields side by side: each is a range of its own in the index.
async fn keys_differ(store: &SqliteStore, parts: Vec<Expected>, window: Range) -> Result<Option<i64>, StoreError> {
    let mut fields: [Vec<Values>; Field::ALL.len()] = Default::default();
    for part in parts {
        fields.iter_mut().zip(part.values).for_each(|(field, values)| field.push(values));
    }
    let work = Field::ALL.into_iter().zip(fields).map(|(field, parts)| {
        let store = store.clone();
        async move {
            tokio::spawn(async move {
                let expected = parts.into_iter().fold(Values::default(), Values::and).lists(field);
                let index = field_differs(&store, field, &expected, window).await?;
                let lists = lists::field_differs(&store, field, &expected, window).await?;
                Ok([index, lists].into_iter().flatten().min())
            })
            .await
            .map_err(|error| StoreError::Database { text: error.to_string() })?
        }
    });
    Ok(try_join_all(work).await?.into_iter().flatten().min())
}

/// The pages of the index are read first; where they say anything else, or cannot be understood, the index is asked, and what
/// it says counts.
async fn field_differs(
    store: &SqliteStore,
    field: Field,
    expected: &Lists,
    window: Range,
) -> Result<Option<i64>, StoreError> {
    let window = signed("index", window.after.saturating_add(1))?..=signed("index", window.last)?;
    let (from, until) = field.range();
    if let Ok(Some(mut read)) = pages::lists(store, &from, &until).await {
        within(&window, &mut read);
        if read == *expected {
            return Ok(None);
        }
    }
    let mut asked = asked(store, &from, &until).await?;
    within(&window, &mut asked);
    let keys = expected.keys().chain(asked.keys());
    Ok(keys.filter_map(|key| differ(list(expected, key), list(&asked, key))).min())
}

/// What the index answers when it is asked for all keys from one on and before another.
pub(super) async fn asked(store: &SqliteStore, from: &str, until: &str) -> Result<Lists, StoreError> {
    let mut lists = Lists::new();
    let mut rows = sqlx::query(KEYS).bind(from).bind(until).fetch(&store.readers);
    while let Some(row) = rows.try_next().await.map_err(db)? {
        let entries = get::<&str>(&row, "entries")?.split(' ').map(str::parse).collect::<Result<_, _>>();
        lists.insert(get(&row, "term")?, entries.map_err(|error| corrupt("index of the audit", error))?);
    }
    Ok(lists)
}

/// Only what was read of the chain: others go on writing. In the order of the chain; another one is no forgery.
fn within(window: &RangeInclusive<i64>, lists: &mut Lists) {
    for list in lists.values_mut() {
        list.sort();
        if list.first().is_some_and(|first| first < window.start())
            || list.last().is_some_and(|last| last > window.end())
        {
            list.retain(|index| window.contains(index));
        }
    }
    lists.retain(|_, list| !list.is_empty());
}

fn list<'a>(lists: &'a Lists, key: &str) -> &'a [i64] {
    lists.get(key).map_or(&[], Vec::as_slice)
}

/// The lowest number that only one of two rising lists has, or that one of them has twice.
fn differ(one: &[i64], other: &[i64]) -> Option<i64> {
    let place = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    [one.get(place), other.get(place)].into_iter().flatten().min().copied()
}

async fn spans_differ(store: &SqliteStore, times: &[i64], window: Range) -> Result<Option<i64>, StoreError> {
    let block = signed("index", window.after)? / BLOCK;
    let size = usize::try_from(BLOCK).unwrap_or(usize::MAX);
    // The first block of a file may have begun in an archived part; it is full when its last entry is there.
    let begun = usize::try_from(signed("index", window.after)? % BLOCK).unwrap_or(0);
    let rest = if begun == 0 { 0 } else { size - begun };
    let (first, times) = times.split_at_checked(rest).unwrap_or((&[], &[]));
    let full = (rest > 0 && !first.is_empty()).then_some(first).into_iter().chain(times.chunks_exact(size));
    let full = full.map(|part| (part.iter().min().copied(), part.iter().max().copied()));
    let expected: Vec<_> = (block..).zip(full).map(|(block, (earliest, latest))| (block, earliest, latest)).collect();
    let rows = sqlx::query(SPANS)
        .bind(block)
        .bind(signed("index", window.last)? / BLOCK)
        .fetch_all(&store.readers)
        .await
        .map_err(db)?;
    let mut stored = Vec::with_capacity(rows.len());
    for row in &rows {
        stored.push((get::<i64>(row, "block")?, get(row, "earliest")?, get(row, "latest")?));
    }
    let place = stored.iter().zip(&expected).take_while(|(a, b)| a == b).count();
    let odd = [stored.get(place), expected.get(place)].into_iter().flatten().map(|(block, ..)| *block).min();
    Ok(odd.map(|block| block * BLOCK + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_of_two_lists_is_found() {
        for (one, other, first) in [
            (vec![], vec![], None),
            (vec![1, 2], vec![1, 2], None),
            (vec![1, 2, 3], vec![1, 3], Some(2)),
            (vec![1], vec![1, 7], Some(7)),
            (vec![4, 5], vec![4, 4, 5], Some(4)),
            (vec![], vec![9], Some(9)),
        ] {
            assert_eq!((differ(&one, &other), differ(&other, &one)), (first, first), "{one:?} {other:?}");
        }
    }
}
