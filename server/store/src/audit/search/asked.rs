//! What is looked for, in the language of the database.

use super::super::keys::{Field, sign};
use super::super::lists::LISTED;
use super::super::period::Period;
use model::audit::AuditFilter;
use sqlx::{QueryBuilder, Sqlite};
use std::ops::RangeInclusive;

/// A filter, its cursor left aside.
pub(in super::super) struct Asked {
    /// What an entry must have exactly, the rarest kind first.
    keys: Vec<(Field, String)>,
    /// Each in the language of the full text.
    words: Vec<String>,
    pub period: Option<Period>,
}

impl Asked {
    pub fn of(filter: &AuditFilter, period: Option<Period>) -> Self {
        // All of them: what is left out would make the answer a larger one (`AuditFilter::check` refuses too many).
        let words = filter.words.iter().flat_map(|words| words.split_whitespace());
        Self { keys: keys_of(filter), words: words.flat_map(full_text).collect(), period }
    }

    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether the full text answers any of it.
    pub fn is_matched(&self) -> bool {
        !self.keys.is_empty() || !self.words.is_empty()
    }

    /// Its keys, where there is a list for each of them.
    pub fn listed(&self) -> Option<Vec<String>> {
        let all = self.keys.iter().all(|(field, _)| LISTED.contains(field));
        all.then(|| self.keys.iter().map(|(_, key)| key.clone()).collect())
    }

    /// All of it in the language of the full text; `None` where every entry meets it.
    pub fn matching(&self) -> Option<String> {
        all(self.in_text().chain(self.words.iter().cloned()))
    }

    /// All of it but that word.
    pub fn all_but(&self, word: usize) -> Option<String> {
        all(self.in_text().chain(self.but(word)))
    }

    /// The words but that one.
    pub fn words_but(&self, word: usize) -> Option<String> {
        all(self.but(word))
    }

    fn in_text(&self) -> impl Iterator<Item = String> {
        self.keys.iter().map(|(_, key)| format!("keys : \"{key}\""))
    }

    fn but(&self, word: usize) -> impl Iterator<Item = String> {
        self.words.iter().enumerate().filter(move |(place, _)| *place != word).map(|(_, word)| word.clone())
    }

    /// The first indexes of a range whose entries meet `matching` and are in the period, so many at most: in no order and in one
    /// row, for each row has a price of its own.
    pub fn first(&self, matching: Option<&str>, range: &RangeInclusive<i64>, most: i64) -> QueryBuilder<Sqlite> {
        let mut query = QueryBuilder::new("SELECT group_concat(found, ' ') FROM (");
        self.narrow(&mut query, matching, range);
        query.push(" LIMIT ").push_bind(most).push(")");
        query
    }

    /// The last indexes of a range, in the period, so many at most.
    pub fn last(&self, range: &RangeInclusive<i64>, most: i64) -> QueryBuilder<Sqlite> {
        let mut query = QueryBuilder::new("SELECT group_concat(found, ' ') FROM (");
        let row = self.narrow(&mut query, None, range);
        query.push(format_args!(" ORDER BY {row} DESC LIMIT ")).push_bind(most).push(")");
        query
    }

    /// Those of some entries that meet `matching`, each looked up by itself.
    pub fn among(&self, matching: &str, indexes: &[i64]) -> QueryBuilder<Sqlite> {
        let mut query = QueryBuilder::new("SELECT group_concat(rowid, ' ') FROM audit_index WHERE audit_index MATCH ");
        query.push_bind(matching.to_owned()).push(" AND rowid IN (");
        let mut list = query.separated(", ");
        for index in indexes {
            list.push_bind(*index);
        }
        query.push(")");
        query
    }

    /// Selects the indexes of a range as `found`, and says what they are called in there.
    fn narrow(
        &self,
        query: &mut QueryBuilder<Sqlite>,
        matching: Option<&str>,
        range: &RangeInclusive<i64>,
    ) -> &'static str {
        let row = match matching {
            Some(text) => {
                query.push("SELECT rowid AS found FROM audit_index WHERE audit_index MATCH ");
                query.push_bind(text.to_owned()).push(" AND ");
                "audit_index.rowid"
            }
            None => {
                query.push("SELECT idx AS found FROM audit_found WHERE ");
                "audit_found.idx"
            }
        };
        // One bound on each side: full text would take only one of two.
        query.push(format_args!("{row} BETWEEN ")).push_bind(*range.start());
        query.push(" AND ").push_bind(*range.end());
        if let Some(period) = &self.period {
            period.narrow(query, row);
        }
        row
    }
}

fn all(parts: impl Iterator<Item = String>) -> Option<String> {
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| parts.join(" AND "))
}

fn keys_of(filter: &AuditFilter) -> Vec<(Field, String)> {
    let value = |field| match field {
        Field::Operation => filter.operation.map(|id| id.to_string()),
        Field::Node => filter.node.clone(),
        Field::Who => filter.who.clone(),
        Field::Cluster => filter.cluster.map(|id| id.to_string()),
        Field::Code => filter.code.map(|code| code.as_str().to_owned()),
        Field::Risk => filter.risk.map(|risk| risk.word().to_owned()),
        Field::Outcome => filter.outcome.map(|outcome| outcome.word().to_owned()),
    };
    Field::ALL.into_iter().filter_map(|field| value(field).map(|value| (field, field.key(&value)))).collect()
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
