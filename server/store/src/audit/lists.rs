//! For each value, the entries of a full block that have it, as a set: what meets several values is the cut of their sets, however
//! rare or frequent each of them is. They follow the index; entries behind the last full block are found by the index alone.

use super::derived::Derived;
use super::keys::Field;
use crate::SqliteStore;
use crate::codec::{corrupt, db, get};
use engine::ports::StoreError;
use futures::TryStreamExt as _;
use roaring::RoaringBitmap;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, SqlitePool};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Entries of a block; as many as the schema says (migration 18).
pub(super) const BLOCK: i64 = 8_000;
/// Those whose values are listed; an operation has few entries, and the index finds them at once.
pub(super) const LISTED: [Field; 6] =
    [Field::Node, Field::Who, Field::Cluster, Field::Code, Field::Risk, Field::Outcome];
/// The key of the list of all entries of a block; it closes the block.
pub(super) const EVERY: &str = "";
/// Lists in one statement.
const ROWS: usize = 100;
/// Named where one cannot be read.
const WHAT: &str = "list of the audit";

/// No index at all.
pub(super) const NONE: RangeInclusive<i64> = RangeInclusive::new(1, 0);

/// Whether a file has lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lists {
    /// Those of the blocks that are full are made.
    Grow,
    /// The file is closed, and they are in it.
    Stay,
    /// It was closed before there were any.
    Absent,
}

impl Lists {
    /// What a closed file has.
    pub async fn of_closed(readers: &SqlitePool) -> Result<Self, StoreError> {
        let there: bool = sqlx::query_scalar("SELECT COUNT(*) > 0 FROM sqlite_master WHERE name = 'audit_lists'")
            .fetch_one(readers)
            .await
            .map_err(db)?;
        Ok(if there { Self::Stay } else { Self::Absent })
    }
}

/// By key, distances from the block's first entry.
pub(super) type Sets = BTreeMap<String, RoaringBitmap>;

/// Closes every block that is full, each in a transaction of its own: other writers get their turn in between.
pub(super) async fn close(store: &SqliteStore) -> Result<(), StoreError> {
    if store.lists != Lists::Grow {
        return Ok(());
    }
    while let Some(block) = next_of(store).await? {
        // Entries never change, so nobody has to wait while they are read.
        let sets = of_block(store, block).await?;
        let mut tx = store.write().await?;
        if next(&mut tx).await? == Some(block) {
            insert(&mut tx, block, &sets).await?;
            tx.commit().await.map_err(db)?;
        }
    }
    Ok(())
}

async fn next_of(store: &SqliteStore) -> Result<Option<i64>, StoreError> {
    next(&mut *store.readers.acquire().await.map_err(db)?).await
}

/// The block to be closed next; `None` while it is not full.
async fn next(one: &mut SqliteConnection) -> Result<Option<i64>, StoreError> {
    sqlx::query_scalar(
        "SELECT next FROM (
            SELECT COALESCE(MAX(block) + 1, (SELECT idx / ?1 FROM audit_base)) AS next FROM audit_lists WHERE key = ?2)
         WHERE (next + 1) * ?1 <= (SELECT COALESCE(MAX(idx), 0) FROM audit_found)",
    )
    .bind(BLOCK)
    .bind(EVERY)
    .fetch_optional(one)
    .await
    .map_err(db)
}

/// What a block must hold by the bytes of its entries; bytes that are no entry have no value.
async fn of_block(store: &SqliteStore, block: i64) -> Result<Sets, StoreError> {
    let entries = indexes(block);
    let mut rows = sqlx::query("SELECT idx, bytes FROM audit WHERE idx BETWEEN ? AND ? ORDER BY idx")
        .bind(*entries.start())
        .bind(*entries.end())
        .fetch(&store.readers);
    // Also where somebody took all of them away: a block is closed once, whatever is in it.
    let mut sets = Sets::from([(EVERY.to_owned(), RoaringBitmap::new())]);
    while let Some(row) = rows.try_next().await.map_err(db)? {
        let place = place(block, get(&row, "idx")?)?;
        sets.entry(EVERY.to_owned()).or_default().insert(place);
        let Some(derived) = read(&row) else { continue };
        for field in LISTED {
            let Some(value) = field.of(&derived) else { continue };
            sets.entry(field.key(&value.text())).or_default().insert(place);
        }
    }
    Ok(sets)
}

fn read(row: &SqliteRow) -> Option<Derived<'_>> {
    serde_json::from_slice(get::<&[u8]>(row, "bytes").ok()?).ok()
}

/// Lists that are there already stay; whether they are right, reading the audit again tells.
async fn insert(tx: &mut SqliteConnection, block: i64, sets: &Sets) -> Result<(), StoreError> {
    // The one that closes it comes last.
    let (every, values): (Vec<_>, Vec<_>) = sets.iter().partition(|(key, _)| *key == EVERY);
    let rows: Vec<_> = values.into_iter().chain(every).collect();
    for part in rows.chunks(ROWS) {
        let part = part.iter().map(|(key, set)| Ok((*key, bytes(set)?))).collect::<Result<Vec<_>, StoreError>>()?;
        let mut query = QueryBuilder::<Sqlite>::new("INSERT OR IGNORE INTO audit_lists (key, block, entries) ");
        query.push_values(part, |mut row, (key, entries)| {
            row.push_bind(key.clone()).push_bind(block).push_bind(entries);
        });
        query.build().execute(&mut *tx).await.map_err(db)?;
    }
    Ok(())
}

