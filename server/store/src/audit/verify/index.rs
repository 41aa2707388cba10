//! What the index must say of entries that were read, against what it says: an entry that is in the chain and cannot be found by
//! its values is as good as hidden.

use super::super::derived::Derived;
use super::super::keys::Field;
use super::super::period::BLOCK;
use super::Range;
use crate::SqliteStore;
use crate::codec::{corrupt, db, get, signed};
use engine::ports::StoreError;
use futures::TryStreamExt as _;
use futures::future::try_join_all;
use std::collections::BTreeMap;

/// The entries of each key that the index holds. Which of them are in the window is quicker told here than there.
const KEYS: &str = "SELECT term, group_concat(doc, ' ') AS entries FROM audit_terms
    WHERE term >= ? AND term < ? AND col = 'keys' GROUP BY term";

const SPANS: &str = "SELECT block, earliest, latest FROM audit_spans WHERE block >= ? AND block < ? ORDER BY block";

/// Filled in the order of the chain.
#[derive(Default)]
pub(super) struct Expected {
    /// By field and value, the indexes of the entries that have it.
    values: [BTreeMap<String, Vec<i64>>; Field::ALL.len()],
    times: Vec<i64>,
}

impl Expected {
    /// Entries that follow the one with index `after`.
    pub fn add(&mut self, after: u64, entries: &[Derived]) {
        for (index, derived) in (i64::try_from(after).unwrap_or(i64::MAX).saturating_add(1)..).zip(entries) {
            for (field, values) in Field::ALL.into_iter().zip(&mut self.values) {
                let Some(value) = field.of(derived) else { continue };
                match values.get_mut(value) {
                    Some(list) => list.push(index),
                    None => drop(values.insert(value.to_owned(), vec![index])),
                }
            }
            self.times.push(derived.at);
        }
    }

    /// What follows the entries in here.
    pub fn append(&mut self, next: Self) {
        for (mine, theirs) in self.values.iter_mut().zip(next.values) {
            for (value, list) in theirs {
                mine.entry(value).or_default().extend(list);
            }
        }
        self.times.extend(next.times);
    }

    /// The lowest index at which the index says something else of this window.
    pub async fn first_difference(self, store: &SqliteStore, window: Range) -> Result<Option<u64>, StoreError> {
        let spans = spans_differ(store, &self.times, window).await?;
        let keys = keys_differ(store, self.values, window).await?;
        let first = [spans, keys].into_iter().flatten().min();
        Ok(first.map(|index| u64::try_from(index).unwrap_or(0)))
    }
}

/// The fields side by side: each is a range of its own in the index.
async fn keys_differ(
    store: &SqliteStore,
    values: [BTreeMap<String, Vec<i64>>; Field::ALL.len()],
    window: Range,
) -> Result<Option<i64>, StoreError> {
    let work = Field::ALL.into_iter().zip(values).map(|(field, values)| {
        let store = store.clone();
        let expected = values.into_iter().map(|(value, list)| (field.key(&value), list)).collect();
        async move {
            tokio::spawn(async move { field_differs(&store, field, expected, window).await })
                .await
                .map_err(|error| StoreError::Database { text: error.to_string() })?
        }
    });
    Ok(try_join_all(work).await?.into_iter().flatten().min())
}

async fn field_differs(
    store: &SqliteStore,
    field: Field,
    mut expected: BTreeMap<String, Vec<i64>>,
    window: Range,
) -> Result<Option<i64>, StoreError> {
    let (after, last) = (signed("index", window.after)?, signed("index", window.last)?);
    let mut first = None;
    let mut note = |index: Option<i64>| first = [first, index].into_iter().flatten().min();
    let (from, until) = field.range();
    let mut rows = sqlx::query(KEYS).bind(from).bind(until).fetch(&store.readers);
    while let Some(row) = rows.try_next().await.map_err(db)? {
        let entries: &str = get(&row, "entries")?;
        let list = entries.split(' ').map(str::parse).collect::<Result<Vec<i64>, _>>();
        let mut list = list.map_err(|error| corrupt("index of the audit", error))?;
        // Others go on writing.
        list.retain(|index| *index > after && *index <= last);
        // In this order they come; where that were not so, it would be no forgery.
        list.sort_unstable();
        note(differ(&expected.remove(get::<&str>(&row, "term")?).unwrap_or_default(), &list));
    }
    expected.values().for_each(|list| note(list.first().copied()));
    Ok(first)
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
