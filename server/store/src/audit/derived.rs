//! What an entry is found by; the bytes are what counts.

use crate::codec::{get, micros};
use engine::audit::DETAIL_STARTED;
use engine::ports::StoreError;
use model::audit::AuditEntry;
use model::risk::Risk;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

/// Values that are asked for exactly, and what stands in columns beside them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Derived {
    pub at: i64,
    pub code: &'static str,
    pub started: Option<i64>,
    pub who: String,
    pub outcome: &'static str,
    pub cluster: Option<String>,
    pub node: Option<String>,
    pub operation: Option<String>,
    pub risk: Option<&'static str>,
}

impl Derived {
    pub fn of(entry: AuditEntry) -> Self {
        Self {
            at: micros(entry.at),
            code: entry.code.as_str(),
            started: entry.details.get(DETAIL_STARTED).and_then(|index| index.parse().ok()),
            who: entry.who,
            outcome: entry.outcome.word(),
            cluster: entry.cluster.map(|id| text(id.as_uuid())),
            node: entry.node,
            operation: entry.operation.map(|id| text(id.as_uuid())),
            risk: entry.risk.map(Risk::word),
        }
    }

    /// Whether the columns beside the index say the same.
    pub fn is_kept_in(&self, row: &SqliteRow) -> Result<bool, StoreError> {
        Ok(get::<i64>(row, "at")? == self.at
            && get::<&str>(row, "code")? == self.code
            && get::<Option<i64>>(row, "started")? == self.started)
    }
}

/// As it is written everywhere, without the detour through a formatter: a million entries are read again.
fn text(id: Uuid) -> String {
    id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned()
}

/// What people look for in an entry. Lower case by Unicode: the database itself only knows that of ASCII.
pub(super) fn words(entry: &AuditEntry) -> String {
    let named = [&entry.command, &entry.reason, &entry.node, &entry.cluster_name];
    let parts: Vec<&str> = named
        .into_iter()
        .filter_map(Option::as_deref)
        .chain([entry.who.as_str()])
        .chain(entry.details.values().map(String::as_str))
        .collect();
    parts.join("\n").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ids::OperationId;

    #[test]
    fn an_id_is_written_as_people_ask_for_it() {
        let id = OperationId::from_uuid(Uuid::from_u128(0x0193_abcd_ef01_7000_8000_0123_4567_89ab));
        assert_eq!(text(id.as_uuid()), id.to_string());
    }
}
