//! What an entry is found by; the bytes are what counts.

use crate::codec::{get, micros, word};
use engine::audit::DETAIL_STARTED;
use engine::ports::StoreError;
use model::audit::AuditEntry;
use sqlx::sqlite::SqliteRow;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Derived {
    pub at: i64,
    pub code: String,
    pub started: Option<i64>,
    pub who: String,
    pub outcome: String,
    pub cluster: Option<String>,
    pub node: Option<String>,
    pub operation: Option<String>,
    pub risk: Option<String>,
    pub words: String,
}

impl Derived {
    pub fn of(entry: &AuditEntry) -> Result<Self, StoreError> {
        Ok(Self {
            at: micros(entry.at),
            code: entry.code.as_str().to_owned(),
            started: entry.details.get(DETAIL_STARTED).and_then(|index| index.parse().ok()),
            who: entry.who.clone(),
            outcome: entry.outcome.word().to_owned(),
            cluster: entry.cluster.map(|id| id.to_string()),
            node: entry.node.clone(),
            operation: entry.operation.map(|id| id.to_string()),
            risk: entry.risk.map(|risk| word("risk", &risk)).transpose()?,
            words: words(entry),
        })
    }

    /// Whether the columns beside the index say the same.
    pub fn is_kept_in(&self, row: &SqliteRow) -> Result<bool, StoreError> {
        Ok(get::<i64>(row, "at")? == self.at
            && get::<&str>(row, "code")? == self.code
            && get::<Option<i64>>(row, "started")? == self.started)
    }
}

/// Lower case by Unicode: the database itself only knows that of ASCII.
fn words(entry: &AuditEntry) -> String {
    let named = [&entry.command, &entry.reason, &entry.node, &entry.cluster_name];
    let parts: Vec<&str> = named
        .into_iter()
        .filter_map(Option::as_deref)
        .chain([entry.who.as_str()])
        .chain(entry.details.values().map(String::as_str))
        .collect();
    parts.join("\n").to_lowercase()
}
