use super::period::{Period, SQL as PERIOD_SQL};
use super::search::{Asked, Work};
use super::whole::find_within;
use crate::SqliteStore;
use jiff::Timestamp;
use model::audit::{AuditCode, AuditEntry, AuditFilter, Outcome};
use model::ids::{ClusterId, OperationId};
use model::risk::Risk;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

/// Every kind of filter by itself, and `true` where the full text answers it.
fn alone() -> Vec<(AuditFilter, bool)> {
    let id = Uuid::from_u128(7);
    let none = AuditFilter::default;
    vec![
        (AuditFilter { who: Some("ops-1".into()), ..none() }, true),
        (AuditFilter { cluster: Some(ClusterId::from_uuid(id)), ..none() }, true),
        (AuditFilter { node: Some("pve1".into()), ..none() }, true),
        (AuditFilter { code: Some(AuditCode::SignedIn), ..none() }, true),
        (AuditFilter { outcome: Some(Outcome::Failed), ..none() }, true),
        (AuditFilter { operation: Some(OperationId::from_uuid(id)), ..none() }, true),
        (AuditFilter { risk: Some(Risk::Disruptive), ..none() }, true),
        (AuditFilter { words: Some("pvecm expected".into()), ..none() }, true),
        (AuditFilter { words: Some("pve*".into()), ..none() }, true),
        (none(), false),
    ]
}

#[tokio::test]
async fn no_filter_reads_or_sorts_the_whole_log() {
    let store = SqliteStore::open_in_memory().await.expect("open");
    for (filter, by_text) in combinations() {
        for period in [None, Some(Period::between(3, 9))] {
            let asked = Asked::of(&filter, period);
            let text = asked.matching();
            assert_eq!(text.is_some(), by_text, "{filter:?}");
            let first = explained(&store, asked.first(text.as_deref(), &(3..=9), 50).sql().as_str()).await;
            let last = explained(&store, asked.last(&(3..=9), 50).sql().as_str()).await;
            for plan in [&first, &last] {
                let case = format!("{filter:?}, {period:?} is answered by: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "it is sorted: {case}");
                assert!(!plan.contains("SCAN audit "), "the log is read: {case}");
                assert!(!plan.contains("SCAN audit_found"), "{case}");
            }
            assert!(last.contains("SEARCH audit_found USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"), "{last}");
            let Some(text) = text else { continue };
            let looked_up = explained(&store, asked.among(&text, &[3, 5, 9]).sql().as_str()).await;
            for (plan, ends) in [(first, ":M3><"), (looked_up, ":=M3")] {
                // `M` is a match, which FTS5 answers from its lists alone; never one list for each entry of another.
                assert_eq!(plan.matches("VIRTUAL TABLE INDEX").count(), 1, "{plan}");
                assert!(plan.contains("SCAN audit_index VIRTUAL TABLE INDEX") && plan.contains(ends), "{plan}");
            }
        }
    }
    let keys = ["a", "b"].map(str::to_owned);
    let lists = explained(&store, super::lists::lists(&keys, &(3..=9)).sql().as_str()).await;
    let by_key = "SEARCH audit_lists USING PRIMARY KEY (key=? AND block>? AND block<?)";
    assert!(lists.contains(by_key) && !lists.contains("TEMP B-TREE"), "{lists}");
}

/// Each filter alone, and each together with every other.
fn combinations() -> Vec<(AuditFilter, bool)> {
    let alone = alone();
    let mut all = alone.clone();
    for (one, by_text) in &alone {
        for (other, other_by_text) in &alone {
            let both = AuditFilter {
                who: one.who.clone().or_else(|| other.who.clone()),
                cluster: one.cluster.or(other.cluster),
                node: one.node.clone().or_else(|| other.node.clone()),
                code: one.code.or(other.code),
                outcome: one.outcome.or(other.outcome),
                operation: one.operation.or(other.operation),
                risk: one.risk.or(other.risk),
                words: one.words.clone().or_else(|| other.words.clone()),
                ..AuditFilter::default()
            };
            all.push((both, *by_text || *other_by_text));
        }
    }
    all
}

#[tokio::test]
async fn a_period_is_found_by_the_times_of_blocks() {
    let store = SqliteStore::open_in_memory().await.expect("open");
    let plan = explained(&store, PERIOD_SQL).await;
    assert!(plan.contains("SCAN audit_spans") && !plan.contains("SCAN audit_found"), "{plan}");
    assert!(plan.contains("SEARCH audit_found USING INTEGER PRIMARY KEY (rowid>?)"), "{plan}");
    let filter =
        AuditFilter { from: Some(Timestamp::UNIX_EPOCH), until: Some(Timestamp::MAX), ..AuditFilter::default() };
    let mut tx = store.read().await.expect("begin");
    assert!(Period::of(&filter, &mut tx).await.expect("period").is_some());
    assert!(Period::of(&AuditFilter::default(), &mut tx).await.expect("none").is_none());
}

async fn explained(store: &SqliteStore, sql: &str) -> String {
    let rows = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
        .fetch_all(&store.readers)
        .await
        .expect("explain");
    rows.iter().map(|row| row.get::<String, _>("detail")).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn so_many_outputs_are_looked_through_for_one_answer_and_the_next_one_goes_on() {
    let store = SqliteStore::open_in_memory().await.expect("open");
    let at = |second| Timestamp::from_second(second).expect("time");
    let entry = |number: i64| {
        let output = if number % 10 == 0 { "needle" } else { "hay" };
        let entry = AuditEntry::new(at(number), AuditCode::CommandFinished, "ops-1".into(), Outcome::Success);
        AuditEntry { output: Some(output.into()), ..entry }
    };
    store.fill_audit(&(0..30).map(entry).collect::<Vec<_>>()).await.expect("filled");
    let filter =
        AuditFilter { output: Some("needle".into()), from: Some(at(0)), until: Some(at(30)), ..AuditFilter::default() };
    let of_entries = Work { entries: 7, bytes: usize::MAX };
    let of_bytes = Work { entries: usize::MAX, bytes: 7 * "hay".len() };
    for work in [of_entries, of_bytes] {
        let (mut found, mut before, mut pages) = (Vec::new(), None, 0);
        loop {
            let asked = AuditFilter { before, ..filter.clone() };
            let page = find_within(&store, &asked, 10, work).await.expect("found");
            pages += 1;
            let goes_on = page.next.is_some();
            assert_eq!((page.cut, page.more), (goes_on, goes_on || before.is_some()), "{work:?}, page {pages}");
            assert_eq!(page.total, page.entries.len() as u64);
            found.extend(page.entries.iter().map(|one| one.index));
            let Some(next) = page.next else { break };
            assert!(before.is_none_or(|before| next < before), "{work:?} stands still at {next}");
            before = Some(next);
        }
        assert_eq!(found, [21, 11, 1], "{work:?}");
        assert_eq!(pages, 5, "{work:?}");
    }
}
