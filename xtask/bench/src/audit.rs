//! The audit with a million entries: finding, reading everything again, and what an entry costs.

use crate::report::{Figure, percentile, print};
use anyhow::{Context as _, ensure};
use engine::ports::AuditStore;
use jiff::{SignedDuration, Timestamp};
use model::audit::{AuditCode, AuditEntry, AuditFilter, ChainState, Outcome};
use model::ids::{ClusterId, OperationId};
use model::risk::Risk;
use std::time::{Duration, Instant};
use store::{Bare, SqliteStore};
use uuid::Uuid;

const ENTRIES: u64 = 1_000_000;
/// Entries that are written at once while the log is filled.
const FILLED_AT_ONCE: u64 = 10_000;
/// Filled entries after which that is told.
const TOLD_EVERY: u64 = 100_000;
/// Searches of each kind and place.
const SEARCHES: u64 = 200;
/// Entries that are appended in turns with the rival.
const APPENDS: u64 = 1_000;
/// Entries of a page.
const PAGE: u32 = 50;
/// Where a deep page begins: nine tenths of the log are newer.
const DEEP: u64 = ENTRIES / 10;
/// What a search may take at most, in milliseconds.
const SEARCH_MS_MAX: f64 = 20.0;
/// What reading everything again may take at most, in milliseconds.
const VERIFY_MS_MAX: f64 = 3_000.0;
/// What an entry may cost at most, in times of a bare insert.
const APPEND_TIMES_MAX: f64 = 1.3;
const PEOPLE: u64 = 12;
const NODES: u64 = 32;
const CLUSTERS: u64 = 8;
/// Entries of one operation.
const PER_OPERATION: u64 = 40;
/// From one entry to the next, in seconds: a million are about a year.
const PAUSE_S: u64 = 30;

pub async fn run() -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("a folder")?;
    let store = SqliteStore::open(&folder.path().join("quorate.db")).await?;
    let bare = Bare::open(&folder.path().join("bare.db")).await?;
    fill(&store).await?;
    searches(&store).await?;
    eprintln!("audit: reading everything again");
    let began = Instant::now();
    let whole = store.verify().await?;
    let millis = began.elapsed().as_secs_f64() * 1_000.0;
    ensure!(matches!(whole, ChainState::Whole { entries: ENTRIES, .. }), "the audit is not whole: {whole:?}");
    Figure::new("audit-verify", millis, "ms", 1).at_most(VERIFY_MS_MAX).print();
    appends(&store, &bare).await
}

/// Chained and indexed as every entry is, many in one transaction.
async fn fill(store: &SqliteStore) -> anyhow::Result<()> {
    let (mut chained, mut indexed) = (Duration::ZERO, Duration::ZERO);
    for first in (0..ENTRIES).step_by(usize::try_from(FILLED_AT_ONCE)?) {
        let entries: Vec<AuditEntry> = (first..ENTRIES.min(first + FILLED_AT_ONCE)).map(entry).collect();
        let began = Instant::now();
        store.fill_audit(&entries).await?;
        chained += began.elapsed();
        let began = Instant::now();
        let count = store.derive().await?;
        indexed += began.elapsed();
        ensure!(count == entries.len() as u64, "{count} entries were derived");
        let done = first + count;
        if done.is_multiple_of(TOLD_EVERY) {
            eprintln!("audit: {done} of {ENTRIES} entries after {:.0} s", (chained + indexed).as_secs_f64());
        }
    }
    let each = |time: Duration| time.as_secs_f64() * 1e6 / ENTRIES as f64;
    print("audit-fill", each(chained), "us per entry", usize::try_from(ENTRIES)?);
    print("audit-derive", each(indexed), "us per entry", usize::try_from(ENTRIES)?);
    Ok(())
}

