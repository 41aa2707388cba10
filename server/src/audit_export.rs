//! The audit as a file: exactly what is filtered, newest first, as CSV or as JSON Lines.

use crate::backend::caller_of;
use crate::state::AppState;
use app::audit_filter;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::audit::Person;
use engine::context::store_problem;
use engine::ports::{Store, StoreError};
use futures::{Stream, stream};
use model::audit::{AuditCode, AuditFilter, AuditPage, ChainedEntry, Outcome};
use model::can::{self, Deed};
use std::sync::Arc;
use tower_sessions::Session;

/// Entries that are read at once.
const PAGE: u32 = 500;

/// Columns of the CSV, in this order. The details are one JSON object.
pub const COLUMNS: [&str; 20] = [
    "index",
    "at",
    "who",
    "code",
    "outcome",
    "cluster",
    "cluster_name",
    "node",
    "operation",
    "step",
    "risk",
    "command",
    "exit",
    "millis",
    "reason",
    "details",
    "output",
    "previous",
    "hash",
    "quoted",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Csv,
    Jsonl,
}

impl Format {
    fn of(word: Option<&str>) -> Option<Self> {
        match word {
            Some("csv") => Some(Self::Csv),
            Some("jsonl") => Some(Self::Jsonl),
            _ => None,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Jsonl => "application/jsonl; charset=utf-8",
        }
    }
}

/// `GET /audit/export?format=csv|jsonl&...`, with the parameters of the page's own address.
pub async fn route(
    State(state): State<AppState>,
    session: Session,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    let Ok(caller) = caller_of(&state, &session).await else { return StatusCode::UNAUTHORIZED.into_response() };
    if can::do_it(caller.access.everywhere, Deed::ReadAudit).is_err() {
        return StatusCode::FORBIDDEN.into_response();
    }
    let (formats, parts): (Vec<_>, Vec<_>) = query.into_iter().partition(|(name, _)| name == "format");
    let Some(format) = Format::of(formats.last().map(|(_, word)| word.as_str())) else {
        return (StatusCode::BAD_REQUEST, "format is csv or jsonl\n").into_response();
    };
    // A file of more than was asked for would be taken for what was asked.
    let filter = match audit_filter(parts) {
        Ok(filter) => filter,
        Err(misread) => return (StatusCode::BAD_REQUEST, format!("{misread}\n")).into_response(),
    };
    let who = Person { name: caller.name };
    let first = match begin(&state.engine, &who, &filter, format).await {
        Ok(filter) => filter,
        Err(error) => {
            let problem = store_problem(&error);
            return (StatusCode::SERVICE_UNAVAILABLE, format!("{problem}\n")).into_response();
        }
    };
    let body = Body::from_stream(lines(Arc::clone(&state.engine.store), first, format));
    let file = format!("attachment; filename=\"quorate-audit.{}\"", format.word());
    let disposition = HeaderValue::from_str(&file).unwrap_or(HeaderValue::from_static("attachment"));
    (
        [
            (header::CONTENT_TYPE, HeaderValue::from_static(format.media_type())),
            (header::CONTENT_DISPOSITION, disposition),
        ],
        body,
    )
        .into_response()
}

/// Writes down who takes what away, and fixes the end: what comes while the file is written is not in it.
///
/// # Errors
/// When the store fails, or an archived part that may hold something of it cannot be read.
pub async fn begin(
    engine: &engine::Engine,
    who: &Person,
    filter: &AuditFilter,
    format: Format,
) -> Result<AuditFilter, StoreError> {
    readable(&engine.store.find(filter, 1).await?)?;
    let end = engine.store.entries().await?.saturating_add(1);
    let mut entry = engine.audit.entry(AuditCode::AuditExported, who, Outcome::Success);
    entry.details.insert("format".to_owned(), format.word().to_owned());
    let asked = serde_json::to_string(&AuditFilter { before: None, ..filter.clone() });
    entry.details.insert("filter".to_owned(), asked.unwrap_or_default());
    engine.audit.write(entry).await?;
    Ok(AuditFilter { before: Some(filter.before.map_or(end, |before| before.min(end))), ..filter.clone() })
}

/// A file that leaves out what cannot be read would be taken for all there is.
fn readable(page: &AuditPage) -> Result<(), StoreError> {
    page.unread.first().map_or(Ok(()), |unread| Err(StoreError::Unread(unread.clone())))
}

