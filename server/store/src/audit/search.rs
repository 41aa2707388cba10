//! Finding entries, newest first.

mod asked;
mod outputs;
mod walk;

pub(super) use asked::Asked;
pub(super) use outputs::Work;

use super::lists::Lists;
use super::period::Period;
use super::{derive, readable};
use crate::SqliteStore;
use crate::codec::{db, number, signed};
use engine::ports::StoreError;
use model::audit::{AuditFilter, AuditPage, ChainedEntry};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use std::time::Instant;

/// The longest page, in entries.
pub(super) const PAGE_MAX: u32 = 500;

/// An entry's index, and the entry where its bytes are one.
type Numbered = (u64, Option<ChainedEntry>);

/// A page of one file, and the number of all its entries that the filter, its cursor left aside, meets. Outputs are looked through
/// only as far as `work` is left; those on the page are counted then.
pub(super) async fn find(
    store: &SqliteStore,
    filter: &AuditFilter,
    limit: u32,
    work: &mut Work,
) -> Result<AuditPage, StoreError> {
    let began = Instant::now();
    derive::catch_up(store).await?;
    let shown = usize::try_from(limit.clamp(1, PAGE_MAX)).unwrap_or(usize::MAX);
    let mut tx = store.read().await?;
    let asked = Asked::of(filter, Period::of(filter, &mut tx).await?);
    let before = filter.before.map(|before| signed("cursor", before)).transpose()?;
    let page = match filter.sought() {
        None => by_index(&mut tx, store.lists, &asked, before, shown).await?,
        Some(sought) => outputs::find(&mut tx, (store.lists, &asked), before, &sought, shown, work).await?,
    };
    let millis = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
    Ok(AuditPage { millis, ..page })
}

async fn by_index(
    one: &mut SqliteConnection,
    lists: Lists,
    asked: &Asked,
    before: Option<i64>,
    shown: usize,
) -> Result<AuditPage, StoreError> {
    // One more than asked for tells whether there is another page.
    let found = walk::walk(one, lists, asked, before, shown + 1).await?;
    let mut rows = read(one, &found.newest).await?;
    let goes_on = rows.len() > shown;
    rows.truncate(shown);
    let next = if goes_on { rows.last().map(|(index, _)| *index) } else { None };
    Ok(AuditPage { total: found.total, more: found.more, ..page(rows, next) })
}

/// These entries, and where the next page goes on.
fn page(rows: Vec<Numbered>, next: Option<u64>) -> AuditPage {
    let unreadable = rows.iter().filter(|(_, entry)| entry.is_none()).map(|(index, _)| *index).collect();
    let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let entries = rows.into_iter().filter_map(|(_, entry)| entry).collect();
    AuditPage { entries, unreadable, next, total, more: next.is_some(), cut: false, millis: 0, unread: Vec::new() }
}

/// The entries with these indexes, newest first; whoever makes one unreadable hides none beside it.
async fn read(one: &mut SqliteConnection, indexes: &[i64]) -> Result<Vec<Numbered>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT idx, bytes, prev, hash FROM audit WHERE idx IN (");
    let mut list = query.separated(", ");
    for index in indexes {
        list.push_bind(*index);
    }
    query.push(")");
    let rows = query.build().fetch_all(one).await.map_err(db)?;
    let mut rows = rows.iter().map(numbered).collect::<Result<Vec<_>, _>>()?;
    rows.sort_by_key(|(index, _)| std::cmp::Reverse(*index));
    Ok(rows)
}

fn numbered(row: &SqliteRow) -> Result<Numbered, StoreError> {
    Ok((number(row, "idx")?, readable(row)?))
}
