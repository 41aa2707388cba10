//! Finding entries, newest first.

use super::keys::{Field, sign};
use super::period::Period;
use super::{derive, readable};
use crate::SqliteStore;
use crate::codec::{db, number, signed};
use engine::ports::StoreError;
use model::audit::{AuditFilter, AuditPage, COUNT_MAX, ChainedEntry};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use std::time::Instant;

/// The longest page, in entries.
pub(super) const PAGE_MAX: u32 = 500;
/// Words that are looked for at most; more would only narrow what is already narrow.
const WORDS_MAX: usize = 8;

/// A page of one file, and the number of all its entries that the filter, its cursor left aside, meets.
pub(super) async fn find(store: &SqliteStore, filter: &AuditFilter, limit: u32) -> Result<AuditPage, StoreError> {
    let began = Instant::now();
    derive::catch_up(store).await?;
    let limit = limit.clamp(1, PAGE_MAX);
    let mut tx = store.read().await?;
    let asked = Asked::of(filter, Period::of(filter, &mut tx).await?)?;
    let (all, total, more) = asked.all(&mut tx).await?;
    // One more than asked for tells whether there is another page.
    let mut rows = match all {
        Some(all) => newest(all, filter.before, limit + 1)?,
        None => asked.page(filter.before, limit + 1)?,
    };
    let rows = rows.build().fetch_all(&mut *tx).await.map_err(db)?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found = rows.iter().map(numbered).collect::<Result<Vec<_>, _>>()?;
    found.sort_by_key(|(index, _)| std::cmp::Reverse(*index));
    let goes_on = found.len() > shown;
    found.truncate(shown);
    let next = if goes_on { found.last().map(|(index, _)| *index) } else { None };
    let unreadable = found.iter().filter(|(_, entry)| entry.is_none()).map(|(index, _)| *index).collect();
    let entries = found.into_iter().filter_map(|(_, entry)| entry).collect();
    let millis = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
    Ok(AuditPage { entries, unreadable, next, total, more, millis, unread: Vec::new() })
}

/// The newest of these indexes, from the cursor on.
fn newest(mut all: Vec<i64>, before: Option<u64>, limit: u32) -> Result<QueryBuilder<Sqlite>, StoreError> {
    let before = before.map(|before| signed("cursor", before)).transpose()?;
    all.retain(|index| before.is_none_or(|before| *index < before));
    all.sort_by_key(|index| std::cmp::Reverse(*index));
    all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let mut query = QueryBuilder::new("SELECT idx, bytes, prev, hash FROM audit WHERE idx IN (");
    let mut indexes = query.separated(", ");
    for index in all {
        indexes.push_bind(index);
    }
    query.push(")");
    Ok(query)
}

/// An entry with its index; whoever makes one unreadable hides none beside it.
fn numbered(row: &SqliteRow) -> Result<(u64, Option<ChainedEntry>), StoreError> {
    Ok((number(row, "idx")?, readable(row)?))
}

/// What is looked for, its cursor left aside.
pub(super) struct Asked {
    /// In the language of the full text; `None` where every entry meets it.
    matching: Option<String>,
    period: Option<Period>,
}

impl Asked {
    pub fn of(filter: &AuditFilter, period: Option<Period>) -> Result<Self, StoreError> {
        let keys = keys_of(filter)?.into_iter().map(|key| format!("keys : \"{key}\""));
        let words = filter.words.iter().flat_map(|words| words.split_whitespace()).take(WORDS_MAX);
        let parts: Vec<String> = keys.chain(words.flat_map(full_text)).collect();
        Ok(Self { matching: (!parts.is_empty()).then(|| parts.join(" AND ")), period })
    }

    pub fn page(&self, before: Option<u64>, limit: u32) -> Result<QueryBuilder<Sqlite>, StoreError> {
        // Which entries is answered by what they are found by alone; only those of the page are read.
        let mut query = QueryBuilder::new("SELECT idx, bytes, prev, hash FROM audit WHERE idx IN (");
        let last = before.map(|before| signed("cursor", before)).transpose()?.map(|before| before.saturating_sub(1));
        let row = self.narrow(&mut query, last);
        query.push(format_args!(" ORDER BY {row} DESC LIMIT ")).push_bind(i64::from(limit)).push(")");
        Ok(query)
    }

