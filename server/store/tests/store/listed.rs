//! An audit of several full blocks: whatever is looked for is found there as somebody would who reads every entry.

use crate::support::{Room, at, cluster_id, entry};
use engine::ports::AuditStore as _;
use model::audit::{AuditCode, AuditEntry, AuditFilter, AuditPage, COUNT_MAX, ChainState, Outcome};
use model::ids::OperationId;
use model::risk::Risk;
use sqlx::{AssertSqlSafe, SqliteConnection};
use std::rc::Rc;
use uuid::Uuid;

/// More than the index counts among (34,000), and no full block at the end.
const ENTRIES: u64 = 43_500;
const PAGE: u32 = 50;

/// Without any pattern between the parts.
fn mixed(number: u64, part: u64) -> u64 {
    let x = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(part.wrapping_mul(0xbf58_476d_1ce4_e5b9));
    (x ^ (x >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 32
}

/// The entry with that index.
fn made(number: u64) -> AuditEntry {
    let code = if mixed(number, 2).is_multiple_of(3) { AuditCode::SignedIn } else { AuditCode::CommandFinished };
    let outcome = if mixed(number, 3).is_multiple_of(50) { Outcome::Failed } else { Outcome::Success };
    // The clock is set back in the middle of a block, and far on for a moment.
    let second = match number {
        20_100..20_400 => number - 5_000,
        30_001 => 1_000_000,
        _ => number,
    };
    let who = format!("ops-{}", mixed(number, 1) % 5);
    let mut entry = AuditEntry::new(at(i64::try_from(second).expect("small")), code, who, outcome);
    entry.cluster = Some(cluster_id(u128::from(mixed(number, 4) % 3)));
    entry.node = (!number.is_multiple_of(7)).then(|| format!("pve{}", mixed(number, 5) % 9));
    entry.operation = Some(operation(number / 40));
    // Nothing of the kind in the first blocks, and nothing in the last ones.
    entry.risk = (16_000..24_500).contains(&number).then_some(Risk::Destructive);
    let rare = if mixed(number, 6).is_multiple_of(400) { "seldom" } else { "otherwise" };
    let third = if number.is_multiple_of(3) { "third" } else { "not" };
    entry.reason = Some(format!("often {third} {rare} rack-{}", number % 900));
    entry
}

fn operation(number: u64) -> OperationId {
    OperationId::from_uuid(Uuid::from_u128(u128::from(number)))
}

/// A filter, and which entries meet it.
#[derive(Clone)]
struct Case(AuditFilter, Rc<dyn Fn(&AuditEntry) -> bool>);

impl Case {
    fn new(filter: AuditFilter, meets: impl Fn(&AuditEntry) -> bool + 'static) -> Self {
        Self(filter, Rc::new(meets))
    }

    /// Both; `None` where they ask for two values of one field.
    fn and(&self, other: &Self) -> Option<Self> {
        let (a, b) = (self.0.clone(), other.0.clone());
        let is_timed = |one: &AuditFilter| one.from.is_some() || one.until.is_some();
        if a.risk.is_some_and(|risk| b.risk.is_some_and(|other| other != risk)) || is_timed(&a) && is_timed(&b) {
            return None;
        }
        let filter = AuditFilter {
            who: a.who.or(b.who),
            node: a.node.or(b.node),
            cluster: a.cluster.or(b.cluster),
            code: a.code.or(b.code),
            outcome: a.outcome.or(b.outcome),
            risk: a.risk.or(b.risk),
            operation: a.operation.or(b.operation),
            words: a.words.or(b.words),
            from: a.from.or(b.from),
            until: a.until.or(b.until),
            ..AuditFilter::default()
        };
        let (is_a, is_b) = (self.1.clone(), other.1.clone());
        Some(Self::new(filter, move |one| is_a(one) && is_b(one)))
    }
}

/// Values that lists are kept of.
fn values() -> Vec<Case> {
    let none = AuditFilter::default;
    vec![
        Case::new(AuditFilter { who: Some("ops-1".into()), ..none() }, |one| one.who == "ops-1"),
        Case::new(AuditFilter { node: Some("pve3".into()), ..none() }, |one| one.node.as_deref() == Some("pve3")),
        Case::new(AuditFilter { cluster: Some(cluster_id(2)), ..none() }, |one| one.cluster == Some(cluster_id(2))),
        Case::new(AuditFilter { code: Some(AuditCode::SignedIn), ..none() }, |one| one.code == AuditCode::SignedIn),
        Case::new(AuditFilter { outcome: Some(Outcome::Failed), ..none() }, |one| one.outcome == Outcome::Failed),
        Case::new(AuditFilter { risk: Some(Risk::Destructive), ..none() }, |one| one.risk.is_some()),
        Case::new(AuditFilter { risk: Some(Risk::Disruptive), ..none() }, |_| false),
    ]
}

/// What only the index knows.
fn texts() -> Vec<Case> {
    let none = AuditFilter::default;
    let words = ["often", "third", "seldom", "rack-77", "third seldom", "often rack-77", "seldom nowhere"];
    let has = |one: &AuditEntry, word: &str| {
        one.reason.as_ref().is_some_and(|reason| reason.split(' ').any(|part| part == word))
    };
    let words = words.map(|text| {
        let filter = AuditFilter { words: Some(text.into()), ..none() };
        Case::new(filter, move |one| text.split(' ').all(|word| has(one, word)))
    });
    let by = AuditFilter { operation: Some(operation(250)), ..none() };
    let operation = Case::new(by, |one| one.operation == Some(operation(250)));
    words.into_iter().chain([operation]).collect()
}

fn periods() -> Vec<Case> {
    let all = [(Some(15_500), Some(29_000)), (Some(31_000), None), (None, Some(9_000)), (Some(21_000), Some(21_050))];
    let period = |(from, until): (Option<i64>, Option<i64>)| {
        let (from, until) = (from.map(at), until.map(at));
        let filter = AuditFilter { from, until, ..AuditFilter::default() };
        Case::new(filter, move |one| from.is_none_or(|from| one.at >= from) && until.is_none_or(|until| one.at < until))
    };
    all.map(period).into()
}

/// Each alone, and each with every other of another kind.
fn cases() -> Vec<Case> {
    let (values, texts, periods) = (values(), texts(), periods());
    let mut all: Vec<Case> = [&values[..], &texts, &periods].concat();
    all.extend(values.iter().flat_map(|one| values.iter().filter_map(move |other| one.and(other))));
    all.extend(values.iter().flat_map(|one| texts.iter().filter_map(move |other| one.and(other))));
    let timed: Vec<Case> =
        all.iter().step_by(3).flat_map(|one| periods.iter().filter_map(move |other| one.and(other))).collect();
    all.extend(timed);
    all.push(Case::new(AuditFilter::default(), |_| true));
    all
}

fn indexes(page: &AuditPage) -> Vec<u64> {
    page.entries.iter().map(|one| one.index).collect()
}

/// The count is exact, or says that there are more.
fn counted(page: &AuditPage, count: u64, case: &str) {
    if page.more {
        assert!(page.total <= count && page.total >= u64::from(PAGE), "{} of {count} are told: {case}", page.total);
    } else {
        assert_eq!(page.total, count, "{case}");
        assert!(count <= COUNT_MAX || case.contains(&format!("{:?}", AuditFilter::default())), "{case}");
    }
}

#[tokio::test]
async fn every_page_of_every_filter_is_what_meets_it() {
    let room = Room::new().await;
    let all: Vec<AuditEntry> = (1..=ENTRIES).map(made).collect();
    room.store.fill_audit(&all).await.expect("filled");
    let (mut asked, mut partly) = (0, 0);
    for Case(filter, meets) in cases() {
        let expected: Vec<u64> = (1..).zip(&all).filter(|(_, one)| meets(one)).map(|(index, _)| index).collect();
        let mut told = Vec::new();
        for before in [None, Some(41_000), Some(24_001), Some(16_000), Some(8_001), Some(9)] {
            let case = format!("{filter:?} before {before:?}");
            let page = room.store.find(&AuditFilter { before, ..filter.clone() }, PAGE).await.expect("found");
            let newest = expected.iter().rev().filter(|index| before.is_none_or(|before| **index < before));
            let newest: Vec<u64> = newest.copied().take(PAGE as usize + 1).collect();
            let shown = &newest[..newest.len().min(PAGE as usize)];
            assert_eq!(indexes(&page), shown, "{case}");
            assert_eq!(page.next, (newest.len() > shown.len()).then(|| shown[shown.len() - 1]), "{case}");
            counted(&page, expected.len() as u64, &case);
            told.push((page.total, page.more));
            asked += 1;
        }
        assert!(told.iter().all(|one| *one == told[0]), "each page says the same number: {told:?} {filter:?}");
        partly += u32::from(told[0].1 && told[0].0 < COUNT_MAX);
    }
    assert!(asked > 1_000 && partly > 0, "{asked} pages, {partly} numbers of which only a part was counted");
}

/// Closes a block and is somebody with the file in hand, who has no trigger in the way.
async fn closed() -> (Room, SqliteConnection) {
    let room = Room::new().await;
    let all: Vec<AuditEntry> = (1..=16_100).map(made).collect();
    room.store.fill_audit(&all).await.expect("filled");
    room.store.derive().await.expect("derived");
    let mut intruder = room.intruder().await;
    for sql in ["UPDATE audit_lists SET entries = X''", "DELETE FROM audit_lists WHERE block = 1"] {
        let error = sqlx::query(AssertSqlSafe(sql)).execute(&mut intruder).await.expect_err(sql);
        assert!(error.to_string().contains("append-only"), "{sql}: {error}");
    }
    let drop =
        "DROP TRIGGER audit_lists_no_update; DROP TRIGGER audit_lists_no_delete; DROP TRIGGER audit_lists_next_only;
        CREATE TABLE kept AS SELECT * FROM audit_lists";
    sqlx::raw_sql(drop).execute(&mut intruder).await.expect("dropped");
    (room, intruder)
}

/// Where the audit breaks.
async fn broken(room: &Room) -> Option<u64> {
    match room.store.verify().await.expect("verified") {
        ChainState::Whole { entries: 16_100, .. } => None,
        ChainState::Broken { at_index, .. } => Some(at_index),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_list_that_hides_an_entry_or_shows_another_one_is_found() {
    let (room, mut intruder) = closed().await;
    // `ops-1` in hex, see `audit::keys`.
    let key = "qkeyw6f70732d31";
    let first = |block: u64| (block * 8_000 + 1..).find(|index| made(*index).who == "ops-1");
    for (change, at) in [
        (format!("DELETE FROM audit_lists WHERE key = '{key}' AND block = 1"), first(1)),
        (format!("UPDATE audit_lists SET block = 5 WHERE key = '{key}' AND block = 1"), first(1)),
        (format!("UPDATE audit_lists SET entries = X'00' WHERE key = '{key}' AND block = 1"), Some(1)),
        ("DELETE FROM audit_lists WHERE key = '' AND block = 0".into(), Some(1)),
        (
            "INSERT INTO audit_lists SELECT 'qkeyw00', block, entries FROM audit_lists WHERE key = '' AND block = 1"
                .into(),
            Some(8_001),
        ),
        ("INSERT INTO audit_lists SELECT key, 9, entries FROM audit_lists WHERE block = 1".into(), Some(16_101)),
        (
            "INSERT INTO audit_lists SELECT key, 2, entries FROM audit_lists WHERE key <> '' AND block = 1".into(),
            Some(16_101),
        ),
    ] {
        sqlx::raw_sql(AssertSqlSafe(change.clone())).execute(&mut intruder).await.expect("tampered");
        assert_eq!(broken(&room).await, at, "{change}");
        let back = "DELETE FROM audit_lists; INSERT INTO audit_lists SELECT * FROM kept";
        sqlx::raw_sql(back).execute(&mut intruder).await.expect("brought back");
        assert_eq!(broken(&room).await, None, "after {change}");
    }
    // What closes the newest block is made again from the bytes, with all that is missing beside it.
    for lost in ["key = '' AND block = 1", "block = 1", "block >= 0"] {
        let change = format!("DELETE FROM audit_lists WHERE {lost}");
        sqlx::raw_sql(AssertSqlSafe(change)).execute(&mut intruder).await.expect("tampered");
        assert_eq!(broken(&room).await, None, "{lost}");
        let differs: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM (SELECT * FROM kept EXCEPT SELECT * FROM audit_lists)")
                .fetch_one(&mut intruder)
                .await
                .expect("compared");
        assert_eq!(differs, 0, "{lost}");
    }
}

#[tokio::test]
async fn a_block_without_any_entry_left_is_told_and_not_waited_for() {
    let (room, mut intruder) = closed().await;
    let lost = "DROP TRIGGER audit_no_delete; DELETE FROM audit_lists; DELETE FROM audit WHERE idx <= 8000";
    sqlx::raw_sql(lost).execute(&mut intruder).await.expect("tampered");
    assert_eq!(broken(&room).await, Some(1));
    let filter = AuditFilter { code: Some(AuditCode::SignedIn), ..AuditFilter::default() };
    let page = room.store.find(&filter, PAGE).await.expect("found");
    assert_eq!(page.entries.len(), PAGE as usize);
}

#[tokio::test]
async fn entries_behind_the_last_full_block_are_found_as_soon_as_they_are_there() {
    let (room, _) = closed().await;
    for index in 16_101..=16_103 {
        let one = AuditEntry { node: Some("pve3".into()), ..entry(AuditCode::SignedOut) };
        room.store.append(one).await.expect("append");
        let filter = AuditFilter { node: Some("pve3".into()), ..AuditFilter::default() };
        let page = room.store.find(&filter, 1).await.expect("found");
        assert_eq!(indexes(&page), [index]);
    }
}
