//! Finding entries, newest first.

mod asked;
mod walk;

pub(super) use asked::Asked;

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

/// A page of one file, and the number of all its entries that the filter, its cursor left aside, meets.
pub(super) async fn find(store: &SqliteStore, filter: &AuditFilter, limit: u32) -> Result<AuditPage, StoreError> {
    let began = Instant::now();
    derive::catch_up(store).await?;
    let shown = usize::try_from(limit.clamp(1, PAGE_MAX)).unwrap_or(usize::MAX);
    let mut tx = store.read().await?;
    let asked = Asked::of(filter, Period::of(filter, &mut tx).await?);
    let before = filter.before.map(|before| signed("cursor", before)).transpose()?;
    // One more than asked for tells whether there is another page.
    let found = walk::walk(&mut tx, store.lists, &asked, before, shown + 1).await?;
    let mut rows = read(&mut tx, &found.newest).await?;
    rows.sort_by_key(|(index, _)| std::cmp::Reverse(*index));
    let goes_on = rows.len() > shown;
    rows.truncate(shown);
    let next = if goes_on { rows.last().map(|(index, _)| *index) } else { None };
    let unreadable = rows.iter().filter(|(_, entry)| entry.is_none()).map(|(index, _)| *index).collect();
    let entries = rows.into_iter().filter_map(|(_, entry)| entry).collect();
    let millis = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
    Ok(AuditPage { entries, unreadable, next, total: found.total, more: found.more, millis, unread: Vec::new() })
}

/// The entries with these indexes; whoever makes one unreadable hides none beside it.
async fn read(one: &mut SqliteConnection, indexes: &[i64]) -> Result<Vec<(u64, Option<ChainedEntry>)>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT idx, bytes, prev, hash FROM audit WHERE idx IN (");
    let mut list = query.separated(", ");
    for index in indexes {
        list.push_bind(*index);
    }
    query.push(")");
    let rows = query.build().fetch_all(one).await.map_err(db)?;
    rows.iter().map(numbered).collect()
}

fn numbered(row: &SqliteRow) -> Result<(u64, Option<ChainedEntry>), StoreError> {
    Ok((number(row, "idx")?, readable(row)?))
}