/// Every kind of filter and the usual combinations, each from the newest entry on and from deep in the log.
async fn searches(store: &SqliteStore) -> anyhow::Result<()> {
    let mut worst: f64 = 0.0;
    let mut count = 0;
    for (name, filter) in alone().into_iter().chain(together()) {
        eprintln!("audit: looking for {name}");
        for (place, before) in [("", None), ("-deep", Some(DEEP))] {
            let (mut samples, mut found) = (Vec::new(), 0);
            for round in 0..SEARCHES {
                let asked = AuditFilter { before, ..filter(round) };
                let began = Instant::now();
                let page = store.find(&asked, PAGE).await?;
                samples.push(began.elapsed());
                found += page.entries.len();
            }
            ensure!(before.is_some() || (found == 0) == (name == NOTHING), "{name} finds {found} entries");
            let p99 = percentile(&samples, 99);
            worst = worst.max(p99);
            count += samples.len();
            Figure::new(&format!("audit-filter-{name}{place}-p99"), p99, "ms", samples.len())
                .at_most(SEARCH_MS_MAX)
                .print();
        }
    }
    Figure::new("audit-filter-p99", worst, "ms", count).at_most(SEARCH_MS_MAX).print();
    // Beginnings of words are gathered from the lists of all words that begin so: shown, and not in the figure.
    let mut samples = Vec::new();
    for _ in 0..SEARCHES {
        let began = Instant::now();
        store.find(&AuditFilter { words: Some("corosync*".to_owned()), ..AuditFilter::default() }, PAGE).await?;
        samples.push(began.elapsed());
    }
    print("audit-beginning-p99", percentile(&samples, 99), "ms", samples.len());
    Ok(())
}

type Asked = fn(u64) -> AuditFilter;

/// The kind that meets no entry, the longest way through the lists.
const NOTHING: &str = "nothing";

fn alone() -> Vec<(&'static str, Asked)> {
    vec![
        ("newest", |_| AuditFilter::default()),
        ("who", |round| AuditFilter { who: Some(person(round)), ..AuditFilter::default() }),
        ("cluster", |round| AuditFilter { cluster: Some(cluster(round)), ..AuditFilter::default() }),
        ("node", |round| AuditFilter { node: Some(node(round)), ..AuditFilter::default() }),
        ("code", |round| AuditFilter { code: Some(code(round)), ..AuditFilter::default() }),
        ("operation", |round| AuditFilter { operation: Some(operation(round * 5_000)), ..AuditFilter::default() }),
        ("risk", |round| AuditFilter { risk: Some(risk(round)), ..AuditFilter::default() }),
        ("outcome", |round| AuditFilter { outcome: Some(outcome(round)), ..AuditFilter::default() }),
        ("day", |round| period(round * 4_000, 2_880)),
        ("half-year", |round| period(round * 2_000, 500_000)),
        ("words", |round| AuditFilter { words: Some(format!("ticket-{}", round * 37)), ..AuditFilter::default() }),
        ("frequent-words", |_| AuditFilter {
            words: Some("corosync-quorumtool racks".to_owned()),
            ..AuditFilter::default()
        }),
    ]
}

fn together() -> Vec<(&'static str, Asked)> {
    vec![
        ("who-code", |round| AuditFilter {
            who: Some(person(round)),
            code: Some(code(round / 7)),
            ..AuditFilter::default()
        }),
        ("node-failed", |round| AuditFilter {
            node: Some(node(round)),
            outcome: Some(Outcome::Failed),
            ..AuditFilter::default()
        }),
        ("cluster-code-destructive", |round| AuditFilter {
            cluster: Some(cluster(round)),
            code: Some(code(round / 7)),
            risk: Some(Risk::Destructive),
            ..AuditFilter::default()
        }),
        ("who-node-month", |round| AuditFilter {
            who: Some(person(round)),
            node: Some(node(round / 3)),
            ..period(round * 4_000, 86_400)
        }),
        ("who-failed-half-year", |round| AuditFilter {
            who: Some(person(round)),
            outcome: Some(Outcome::Failed),
            ..period(round * 2_000, 500_000)
        }),
        ("words-who", |round| AuditFilter {
            words: Some("corosync-quorumtool".to_owned()),
            who: Some(person(round)),
            ..AuditFilter::default()
        }),
        ("words-cluster-code", |round| AuditFilter {
            words: Some(format!("maintenance {}", round * 3)),
            cluster: Some(cluster(round)),
            code: Some(code(round / 7)),
            ..AuditFilter::default()
        }),
        (NOTHING, |_| AuditFilter {
            who: Some(person(0)),
            code: Some(AuditCode::PlanProposed),
            ..AuditFilter::default()
        }),
    ]
}

