//! The journal as JSON lines (`journalctl -o json`).

use crate::answer::{Answer, INPUT_MAX_BYTES};
use crate::clean::clean_text;
use crate::command::{CommandLine, LARGE_OUTPUT_MAX_BYTES};
use crate::error::{ParseError, Reason, at_most};
use crate::systemd::Service;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::str::FromStr;

mod stream;
pub use stream::LineReader;

const WHAT: &str = "journalctl";
/// The longest line that is read, in bytes: the journal's own limit for a message is 48 KiB.
const LINE_MAX_BYTES: usize = 1 << 17;
/// The most entries of one answer.
const ENTRIES_MAX: usize = 1 << 14;
/// The longest cursor, in bytes.
const CURSOR_MAX_BYTES: usize = 512;

/// A place in one node's journal, to go on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Cursor {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let fits = (1..=CURSOR_MAX_BYTES).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "=;_-".contains(c));
        if fits { Ok(Self(text.to_owned())) } else { Err(ParseError::malformed(WHAT, "the cursor", text)) }
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    pub cursor: Option<Cursor>,
    /// When the journal got it.
    pub time: Timestamp,
    /// `corosync.service`
    pub unit: Option<String>,
    /// `corosync`, `pmxcfs`
    pub identifier: Option<String>,
    /// 0 (emergency) to 7 (debug).
    pub priority: Option<u8>,
    /// Cleaned.
    pub message: String,
}

/// Follows the journal of services from now on, or from where an earlier stream ended.
#[must_use]
pub fn follow(services: &[Service], after: Option<&Cursor>) -> CommandLine {
    let command = CommandLine::follow("journalctl").arg("-f");
    let command = match after {
        Some(cursor) => command.arg(format!("--after-cursor={}", cursor.as_str())),
        None => command.args(["-n", "0"]),
    };
    units(command.args(["-o", "json"]), services)
}

/// The last `count` entries of services.
#[must_use]
pub fn recent(services: &[Service], count: u16) -> CommandLine {
    let command = CommandLine::reads("journalctl").arg("-n").arg(count.to_string());
    units(command.args(["-o", "json", "--no-pager"]), services).output_max(LARGE_OUTPUT_MAX_BYTES)
}

fn units(command: CommandLine, services: &[Service]) -> CommandLine {
    services.iter().fold(command, |command, service| command.arg("-u").arg(service.name()))
}

/// Reads the answer of [`recent`]; no entry is an answer.
///
/// # Errors
/// A failure of `journalctl` or a line that is no entry.
pub fn entries(answer: Answer<'_>) -> Result<Vec<JournalEntry>, ParseError> {
    let text = answer.text(WHAT)?;
    if answer.exit != 0 {
        return Err(answer.failure(WHAT));
    }
    // `-- No entries --` is what versions print that find nothing.
    let lines = || text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("-- "));
    at_most(WHAT, lines().take(ENTRIES_MAX + 1).count(), ENTRIES_MAX)?;
    lines().map(|line| entry(line.as_bytes())).collect()
}

/// Reads one line of the stream.
///
/// # Errors
/// A line that is no JSON object or has no time.
pub fn entry(line: &[u8]) -> Result<JournalEntry, ParseError> {
    if line.len() > LINE_MAX_BYTES.min(INPUT_MAX_BYTES) {
        return Err(ParseError::new(WHAT, Reason::TooLong { max_bytes: LINE_MAX_BYTES }));
    }
    let text = String::from_utf8_lossy(line);
    let fields: Map<String, Value> =
        serde_json::from_str(&text).map_err(|_| ParseError::malformed(WHAT, "the JSON", &text))?;
    let micros: i64 = string(&fields, "__REALTIME_TIMESTAMP")
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| ParseError::at(WHAT, &text, Reason::Missing("__REALTIME_TIMESTAMP")))?;
    let time = Timestamp::from_microsecond(micros).map_err(|_| ParseError::malformed(WHAT, "the time", &text))?;
    Ok(JournalEntry {
        cursor: string(&fields, "__CURSOR").and_then(|text| text.parse().ok()),
        time,
        unit: string(&fields, "_SYSTEMD_UNIT").map(|text| clean_text(&text)),
        identifier: string(&fields, "SYSLOG_IDENTIFIER").map(|text| clean_text(&text)),
        priority: string(&fields, "PRIORITY").and_then(|text| text.parse().ok()).filter(|level| *level <= 7),
        message: string(&fields, "MESSAGE").map(|text| clean_text(&text)).unwrap_or_default(),
    })
}

/// A field's text: a string, the bytes of one that is not UTF-8, or the last of several.
fn string(fields: &Map<String, Value>, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) if items.iter().all(Value::is_number) => {
            let bytes: Option<Vec<u8>> = items.iter().map(|item| u8::try_from(item.as_u64()?).ok()).collect();
            bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        }
        Value::Array(items) => items.last().and_then(Value::as_str).map(str::to_owned),
        _ => None,
    }
}
