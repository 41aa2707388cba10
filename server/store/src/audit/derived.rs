//! What an entry is found by; the bytes are what counts.

use crate::codec::{get, micros};
use engine::audit::DETAIL_STARTED;
use engine::ports::StoreError;
use model::Timestamp;
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::ids::{ClusterId, OperationId};
use model::risk::Risk;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use sqlx::sqlite::SqliteRow;
use std::borrow::Cow;
use std::fmt;

/// The values of an entry that are asked for exactly, read without making the rest of it: a million are read again. Bytes that
/// are no [`AuditEntry`] are none of these either.
#[derive(Debug, Deserialize)]
pub(super) struct Derived<'a> {
    at: Timestamp,
    pub code: AuditCode,
    #[serde(borrow)]
    pub who: Text<'a>,
    pub outcome: Outcome,
    #[serde(default)]
    pub cluster: Option<ClusterId>,
    #[serde(default, rename = "cluster_name")]
    _cluster_name: Option<Skipped>,
    #[serde(default, borrow)]
    pub node: Option<Text<'a>>,
    #[serde(default)]
    pub operation: Option<OperationId>,
    #[serde(default, rename = "step")]
    _step: Option<u16>,
    #[serde(default)]
    pub risk: Option<Risk>,
    #[serde(default, rename = "command")]
    _command: Option<Skipped>,
    #[serde(default, rename = "exit")]
    _exit: Option<i32>,
    #[serde(default, rename = "millis")]
    _millis: Option<u64>,
    #[serde(default, rename = "output")]
    _output: Option<Skipped>,
    #[serde(default, rename = "reason")]
    _reason: Option<Skipped>,
    #[serde(default)]
    details: Details,
}

impl Derived<'_> {
    /// In microseconds.
    pub fn at(&self) -> i64 {
        micros(self.at)
    }

    /// The entry that this one closes.
    pub const fn started(&self) -> Option<i64> {
        self.details.started
    }

    /// Whether the columns beside the index say the same.
    pub fn is_kept_in(&self, row: &SqliteRow) -> Result<bool, StoreError> {
        Ok(get::<i64>(row, "at")? == self.at()
            && get::<&str>(row, "code")? == self.code.as_str()
            && get::<Option<i64>>(row, "started")? == self.started())
    }
}

/// A text of the bytes themselves, where nothing in it is written in another way.
#[derive(Debug, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// A text that is read past.
#[derive(Debug)]
struct Skipped;

impl<'de> Deserialize<'de> for Skipped {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(Self)
    }
}

impl Visitor<'_> for Skipped {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }
}

/// Of the details only the one that pairs entries.
#[derive(Debug, Default)]
struct Details {
    started: Option<i64>,
}

impl<'de> Deserialize<'de> for Details {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Self::default())
    }
}

impl<'de> Visitor<'de> for Details {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("texts by their names")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some(Text(name)) = map.next_key()? {
            if name == DETAIL_STARTED {
                let Text(index) = map.next_value()?;
                self.started = index.parse().ok();
            } else {
                let Skipped = map.next_value()?;
            }
        }
        Ok(self)
    }
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
    use serde_json::{Map, Value, json};

    /// Everything that an entry can say.
    fn full() -> Map<String, Value> {
        let entry = json!({
            "at": "2026-11-29T02:00:00.123456789Z",
            "code": "command_finished",
            "who": "anna \"\u{e9}\n",
            "outcome": "success",
            "cluster": "0193abcd-ef01-7000-8000-0123456789ab",
            "cluster_name": "prod",
            "node": "pve\t1",
            "operation": "0193abcd-ef01-7000-8000-0123456789ac",
            "step": 3,
            "risk": "read-only",
            "command": "pvecm\nstatus",
            "exit": -1,
            "millis": 12,
            "output": "\u{1e}",
            "reason": "why",
            "details": { "started": "17", "unit": "x\n" },
        });
        entry.as_object().expect("an object").clone()
    }

    /// Both readings of the same bytes; `None` where they are no entry.
    fn both(entry: &Map<String, Value>) -> Option<()> {
        let text = serde_json::to_string(entry).expect("JSON");
        let whole: Option<AuditEntry> = serde_json::from_str(&text).ok();
        let derived: Option<Derived<'_>> = serde_json::from_str(&text).ok();
        assert_eq!(whole.is_some(), derived.is_some(), "{text}");
        let (whole, derived) = (whole?, derived?);
        let texts = |text: &Option<Text<'_>>| text.as_ref().map(|text| text.0.to_string());
        assert_eq!((micros(whole.at), whole.code, whole.outcome), (derived.at(), derived.code, derived.outcome));
        assert_eq!((whole.who, whole.node), (derived.who.0.to_string(), texts(&derived.node)));
        assert_eq!((whole.cluster, whole.operation, whole.risk), (derived.cluster, derived.operation, derived.risk));
        let started = whole.details.get(DETAIL_STARTED).and_then(|index| index.parse().ok());
        assert_eq!(started, derived.started());
        Some(())
    }

    #[test]
    fn what_is_derived_says_what_the_entry_says_and_is_read_from_the_same_bytes() {
        let full = full();
        let known: AuditEntry = serde_json::from_value(Value::Object(full.clone())).expect("an entry");
        let written = serde_json::to_value(known).expect("JSON");
        assert_eq!(written.as_object().map(Map::len), Some(full.len()), "every field of an entry is here");
        assert!(both(&full).is_some());
        let odd = [
            json!(null),
            json!(true),
            json!(-1),
            json!(70_000),
            json!(1.5),
            json!(""),
            json!("17"),
            json!("x"),
            json!([]),
            json!({}),
            json!({ "started": 17 }),
            json!({ "started": "x" }),
            json!({ "other": null }),
        ];
        for name in full.keys() {
            let mut less = full.clone();
            less.remove(name);
            both(&less);
            for value in &odd {
                let mut other = full.clone();
                other.insert(name.clone(), value.clone());
                both(&other);
            }
        }
        let mut more = full;
        more.insert("unheard_of".into(), json!([1]));
        assert!(both(&more).is_some());
    }
}