    /// The indexes of the first entries that meet it, in no order; one more than is told.
    pub fn first(&self) -> Result<QueryBuilder<Sqlite>, StoreError> {
        let mut query = QueryBuilder::new("");
        self.narrow(&mut query, None);
        query.push(" LIMIT ").push_bind(signed("count", COUNT_MAX + 1)?);
        Ok(query)
    }

    /// All entries that meet it, where they are not too many to be counted; how many there are, and whether there are more.
    ///
    /// Lists are gone through from their beginning, which costs less than from their end, and few entries need not be looked
    /// for a second time.
    async fn all(&self, tx: &mut SqliteConnection) -> Result<(Option<Vec<i64>>, u64, bool), StoreError> {
        if self.matching.is_none() && self.period.is_none() {
            // Indexes have no gaps, so the newest one, from where this file begins, is the count.
            let sql = "SELECT COALESCE((SELECT MAX(idx) FROM audit) - (SELECT idx FROM audit_base), 0)";
            let count: i64 = sqlx::query_scalar(sql).fetch_one(tx).await.map_err(db)?;
            return Ok((None, u64::try_from(count).unwrap_or(0), false));
        }
        let all: Vec<i64> = self.first()?.build_query_scalar().fetch_all(tx).await.map_err(db)?;
        let count = all.len() as u64;
        Ok(if count > COUNT_MAX { (None, COUNT_MAX, true) } else { (Some(all), count, false) })
    }

    /// Selects the indexes of all entries up to `last` that meet it, and says what they are called in there.
    fn narrow(&self, query: &mut QueryBuilder<Sqlite>, last: Option<i64>) -> &'static str {
        let row = match &self.matching {
            Some(text) => {
                query.push("SELECT rowid FROM audit_index WHERE audit_index MATCH ").push_bind(text.clone());
                "audit_index.rowid"
            }
            None => {
                query.push("SELECT idx FROM audit_found WHERE 1 = 1");
                "audit_found.idx"
            }
        };
        match (&self.period, last) {
            (Some(period), last) => period.narrow(query, row, last.unwrap_or(i64::MAX)),
            (None, Some(last)) => {
                query.push(format_args!(" AND {row} <= ")).push_bind(last);
            }
            (None, None) => {}
        }
        row
    }
}

/// The keys that an entry must have, the rarest kind first.
fn keys_of(filter: &AuditFilter) -> Result<Vec<String>, StoreError> {
    let value = |field| {
        Ok(match field {
            Field::Operation => filter.operation.map(|id| id.to_string()),
            Field::Node => filter.node.clone(),
            Field::Who => filter.who.clone(),
            Field::Cluster => filter.cluster.map(|id| id.to_string()),
            Field::Code => filter.code.map(|code| code.as_str().to_owned()),
            Field::Risk => filter.risk.map(|risk| risk.word().to_owned()),
            Field::Outcome => filter.outcome.map(|outcome| outcome.word().to_owned()),
        })
    };
    let keys = Field::ALL.into_iter().map(|field| Ok(value(field)?.map(|value| field.key(&value))));
    Ok(keys.collect::<Result<Vec<_>, StoreError>>()?.into_iter().flatten().collect())
}

/// One word of a person: whole, or the beginning of one where a star ends it; of a word without letter and digit its signs. In
/// quotes nothing has a meaning of its own (sqlite.org/fts5.html, 3.1 and 3.2).
fn full_text(word: &str) -> Vec<String> {
    if !word.chars().any(char::is_alphanumeric) {
        return word.chars().map(|c| format!("signs : \"{}\"", sign(c))).collect();
    }
    let whole = word.trim_end_matches('*');
    let star = if whole.len() < word.len() { " *" } else { "" };
    vec![format!("words : \"{}\"{star}", whole.to_lowercase().replace('"', "\"\""))]
}