/// So many entries from this one on.
fn period(first: u64, entries: u64) -> AuditFilter {
    AuditFilter { from: Some(at(first)), until: Some(at(first + entries)), ..AuditFilter::default() }
}

/// In turns: the same bytes, the same PRAGMAs, each on disk before the next.
async fn appends(store: &SqliteStore, bare: &Bare) -> anyhow::Result<()> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in ENTRIES..ENTRIES + APPENDS {
        let entry = entry(number);
        let bytes = serde_json::to_vec(&entry)?;
        let began = Instant::now();
        store.append(entry).await?;
        ours.push(began.elapsed());
        let began = Instant::now();
        bare.insert(&bytes).await?;
        theirs.push(began.elapsed());
    }
    let (ours, theirs) = (percentile(&ours, 50), percentile(&theirs, 50));
    print("audit-append-median", ours, "ms", usize::try_from(APPENDS)?);
    Figure::new("audit-append", ours / theirs, "times a bare insert", usize::try_from(APPENDS)?)
        .at_most(APPEND_TIMES_MAX)
        .print();
    Ok(())
}

fn at(number: u64) -> Timestamp {
    let since = SignedDuration::from_secs(i64::try_from(number * PAUSE_S).unwrap_or(0));
    Timestamp::from_second(1_700_000_000).ok().and_then(|start| start.checked_add(since).ok()).unwrap_or(Timestamp::MAX)
}

fn person(number: u64) -> String {
    format!("person-{}", number % PEOPLE)
}

fn node(number: u64) -> String {
    format!("pve{:02}", number % NODES)
}

fn cluster(number: u64) -> ClusterId {
    ClusterId::from_uuid(Uuid::from_u128(u128::from(number % CLUSTERS) + 1))
}

fn operation(number: u64) -> OperationId {
    OperationId::from_uuid(Uuid::from_u128(u128::from(number / PER_OPERATION) + 1))
}

fn code(number: u64) -> AuditCode {
    let all = [AuditCode::CommandStarted, AuditCode::CommandFinished, AuditCode::PlanProposed, AuditCode::SignedIn];
    all.get((number % 4) as usize).copied().unwrap_or(AuditCode::SignedIn)
}

fn risk(number: u64) -> Risk {
    if number.is_multiple_of(20) { Risk::Destructive } else { Risk::Reversible }
}

fn outcome(number: u64) -> Outcome {
    if number.is_multiple_of(20) { Outcome::Failed } else { Outcome::Success }
}

/// The same for the same number and part every time, and without any pattern between the parts.
fn mixed(number: u64, part: u64) -> u64 {
    let mut x = number.wrapping_add(part.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 31;
    x = x.wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 29)
}

/// As real ones are: about half a kilobyte, most of them a command with what it printed.
fn entry(number: u64) -> AuditEntry {
    let who = mixed(number, 1);
    let code = match code(mixed(number, 2)) {
        // One of the persons never does this; see [`NOTHING`].
        AuditCode::PlanProposed if who.is_multiple_of(PEOPLE) => AuditCode::SignedIn,
        code => code,
    };
    let mut entry = AuditEntry::new(at(number), code, person(who), outcome(mixed(number, 3)));
    entry.cluster = Some(cluster(mixed(number, 4)));
    entry.cluster_name = Some(format!("cluster-{}", mixed(number, 4) % CLUSTERS));
    entry.node = Some(node(mixed(number, 5)));
    entry.operation = Some(operation(number));
    entry.step = u16::try_from(number % 9).ok();
    entry.risk = Some(risk(mixed(number, 6)));
    entry.command = Some(format!("timeout --kill-after=5 5 corosync-quorumtool -s -p {}", number % 1_000));
    entry.exit = Some(0);
    entry.millis = Some(number % 400);
    entry.output = Some("Quorum information\nDate:             Sat Nov 28 2026\nQuorate:          Yes\n".to_owned());
    entry.reason = Some(format!("ticket-{} maintenance of the racks in room two", number / 40));
    entry
}
