//! Where in the chain a period lies. The clock may be set back, so time does not always rise with the index.

use crate::codec::{db, get, micros};
use engine::ports::StoreError;
use model::audit::AuditFilter;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use std::ops::RangeInclusive;

/// Entries whose earliest and latest times are kept together.
pub(super) const BLOCK: i64 = 1_000;

/// A period, in microseconds, and the entries that may be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    /// The first moment that counts.
    from: i64,
    /// The first that does not count any more.
    until: i64,
    /// Indexes; nothing of the period is outside of them.
    first: i64,
    last: i64,
    /// Indexes between which everything is in the period; empty where the first is the greater one.
    inside: (i64, i64),
}

/// The blocks that a period touches, the unfinished one at the end among them, and those that are in it as a whole.
pub(super) const SQL: &str = "WITH done AS (SELECT COALESCE(MAX(block) + 1, (SELECT idx / ?3 FROM audit_base)) AS blocks FROM audit_spans),
    spans AS (
        SELECT block, earliest, latest FROM audit_spans
        UNION ALL SELECT (SELECT blocks FROM done), MIN(at), MAX(at) FROM audit_found WHERE idx > (SELECT blocks FROM done) * ?3),
    met AS (SELECT block, earliest >= ?1 AND latest < ?2 AS inside FROM spans WHERE latest >= ?1 AND earliest < ?2)
    SELECT COALESCE(MIN(block), 0) AS first, COALESCE(MAX(block), -1) AS last, COALESCE(SUM(inside), 0) AS inside,
        COALESCE(MIN(CASE WHEN inside THEN block END), 0) AS inside_first,
        COALESCE(MAX(CASE WHEN inside THEN block END), -1) AS inside_last FROM met";

impl Period {
    /// `None` where the filter asks for no period.
    pub async fn of(filter: &AuditFilter, tx: &mut SqliteConnection) -> Result<Option<Self>, StoreError> {
        if filter.from.is_none() && filter.until.is_none() {
            return Ok(None);
        }
        let (from, until) = (filter.from.map_or(i64::MIN, micros), filter.until.map_or(i64::MAX, micros));
        let row = sqlx::query(SQL).bind(from).bind(until).bind(BLOCK).fetch_one(tx).await.map_err(db)?;
        let number = |name| get::<i64>(&row, name);
        let (first, last) = indexes(number("first")?, number("last")?);
        let (inside_first, inside_last) = (number("inside_first")?, number("inside_last")?);
        // With a block in between that is not in it, every entry is asked for its time.
        let gapless = number("inside")? == inside_last - inside_first + 1;
        let inside = if gapless { indexes(inside_first, inside_last) } else { (1, 0) };
        Ok(Some(Self { from, until, first, last, inside }))
    }

    #[cfg(test)]
    pub const fn between(first: i64, last: i64) -> Self {
        Self { from: i64::MIN, until: i64::MAX, first, last, inside: (1, 0) }
    }

    /// The indexes outside of which nothing is in it.
    pub const fn span(&self) -> RangeInclusive<i64> {
        self.first..=self.last
    }

    /// Indexes between which everything is in it.
    pub const fn inside(&self) -> RangeInclusive<i64> {
        self.inside.0..=self.inside.1
    }

    /// Only the entries of the period; `row` names the index in SQL.
    pub fn narrow(&self, query: &mut QueryBuilder<Sqlite>, row: &str) {
        query.push(format_args!(" AND ({row} BETWEEN ")).push_bind(self.inside.0).push(" AND ");
        query.push_bind(self.inside.1).push(format_args!(
            " OR EXISTS (SELECT 1 FROM audit_found AS timed WHERE timed.idx = {row} AND timed.at >= "
        ));
        query.push_bind(self.from).push(" AND timed.at < ").push_bind(self.until).push("))");
    }
}

/// The indexes of these blocks and all between them.
const fn indexes(first: i64, last: i64) -> (i64, i64) {
    (first * BLOCK + 1, (last + 1) * BLOCK)
}
