//! Finding entries, newest first.

use super::{chained, derive};
use crate::SqliteStore;
use crate::codec::{db, get, micros, signed, word};
use engine::ports::StoreError;
use model::audit::{AuditFilter, AuditPage, COUNT_MAX};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use std::time::Instant;

/// The longest page, in entries.
const PAGE_MAX: u32 = 500;
/// Words that are looked for at most; more would only narrow what is already narrow.
const WORDS_MAX: usize = 8;

/// A page and the number of all entries that the filter, its cursor left aside, meets.
pub(super) async fn find(store: &SqliteStore, filter: &AuditFilter, limit: u32) -> Result<AuditPage, StoreError> {
    let began = Instant::now();
    derive::catch_up(store).await?;
    let limit = limit.clamp(1, PAGE_MAX);
    let mut tx = store.read().await?;
    // One more than asked for tells whether there is another page.
    let rows =
        page_query(filter, span(filter, &mut tx).await?, limit + 1)?.build().fetch_all(&mut *tx).await.map_err(db)?;
    let total = total(filter, &mut tx).await?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut entries = rows.iter().map(chained).collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.index));
    let more = entries.len() > shown;
    entries.truncate(shown);
    let next = if more { entries.last().map(|entry| entry.index) } else { None };
    let millis = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
    Ok(AuditPage { entries, next, total, millis })
}

/// The first and the last index of the filter's period.
pub(super) type Span = (i64, i64);

pub(super) fn page_query(
    filter: &AuditFilter,
    span: Option<Span>,
    limit: u32,
) -> Result<QueryBuilder<Sqlite>, StoreError> {
    // Which entries is answered by what they are found by alone; only those of the page are read.
    let mut query = QueryBuilder::new("SELECT idx, bytes, prev, hash FROM audit WHERE idx IN (SELECT f.idx");
    narrow(&mut query, filter)?;
    if let Some((first, last)) = span {
        query.push(" AND f.idx BETWEEN ").push_bind(first).push(" AND ").push_bind(last);
    }
    if let Some(before) = filter.before {
        query.push(" AND f.idx < ").push_bind(signed("cursor", before)?);
    }
    query.push(" ORDER BY f.idx DESC LIMIT ").push_bind(i64::from(limit)).push(")");
    Ok(query)
}

pub(super) const SPAN_SQL: &str =
    "SELECT COALESCE(MIN(idx), 0) AS first, COALESCE(MAX(idx), 0) AS last FROM audit_found WHERE at >= ? AND at < ?";

/// A page in order of the index would have to leaf through all that is newer than the period; the index over time knows better.
/// The clock may have been set back in between, so the times themselves are compared too.
async fn span(filter: &AuditFilter, tx: &mut SqliteConnection) -> Result<Option<Span>, StoreError> {
    if filter.from.is_none() && filter.until.is_none() {
        return Ok(None);
    }
    let row = sqlx::query(SPAN_SQL)
        .bind(filter.from.map_or(i64::MIN, micros))
        .bind(filter.until.map_or(i64::MAX, micros))
        .fetch_one(tx)
        .await
        .map_err(db)?;
    Ok(Some((get(&row, "first")?, get(&row, "last")?)))
}

async fn total(filter: &AuditFilter, tx: &mut SqliteConnection) -> Result<u64, StoreError> {
    let everything = AuditFilter { before: filter.before, ..AuditFilter::default() } == *filter;
    let count: i64 = if everything {
        // Indexes have no gaps, so the newest one is the count.
        sqlx::query_scalar("SELECT COALESCE(MAX(idx), 0) FROM audit").fetch_one(tx).await.map_err(db)?
    } else {
        let mut query = QueryBuilder::new("SELECT COUNT(*) FROM (SELECT f.idx");
        narrow(&mut query, filter)?;
        query.push(" LIMIT ").push_bind(signed("count", COUNT_MAX)?).push(")");
        query.build_query_scalar().fetch_one(tx).await.map_err(db)?
    };
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Everything but the cursor. `from` is the first moment that counts, `until` the first that does not.
fn narrow(query: &mut QueryBuilder<Sqlite>, filter: &AuditFilter) -> Result<(), StoreError> {
    let asked: Vec<&str> = filter.words.iter().flat_map(|words| words.split_whitespace()).take(WORDS_MAX).collect();
    let (indexed, signs): (Vec<&str>, Vec<&str>) =
        asked.into_iter().partition(|word| word.chars().any(char::is_alphanumeric));
    if indexed.is_empty() {
        query.push(" FROM audit_found AS f WHERE 1 = 1");
    } else {
        query
            .push(" FROM audit_words JOIN audit_found AS f ON f.idx = audit_words.rowid WHERE audit_words MATCH ")
            .push_bind(full_text(&indexed));
    }
    let risk = filter.risk.map(|risk| word("risk", &risk)).transpose()?;
    let equal = [
        (" AND f.who = ", filter.who.clone()),
        (" AND f.cluster = ", filter.cluster.map(|id| id.to_string())),
        (" AND f.node = ", filter.node.clone()),
        (" AND f.code = ", filter.code.map(|code| code.as_str().to_owned())),
        (" AND f.outcome = ", filter.outcome.map(|outcome| outcome.word().to_owned())),
        (" AND f.operation = ", filter.operation.map(|id| id.to_string())),
        (" AND f.risk = ", risk),
    ];
    for (condition, value) in equal {
        if let Some(value) = value {
            query.push(condition).push_bind(value);
        }
    }
    if let Some(from) = filter.from {
        query.push(" AND f.at >= ").push_bind(micros(from));
    }
    if let Some(until) = filter.until {
        query.push(" AND f.at < ").push_bind(micros(until));
    }
    for sign in signs {
        // What has no letter and no digit is in no full-text index.
        query.push(" AND f.words LIKE ").push_bind(format!("%{}%", escaped(sign))).push(" ESCAPE '\\'");
    }
    Ok(())
}

/// Beginnings of words, all of which must be there. In quotes nothing has a meaning of its own (sqlite.org/fts5.html, 3.1).
fn full_text(words: &[&str]) -> String {
    let quoted: Vec<String> =
        words.iter().map(|word| format!("\"{}\"*", word.to_lowercase().replace('"', "\"\""))).collect();
    quoted.join(" ")
}

/// Takes the meaning from what LIKE would read as a pattern.
fn escaped(sign: &str) -> String {
    let mut text = String::with_capacity(sign.len());
    for c in sign.chars() {
        if matches!(c, '%' | '_' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}