/// The file, a page at a time; a reader that is slow slows the reading.
pub fn lines(
    store: Arc<dyn Store>,
    filter: AuditFilter,
    format: Format,
) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static {
    let head = match format {
        Format::Csv => row(COLUMNS),
        Format::Jsonl => Ok(Bytes::new()),
    };
    let pages = stream::try_unfold(Some(filter), move |left| {
        let store = Arc::clone(&store);
        async move {
            let Some(filter) = left else { return Ok(None) };
            let page = store.find(&filter, PAGE).await.map_err(std::io::Error::other)?;
            readable(&page).map_err(std::io::Error::other)?;
            // A file without them would look whole.
            if let Some(index) = page.unreadable.first() {
                return Err(std::io::Error::other(format!("entry {index} of the audit cannot be read")));
            }
            let mut text = Vec::new();
            for entry in &page.entries {
                text.extend_from_slice(&line(entry, format)?);
            }
            let next = page.next.map(|before| AuditFilter { before: Some(before), ..filter });
            Ok(Some((Bytes::from(text), next)))
        }
    });
    futures::StreamExt::chain(stream::once(async { head }), pages)
}

fn line(one: &ChainedEntry, format: Format) -> Result<Bytes, std::io::Error> {
    match format {
        Format::Jsonl => {
            let mut text = serde_json::to_vec(one).map_err(std::io::Error::other)?;
            text.push(b'\n');
            Ok(Bytes::from(text))
        }
        Format::Csv => {
            let cells = cells(one)?;
            let quoted = cells.iter().any(|cell| is_formula(cell));
            let cells = cells.into_iter().map(disarmed).chain([if quoted { "yes".to_owned() } else { String::new() }]);
            row(cells.collect::<Vec<_>>())
        }
    }
}

fn cells(one: &ChainedEntry) -> Result<Vec<String>, std::io::Error> {
    let entry = &one.entry;
    let number = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let details = if entry.details.is_empty() {
        String::new()
    } else {
        serde_json::to_string(&entry.details).map_err(std::io::Error::other)?
    };
    let risk = entry.risk.and_then(|risk| serde_json::to_value(risk).ok()?.as_str().map(str::to_owned));
    Ok(vec![
        one.index.to_string(),
        entry.at.to_string(),
        entry.who.clone(),
        entry.code.as_str().to_owned(),
        entry.outcome.word().to_owned(),
        entry.cluster.map(|id| id.to_string()).unwrap_or_default(),
        text(&entry.cluster_name),
        text(&entry.node),
        entry.operation.map(|id| id.to_string()).unwrap_or_default(),
        number(entry.step.map(i64::from)),
        risk.unwrap_or_default(),
        text(&entry.command),
        number(entry.exit.map(i64::from)),
        entry.millis.map(|millis| millis.to_string()).unwrap_or_default(),
        text(&entry.reason),
        details,
        text(&entry.output),
        one.previous.clone(),
        one.hash.clone(),
    ])
}

/// Spreadsheets run what begins like this (OWASP, CSV injection); what nodes print is not theirs to run.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<i64>().is_err()
}

fn disarmed(cell: String) -> String {
    if is_formula(&cell) { format!("'{cell}") } else { cell }
}

fn row<I, T>(cells: I) -> Result<Bytes, std::io::Error>
where
    I: IntoIterator<Item = T>,
    T: AsRef<[u8]>,
{
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(cells).map_err(std::io::Error::other)?;
    writer.into_inner().map(Bytes::from).map_err(|error| std::io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;
    use model::audit::AuditEntry;

    fn entry(output: &str) -> ChainedEntry {
        let mut entry =
            AuditEntry::new(Timestamp::UNIX_EPOCH, AuditCode::CommandFinished, "ops-1".to_owned(), Outcome::Success);
        entry.output = Some(output.to_owned());
        entry.exit = Some(-1);
        entry.command = Some("pvecm expected 1".to_owned());
        ChainedEntry { index: 7, entry, previous: "00".to_owned(), hash: "11".to_owned() }
    }

    fn cell(text: &[u8], column: &str) -> String {
        let place = COLUMNS.iter().position(|one| *one == column).expect("a column");
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
        reader.records().next().expect("a row").expect("readable")[place].to_owned()
    }

    #[test]
    fn what_would_run_in_a_spreadsheet_is_disarmed_and_marked() {
        for (output, shown, quoted) in [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0", "yes"),
            ("@SUM(1)", "'@SUM(1)", "yes"),
            ("two\nlines, \"quoted\"", "two\nlines, \"quoted\"", ""),
        ] {
            let text = line(&entry(output), Format::Csv).expect("a line");
            assert_eq!((cell(&text, "output").as_str(), cell(&text, "quoted").as_str()), (shown, quoted));
            assert_eq!(cell(&text, "exit"), "-1", "a number is no formula");
        }
    }

    #[test]
    fn a_line_of_json_is_the_entry_itself() {
        let text = line(&entry("=1"), Format::Jsonl).expect("a line");
        assert_eq!(serde_json::from_slice::<ChainedEntry>(&text).expect("readable"), entry("=1"));
    }
}
