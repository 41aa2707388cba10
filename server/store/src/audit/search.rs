//! Finding entries, newest first.

use super::keys::{Field, sign};
use super::period::Period;
use super::{chained, derive};
use crate::SqliteStore;
use crate::codec::{db, signed, word};
use engine::ports::StoreError;
use model::audit::{AuditFilter, AuditPage, COUNT_MAX};
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
    // One more than asked for tells whether there is another page.
    let rows = asked.page(filter.before, limit + 1)?.build().fetch_all(&mut *tx).await.map_err(db)?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut entries = rows.iter().map(chained).collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.index));
    let more = entries.len() > shown;
    entries.truncate(shown);
    let total = if filter.before.is_none() && !more { entries.len() as u64 } else { asked.total(&mut tx).await? };
    let next = if more { entries.last().map(|entry| entry.index) } else { None };
    let millis = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
    Ok(AuditPage { entries, next, total, millis, unread: Vec::new() })
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

    pub fn count(&self) -> Result<QueryBuilder<Sqlite>, StoreError> {
        let mut query = QueryBuilder::new("SELECT COUNT(*) FROM (");
        self.narrow(&mut query, None);
        query.push(" LIMIT ").push_bind(signed("count", COUNT_MAX)?).push(")");
        Ok(query)
    }

    async fn total(&self, tx: &mut SqliteConnection) -> Result<u64, StoreError> {
        let count: i64 = if self.matching.is_none() && self.period.is_none() {
            // Indexes have no gaps, so the newest one, from where this file begins, is the count.
            let sql = "SELECT COALESCE((SELECT MAX(idx) FROM audit) - (SELECT idx FROM audit_base), 0)";
            sqlx::query_scalar(sql).fetch_one(tx).await.map_err(db)?
        } else {
            self.count()?.build_query_scalar().fetch_one(tx).await.map_err(db)?
        };
        Ok(u64::try_from(count).unwrap_or(0))
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
            Field::Risk => filter.risk.map(|risk| word("risk", &risk)).transpose()?,
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
