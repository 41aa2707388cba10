//! The columns that an entry is found by; the bytes are what counts.

use crate::codec::{get, micros, word};
use engine::audit::DETAIL_STARTED;
use engine::ports::StoreError;
use model::audit::AuditEntry;
use sqlx::sqlite::SqliteRow;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Derived {
    pub at: i64,
    pub code: String,
    pub who: String,
    pub outcome: String,
    pub cluster: Option<String>,
    pub node: Option<String>,
    pub operation: Option<String>,
    pub step: Option<i64>,
    pub risk: Option<String>,
    pub command: Option<String>,
    pub reason: Option<String>,
    pub exit: Option<i64>,
    pub started: Option<i64>,
    pub words: String,
}

impl Derived {
    pub fn of(entry: &AuditEntry) -> Result<Self, StoreError> {
        Ok(Self {
            at: micros(entry.at),
            code: entry.code.as_str().to_owned(),
            who: entry.who.clone(),
            outcome: entry.outcome.word().to_owned(),
            cluster: entry.cluster.map(|id| id.to_string()),
            node: entry.node.clone(),
            operation: entry.operation.map(|id| id.to_string()),
            step: entry.step.map(i64::from),
            risk: entry.risk.map(|risk| word("risk", &risk)).transpose()?,
            command: entry.command.clone(),
            reason: entry.reason.clone(),
            exit: entry.exit.map(i64::from),
            started: entry.details.get(DETAIL_STARTED).and_then(|index| index.parse().ok()),
            words: words(entry),
        })
    }

    pub fn stored(row: &SqliteRow) -> Result<Self, StoreError> {
        Ok(Self {
            at: get(row, "at")?,
            code: get(row, "code")?,
            who: get(row, "who")?,
            outcome: get(row, "outcome")?,
            cluster: get(row, "cluster")?,
            node: get(row, "node")?,
            operation: get(row, "operation")?,
            step: get(row, "step")?,
            risk: get(row, "risk")?,
            command: get(row, "command")?,
            reason: get(row, "reason")?,
            exit: get(row, "exit")?,
            started: get(row, "started")?,
            words: get(row, "words")?,
        })
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
