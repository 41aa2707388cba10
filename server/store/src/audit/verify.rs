//! Reading the audit again and comparing everything with everything.
//!
//! A block is compared at once first, as the text that its rows must have; where that differs in anything, its rows are read
//! one by one, and what they say counts.

mod ahead;
mod block;
mod index;
mod lists;
mod pages;
mod values;

use self::index::Expected;
use super::derived::Derived;
use super::lists::{BLOCK as LISTED, Lists};
use super::period::BLOCK;
use super::{derive, hash};
use crate::SqliteStore;
use crate::codec::{corrupt, db, get, number, signed};
use engine::audit::chain::{self, GENESIS, Hash};
use engine::ports::StoreError;
use futures::future::try_join_all;
use model::audit::ChainState;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

/// Rows read at once.
const BLOCK_ROWS: u64 = 1_000;
/// Parts that are read side by side, where there is enough to read.
const LANES_MAX: u64 = 4;
/// While the database works for one of them, a core has another one.
const LANES_PER_CORE: u64 = 2;
/// Entries after which what was derived is compared with the index, so that memory does not grow with the log.
const WINDOW: u64 = 2_000_000;

/// Bytes that stay with the process once they are freed: more than a block in all lanes.
const KEPT_BYTES: usize = 16 << 20;

/// The indexes after the first up to the second one, included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    after: u64,
    last: u64,
}

/// Of one file, from the entry on that it goes on from or from a later one.
///
/// What it cannot see: entries missing at the very end, or a chain computed anew as a whole. Checkpoints kept elsewhere show those.
pub(super) async fn verify(store: &SqliteStore, after: u64, hash: &str) -> Result<ChainState, StoreError> {
    keep_freed_memory();
    // In this order: what comes in between may not be derived yet.
    let entries = entries(store).await?;
    derive::catch_up(store).await?;
    let broken = |at_index| ChainState::Broken { at_index, entries, verified_at: store.now() };
    let mut known: Hash = GENESIS;
    hex::decode_to_slice(hash, &mut known).map_err(|error| corrupt("hash", error))?;
    if after > entries || hash_of(store, after).await? != Some(known) {
        return Ok(broken(after.min(entries.saturating_add(1)).max(1)));
    }
    let indexed = after == base(store).await?.0;
    if indexed {
        ahead::ask_for_file(store).await?;
    }
    let mut head = known;
    let mut from = after;
    while from < entries {
        let window = Range { after: from, last: entries.min(window_end(from)) };
        head = match read(store, window, indexed).await? {
            Ok(head) => head,
            Err(index) => return Ok(broken(index)),
        };
        from = window.last;
    }
    if is_ahead(store).await? || are_lists_ahead(store).await? {
        return Ok(broken(entries.saturating_add(1)));
    }
    Ok(ChainState::Whole { entries, verified_at: store.now(), head: hex::encode(head) })
}

/// Blocks are read into memory of the same size again and again. Given back to the system in between, each page of it would be
/// cleared anew, which takes as long as an eighth of the rest. Whoever frees a large piece tells the allocator what is to be kept
/// (mallopt(3), `M_MMAP_THRESHOLD` and `M_TRIM_THRESHOLD`); other allocators take no notice.
fn keep_freed_memory() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(KEPT_BYTES)));
}

/// Where a window ends that begins after that index: with a block, for times and lists are kept of whole blocks.
fn window_end(after: u64) -> u64 {
    const { assert!(LISTED % BLOCK == 0, "where a block of lists ends, one of times does too") };
    let end = after.saturating_add(WINDOW);
    end - end % u64::try_from(LISTED).unwrap_or(1)
}

/// The last hash of a window, or the index at which it breaks; with `indexed` the index over it is compared too.
async fn read(store: &SqliteStore, window: Range, indexed: bool) -> Result<Result<Hash, u64>, StoreError> {
    let work = lanes(window).into_iter().map(|range| {
        let store = store.clone();
        async move {
            tokio::spawn(async move { lane(&store, range).await })
                .await
                .map_err(|error| StoreError::Database { text: error.to_string() })?
        }
    });
    let mut head = GENESIS;
    let mut parts = Vec::new();
    for result in try_join_all(work).await? {
        match result {
            Ok((last, part)) => {
                head = last;
                parts.push(part);
            }
            Err(index) => return Ok(Err(index)),
        }
    }
    let differs = if indexed { index::first_difference(store, parts, window).await? } else { None };
    Ok(differs.map_or(Ok(head), Err))
}

/// The highest index; a row that is missing below it is found as a gap.
pub(super) async fn entries(store: &SqliteStore) -> Result<u64, StoreError> {
    let last: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(idx), (SELECT idx FROM audit_base)) FROM audit")
        .fetch_one(&store.readers)
        .await
        .map_err(db)?;
    Ok(u64::try_from(last).unwrap_or(0))
}

/// Index and hash that the first entry of this file follows.
async fn base(store: &SqliteStore) -> Result<(u64, Option<Hash>), StoreError> {
    let row = sqlx::query("SELECT idx, hash FROM audit_base").fetch_one(&store.readers).await.map_err(db)?;
    Ok((number(&row, "idx")?, hash(&row, "hash").ok()))
}

