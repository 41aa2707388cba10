//! The audit with a million entries: finding, reading everything again, and what an entry costs.

use crate::report::{Figure, percentile, print};
use anyhow::{Context as _, ensure};
use engine::ports::AuditStore;
use jiff::{SignedDuration, Timestamp};
use model::audit::{AuditCode, AuditEntry, AuditFilter, ChainState, Outcome};
use model::ids::{ClusterId, OperationId};
use model::risk::Risk;
use std::time::Instant;
use store::{Bare, SqliteStore};
use uuid::Uuid;

const ENTRIES: u64 = 1_000_000;
/// Searches of each kind.
const SEARCHES: u64 = 200;
/// Entries that are appended in turns with the rival.
const APPENDS: u64 = 1_000;
/// Entries of a page.
const PAGE: u32 = 50;
const PEOPLE: u64 = 12;
const NODES: u64 = 32;
const CLUSTERS: u64 = 8;
/// Entries of one operation.
const PER_OPERATION: u64 = 40;

pub async fn run() -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("a folder")?;
    let store = SqliteStore::open(&folder.path().join("quorate.db")).await?;
    let bare = Bare::open(&folder.path().join("bare.db")).await?;
    let began = Instant::now();
    for number in 0..ENTRIES {
        store.append(entry(number)).await?;
    }
    print("audit-fill", began.elapsed().as_secs_f64(), "s", 1);
    let began = Instant::now();
    let derived = store.derive().await?;
    ensure!(derived == ENTRIES, "{derived} entries were derived");
    print("audit-derive", began.elapsed().as_secs_f64() * 1e6 / ENTRIES as f64, "us per entry", 1);
    searches(&store).await?;
    let began = Instant::now();
    let whole = store.verify().await?;
    let millis = began.elapsed().as_secs_f64() * 1_000.0;
    ensure!(matches!(whole, ChainState::Whole { entries: ENTRIES, .. }), "the audit is not whole: {whole:?}");
    Figure::new("audit-verify", millis, "ms", 1).at_most(3_000.0).print();
    appends(&store, &bare).await
}

async fn searches(store: &SqliteStore) -> anyhow::Result<()> {
    let mut worst: f64 = 0.0;
    for (name, filter) in kinds() {
        let mut samples = Vec::new();
        for round in 0..SEARCHES {
            let began = Instant::now();
            let page = store.find(&filter(round), PAGE).await?;
            samples.push(began.elapsed());
            ensure!(!page.entries.is_empty(), "{name} finds nothing");
        }
        let p99 = percentile(&samples, 99);
        worst = worst.max(p99);
        print(&format!("audit-filter-{name}-p99"), p99, "ms", samples.len());
    }
    Figure::new("audit-filter-p99", worst, "ms", usize::try_from(SEARCHES)?).at_most(20.0).print();
    Ok(())
}

type Asked = fn(u64) -> AuditFilter;

fn kinds() -> [(&'static str, Asked); 10] {
    [
        ("newest", |_| AuditFilter::default()),
        ("cursor", |round| AuditFilter { before: Some(ENTRIES - round * 4_000), ..AuditFilter::default() }),
        ("who", |round| AuditFilter { who: Some(person(round)), ..AuditFilter::default() }),
        ("cluster", |round| AuditFilter { cluster: Some(cluster(round)), ..AuditFilter::default() }),
        ("node", |round| AuditFilter { node: Some(node(round)), ..AuditFilter::default() }),
        ("code", |round| AuditFilter { code: Some(code(round)), ..AuditFilter::default() }),
        ("operation", |round| AuditFilter { operation: Some(operation(round * 5_000)), ..AuditFilter::default() }),
        ("risk", |round| AuditFilter { risk: Some(risk(round)), ..AuditFilter::default() }),
        ("period", |round| AuditFilter {
            from: Some(at(round * 4_000)),
            until: Some(at(round * 4_000 + 90_000)),
            ..AuditFilter::default()
        }),
        ("words", |round| AuditFilter { words: Some(format!("ticket-{}", round * 37)), ..AuditFilter::default() }),
    ]
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
    Figure::new("audit-append", ours / theirs, "times a bare insert", usize::try_from(APPENDS)?).at_most(1.3).print();
    Ok(())
}

fn at(number: u64) -> Timestamp {
    let since = SignedDuration::from_secs(i64::try_from(number * 30).unwrap_or(0));
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
    if number.is_multiple_of(100) { Risk::Destructive } else { Risk::Reversible }
}

/// As real ones are: about half a kilobyte, most of them a command with what it printed.
fn entry(number: u64) -> AuditEntry {
    let mut entry = AuditEntry::new(at(number), code(number), person(number), Outcome::Success);
    entry.cluster = Some(cluster(number));
    entry.cluster_name = Some(format!("cluster-{}", number % CLUSTERS));
    entry.node = Some(node(number));
    entry.operation = Some(operation(number));
    entry.step = u16::try_from(number % 9).ok();
    entry.risk = Some(risk(number));
    entry.command = Some(format!("timeout --kill-after=5 5 corosync-quorumtool -s -p {}", number % 1_000));
    entry.exit = Some(0);
    entry.millis = Some(number % 400);
    entry.output = Some("Quorum information\nDate:             Sat Nov 28 2026\nQuorate:          Yes\n".to_owned());
    entry.reason = Some(format!("ticket-{} maintenance of the racks in room two", number / 40));
    entry
}