/// As it is stored.
fn bytes(set: &RoaringBitmap) -> Result<Vec<u8>, StoreError> {
    let (mut set, mut bytes) = (set.clone(), Vec::new());
    set.optimize();
    set.serialize_into(&mut bytes).map_err(|error| corrupt(WHAT, error))?;
    Ok(bytes)
}

/// The indexes of a block; the first one of a file may have begun in an archived part.
pub(super) const fn indexes(block: i64) -> RangeInclusive<i64> {
    block * BLOCK + 1..=(block + 1) * BLOCK
}

pub(super) const fn block_of(index: i64) -> i64 {
    (index - 1).div_euclid(BLOCK)
}

/// The distance of an entry from the first one of its block.
pub(super) fn place(block: i64, index: i64) -> Result<u32, StoreError> {
    u32::try_from(index - indexes(block).start()).map_err(|error| corrupt(WHAT, error))
}

/// The indexes that full blocks answer for; empty where there is none.
pub(super) async fn full(lists: Lists, one: &mut SqliteConnection) -> Result<RangeInclusive<i64>, StoreError> {
    if lists == Lists::Absent {
        return Ok(NONE);
    }
    let row = sqlx::query("SELECT MIN(block) AS first, MAX(block) AS last FROM audit_lists WHERE key = ?")
        .bind(EVERY)
        .fetch_one(one)
        .await
        .map_err(db)?;
    let ends: (Option<i64>, Option<i64>) = (get(&row, "first")?, get(&row, "last")?);
    Ok(match ends {
        (Some(first), Some(last)) => *indexes(first).start()..=*indexes(last).end(),
        _ => NONE,
    })
}

/// Forgets the places of entries outside of a range.
pub(super) fn keep(block: i64, places: &mut RoaringBitmap, range: &RangeInclusive<i64>) {
    let first = *indexes(block).start();
    let place = |index: i64| u32::try_from(index.saturating_sub(first).clamp(0, BLOCK)).unwrap_or(0);
    places.remove_range(..place(*range.start()));
    places.remove_range(place(range.end().saturating_add(1))..);
}

/// The indexes of entries at these places of a block.
pub(super) fn newest(block: i64, places: &RoaringBitmap) -> impl Iterator<Item = i64> {
    let first = *indexes(block).start();
    places.iter().rev().map(move |place| first + i64::from(place))
}

/// The lists of these keys, of these blocks: one row for each key, its lists one after the other, for each row has a price of its
/// own.
pub(super) fn lists(keys: &[String], blocks: &RangeInclusive<i64>) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(
        "SELECT group_concat(block, ' ') AS blocks, CAST(group_concat(entries, '') AS BLOB) AS entries
         FROM (SELECT key, block, entries FROM audit_lists WHERE key IN (",
    );
    let mut list = query.separated(", ");
    for key in keys {
        list.push_bind(key.clone());
    }
    query.push(") AND block BETWEEN ").push_bind(*blocks.start()).push(" AND ").push_bind(*blocks.end());
    query.push(" ORDER BY key, block) GROUP BY key");
    query
}

/// By block, what one row of [`lists`] says.
pub(super) fn read_all(row: &SqliteRow) -> Result<Vec<(i64, RoaringBitmap)>, StoreError> {
    let mut rest: &[u8] = get(row, "entries")?;
    let blocks = get::<&str>(row, "blocks")?.split(' ').map(str::parse);
    let all = blocks.map(|block| {
        let block: i64 = block.map_err(|error| corrupt(WHAT, error))?;
        Ok((block, RoaringBitmap::deserialize_from(&mut rest).map_err(|error| corrupt(WHAT, error))?))
    });
    let all = all.collect::<Result<Vec<_>, StoreError>>()?;
    if rest.is_empty() { Ok(all) } else { Err(corrupt(WHAT, "there is more than its sets")) }
}

/// The entries that have all of these keys, by block, the newest one first; blocks without any may be left out.
pub(super) async fn cut(
    one: &mut SqliteConnection,
    keys: &[String],
    blocks: &RangeInclusive<i64>,
) -> Result<Vec<(i64, RoaringBitmap)>, StoreError> {
    let rows = lists(keys, blocks).build().fetch_all(one).await.map_err(db)?;
    if rows.len() < keys.len() {
        return Ok(Vec::new());
    }
    let mut rows = rows.iter();
    let first = rows.next().map(read_all).transpose()?.unwrap_or_default();
    let mut cuts: BTreeMap<i64, RoaringBitmap> = first.into_iter().collect();
    for row in rows {
        let mut others: BTreeMap<i64, RoaringBitmap> = read_all(row)?.into_iter().collect();
        cuts.retain(|block, cut| {
            others.remove(block).is_some_and(|other| {
                *cut &= other;
                !cut.is_empty()
            })
        });
    }
    Ok(cuts.into_iter().rev().collect())
}