/// Whether something is left of entries that were cut off. In one statement: others go on writing.
async fn is_ahead(store: &SqliteStore) -> Result<bool, StoreError> {
    sqlx::query_scalar(
        "SELECT found > (SELECT COALESCE(MAX(idx), 0) FROM audit)
            OR (SELECT COALESCE(MAX(block) + 1, 0) FROM audit_spans) > found / ?
         FROM (SELECT COALESCE(MAX(idx), 0) AS found FROM audit_found)",
    )
    .bind(BLOCK)
    .fetch_one(&store.readers)
    .await
    .map_err(db)
}

/// Whether there are lists of blocks that are not full.
async fn are_lists_ahead(store: &SqliteStore) -> Result<bool, StoreError> {
    if store.lists == Lists::Absent {
        return Ok(false);
    }
    sqlx::query_scalar(
        "SELECT COALESCE((SELECT MAX(block) FROM audit_lists), -1) >= COALESCE(MAX(idx), 0) / ? FROM audit_found",
    )
    .bind(LISTED)
    .fetch_one(&store.readers)
    .await
    .map_err(db)
}

/// The stored hash of an entry, the one before the first of this file among them.
pub(super) async fn hash_of(store: &SqliteStore, index: u64) -> Result<Option<Hash>, StoreError> {
    let base = base(store).await?;
    if index == base.0 {
        return Ok(base.1);
    }
    let row = sqlx::query("SELECT hash FROM audit WHERE idx = ?")
        .bind(signed("index", index)?)
        .fetch_optional(&store.readers)
        .await
        .map_err(db)?;
    Ok(row.and_then(|row| hash(&row, "hash").ok()))
}

/// Whole blocks for each; each lane begins with the stored hash that the lane before it has to come to.
fn lanes(all: Range) -> Vec<Range> {
    let blocks = (all.last - all.after).div_ceil(BLOCK_ROWS);
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let each = blocks.div_ceil((cores * LANES_PER_CORE).min(LANES_MAX)).max(1) * BLOCK_ROWS;
    let mut lanes = Vec::new();
    let mut after = all.after;
    while after < all.last {
        let last = all.last.min(after + each);
        lanes.push(Range { after, last });
        after = last;
    }
    lanes
}

/// The last hash of a lane, and what the index must hold of it; or the index at which it breaks.
async fn lane(store: &SqliteStore, range: Range) -> Result<Result<(Hash, Expected), u64>, StoreError> {
    let Some(mut head) = hash_of(store, range.after).await? else { return Ok(Err(range.after)) };
    let mut expected = Expected::default();
    let mut after = range.after;
    while after < range.last {
        let part = Range { after, last: range.last.min(after + BLOCK_ROWS) };
        // For one block only: whoever else reads gets a turn in between, however long the log is.
        let mut one = store.readers.acquire().await.map_err(db)?;
        head = match block::same(&mut one, part, &head, &mut expected).await? {
            Some(head) => head,
            None => match row_by_row(&mut one, part, head, &mut expected).await? {
                Ok(head) => head,
                Err(index) => return Ok(Err(index)),
            },
        };
        after = part.last;
    }
    Ok(Ok((head, expected)))
}

async fn row_by_row(
    one: &mut SqliteConnection,
    range: Range,
    mut head: Hash,
    expected: &mut Expected,
) -> Result<Result<Hash, u64>, StoreError> {
    let rows = rows(one, range).await?;
    let mut index = range.after;
    for row in &rows {
        index += 1;
        let Some((next, derived)) = follow(row, index, &head) else { return Ok(Err(index)) };
        expected.add(index, &derived);
        head = next;
    }
    Ok(if index == range.last { Ok(head) } else { Err(index + 1) })
}

async fn rows(one: &mut SqliteConnection, range: Range) -> Result<Vec<SqliteRow>, StoreError> {
    sqlx::query(
        "SELECT a.idx, bytes, prev, hash, at, code, started
         FROM audit AS a LEFT JOIN audit_found AS f ON f.idx = a.idx WHERE a.idx > ? AND a.idx <= ? ORDER BY a.idx",
    )
    .bind(signed("index", range.after)?)
    .bind(signed("index", range.last)?)
    .fetch_all(one)
    .await
    .map_err(db)
}

/// The row's hash and what it is found by, if the row is what must follow; one that cannot even be read is as bad as a wrong one.
fn follow<'a>(row: &'a SqliteRow, index: u64, previous: &Hash) -> Option<(Hash, Derived<'a>)> {
    let bytes: &[u8] = get(row, "bytes").ok()?;
    let derived: Derived<'a> = serde_json::from_slice(bytes).ok()?;
    let expected = chain::entry_hash(previous, bytes, index);
    let whole = number::<u64>(row, "idx").ok()? == index
        && hash(row, "prev").ok()? == *previous
        && hash(row, "hash").ok()? == expected
        && derived.is_kept_in(row).ok()?;
    whole.then_some((expected, derived))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_follow_each_other_and_leave_nothing_out() {
        for (after, last) in [(0, 0), (0, 1), (0, 1_000), (0, 1_001), (7, 9_999), (10, 10), (3, 123_456)] {
            let lanes = lanes(Range { after, last });
            let mut at = after;
            for lane in &lanes {
                assert_eq!(lane.after, at);
                assert!(lane.last > at);
                at = lane.last;
            }
            assert_eq!(at, last);
            assert!(lanes.len() as u64 <= LANES_MAX);
        }
    }
}
