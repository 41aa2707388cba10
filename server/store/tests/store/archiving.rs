//! Parts of the audit that are closed: everything goes on as if there were one file.

use crate::archived::{CANARY, Desk, close, closed_at, furnish, key, leafed, many, others, schema};
use crate::support::{Room, at, entry};
use engine::audit::DETAIL_STARTED;
use engine::audit::segment::{NotClosed, judge};
use engine::ports::{AuditStore as _, CheckpointStore as _, NoticeStore as _, StoreError};
use model::audit::{AuditCode, AuditFilter, ChainState, Outcome};
use model::checkpoint::Checkpoint;
use model::ids::{ClusterId, OperationId};
use model::segment::SegmentFault;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};
use std::os::unix::fs::PermissionsExt as _;
use uuid::Uuid;

/// Every kind of filter, alone and as people put them together.
fn filters() -> Vec<AuditFilter> {
    let none = AuditFilter::default;
    vec![
        none(),
        AuditFilter { who: Some("ops-1".into()), ..none() },
        AuditFilter { code: Some(AuditCode::PlanProposed), ..none() },
        AuditFilter { code: Some(AuditCode::AuditArchived), ..none() },
        AuditFilter { node: Some("pve3".into()), ..none() },
        AuditFilter { cluster: Some(ClusterId::from_uuid(Uuid::from_u128(7))), ..none() },
        AuditFilter { operation: Some(OperationId::from_uuid(Uuid::from_u128(3))), ..none() },
        AuditFilter { outcome: Some(Outcome::Failed), ..none() },
        AuditFilter { words: Some("rack mov*".into()), ..none() },
        AuditFilter { words: Some("rack 1300".into()), ..none() },
        AuditFilter { from: Some(at(900)), until: Some(at(2_000)), ..none() },
        AuditFilter { from: Some(at(2_950)), ..none() },
        AuditFilter { until: Some(at(40)), who: Some("ops-2".into()), ..none() },
        AuditFilter {
            output: Some("node \"is up\"".into()),
            from: Some(at(0)),
            until: Some(at(9_000)),
            who: Some("ops-1".into()),
            ..none()
        },
        AuditFilter { output: Some("1309".into()), from: Some(at(0)), until: Some(at(9_000)), ..none() },
    ]
}

#[tokio::test]
async fn what_is_found_is_the_same_as_if_nothing_had_been_archived() {
    let (desk, plain) = (Desk::new(), Room::new().await);
    // Neither end is that of a block of times.
    for (first, count) in [(0, 1_303), (1_303, 1_504), (2_807, 260)] {
        desk.append(&many(first, count)).await;
        plain.store.fill_audit(&many(first, count)).await.expect("filled");
        if first == 2_807 {
            break;
        }
        let closed = desk.close().await;
        let store = desk.store().await;
        let told = store.entry(closed.last + 1).await.expect("it is told").entry;
        assert_eq!(plain.store.append(told).await.expect("append").previous, closed.head);
    }
    let store = desk.store().await;
    assert_eq!(store.entries().await.expect("entries"), 3_069);
    assert_eq!(
        store.archived().iter().map(|one| (one.first, one.last)).collect::<Vec<_>>(),
        [(1, 1_303), (1_304, 2_808)]
    );
    for filter in filters() {
        for limit in [41, 500] {
            let (found, total) = leafed(&store, &filter, limit).await;
            let (expected, all) = leafed(&plain.store, &filter, limit).await;
            assert_eq!(found, expected, "{filter:?}, {limit} a page");
            assert_eq!(total, all, "{filter:?}, {limit} a page");
        }
        let first = store.find(&filter, 50).await.expect("find");
        let expected = plain.store.find(&filter, 50).await.expect("find");
        assert_eq!((first.total, first.next), (expected.total, expected.next), "{filter:?}");
    }
    for index in (1..=3_069).step_by(17).chain([1_303, 1_304, 1_305, 2_808, 2_809]) {
        let (one, other) = (store.entry(index).await.expect("entry"), plain.store.entry(index).await.expect("entry"));
        assert_eq!(one, other);
    }
    for index in [1, 700, 1_303, 1_304, 2_000, 2_808, 2_809, 3_069] {
        let hash = store.entry(index).await.expect("entry").hash;
        let read = store.verify_after(index, &hash).await.expect("verify");
        assert!(matches!(read, ChainState::Whole { entries: 3_069, .. }), "{index}: {read:?}");
    }
    assert!(matches!(store.entry(3_070).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(store.verify_after(700, &"00".repeat(32)).await, Ok(ChainState::Broken { at_index: 700, .. })));
    let (ChainState::Whole { head, .. }, ChainState::Whole { head: same, .. }) =
        (store.verify().await.expect("verify"), plain.store.verify().await.expect("verify"))
    else {
        panic!("not whole")
    };
    assert_eq!(head, same);
}

#[tokio::test]
async fn a_part_is_signed_read_only_and_told_by_the_entry_after_it() {
    let desk = Desk::new();
    desk.append(&many(0, 40)).await;
    let store = desk.store().await;
    let head = store.entry(40).await.expect("entry").hash;
    store.close().await;
    drop(store);
    let one = desk.close().await;
    assert_eq!((one.first, one.last, one.head.as_str()), (1, 40, head.as_str()));
    assert_eq!(judge(&one, Some(&key(1).verifying_key())), Ok(()));
    assert_eq!(judge(&one, Some(&key(2).verifying_key())), Err(SegmentFault::OtherKey));
    let archive = desk.archive(&one);
    for path in [archive.clone(), archive.with_extension("json")] {
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o400, "{}", path.display());
    }
    assert_eq!(std::fs::metadata(&archive).expect("there").len(), one.bytes);
    let store = desk.store().await;
    let told = store.entry(41).await.expect("the next one");
    assert_eq!(
        (told.entry.code, told.entry.who.as_str(), told.entry.at),
        (AuditCode::AuditArchived, "system", closed_at())
    );
    assert_eq!(told.entry.reason.as_deref(), Some("end of the year"));
    assert_eq!(told.previous, head);
    let detail = |name: &str| told.entry.details.get(name).cloned().unwrap_or_default();
    assert_eq!(
        [detail("file"), detail("entries"), detail("head"), detail("sha256")],
        [one.file(), "1-40".into(), head, one.digest]
    );
}

#[tokio::test]
async fn everything_else_is_in_the_new_file_and_nothing_of_it_in_the_archive() {
    let desk = Desk::new();
    let store = desk.store().await;
    furnish(&store).await;
    let kept = Checkpoint {
        size: 2,
        head: store.entry(2).await.expect("entry").hash,
        at: at(1),
        key: "ab".repeat(32),
        signature: "cd".repeat(64),
    };
    store.keep_checkpoint(&kept).await.expect("kept");
    store.close().await;
    drop(store);
    let (before, drawn) = (others(&desk.database()).await, schema(&desk.database()).await);
    assert!(before.values().filter(|rows| !rows.is_empty()).count() > 8, "{before:?}");
    assert!(before.values().flatten().any(|row| row.contains(CANARY)));
    let bytes = std::fs::read(desk.database()).expect("read");
    assert!(holds(&bytes, CANARY), "the canary would be found");
    let one = desk.close().await;
    assert_eq!(others(&desk.database()).await, before);
    assert_eq!(schema(&desk.database()).await, drawn, "every trigger and index is there again");
    let archive = std::fs::read(desk.archive(&one)).expect("read");
    assert!(holds(&archive, "ops-1"), "the entries would be found");
    assert!(!holds(&archive, CANARY), "a secret is in the archive");
    let mut inside = others(&desk.archive(&one)).await;
    // The checkpoints are no secret and belong to the entries.
    assert_eq!(inside.remove("checkpoints").map(|rows| rows.len()), Some(1));
    assert!(inside.values().all(Vec::is_empty), "{inside:?}");
    let store = desk.store().await;
    assert_eq!(store.last_checkpoint().await.expect("read"), Some(kept));
    assert_eq!(store.notice_cursor().await.expect("read"), Some(2), "counted in entries, which go on");
}

async fn connected(desk: &Desk) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(desk.database());
    SqliteConnection::connect_with(&options).await.expect("connect")
}

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

#[tokio::test]
async fn the_rules_of_the_new_file_are_those_of_the_old_one() {
    let (desk, _, two) = Desk::with_two_parts().await;
    let store = desk.store().await;
    store.derive().await.expect("derived");
    let mut intruder = connected(&desk).await;
    let next = two.last + 32;
    for sql in [
        "UPDATE audit SET bytes = X'7b7d'".to_owned(),
        "DELETE FROM audit".to_owned(),
        "INSERT INTO audit VALUES (1, X'7b7d', zeroblob(32), zeroblob(32))".to_owned(),
        format!("INSERT INTO audit VALUES ({next}, X'7b7d', zeroblob(32), zeroblob(32))"),
        "UPDATE audit_segments SET first = 2 WHERE first = 1".to_owned(),
        "DELETE FROM audit_segments".to_owned(),
        "INSERT INTO audit_segments SELECT last + 1, last + 9, head, head, 0, 0, head, key, signature FROM audit_segments"
            .to_owned(),
        "INSERT OR REPLACE INTO audit_segments SELECT * FROM audit_segments".to_owned(),
        "INSERT INTO audit_spans VALUES (1, 0, 0)".to_owned(),
        "INSERT INTO audit_found VALUES (1, 0, 'signed_in', NULL)".to_owned(),
    ] {
        let error = sqlx::query(AssertSqlSafe(sql.clone())).execute(&mut intruder).await.expect_err(&sql).to_string();
        assert!(error.contains("append-only"), "{sql}: {error}");
    }
    assert!(matches!(store.verify().await, Ok(ChainState::Whole { .. })));
}

#[tokio::test]
async fn nothing_is_closed_twice_and_nothing_while_a_command_is_without_its_end() {
    let desk = Desk::new();
    let mut begun = entry(AuditCode::CommandStarted);
    begun.outcome = Outcome::Started;
    desk.append(&[entry(AuditCode::ServerStarted), begun]).await;
    let before = (desk.files(), std::fs::read(desk.database()).expect("read"));
    let refused = close(&desk.database()).await.expect_err("a command is open");
    assert!(matches!(refused, NotClosed::Open { commands: 1, first: 2 }), "{refused}");
    assert_eq!(before.0, desk.files());
    let mut ended = entry(AuditCode::OutcomeUnknown);
    ended.details.insert(DETAIL_STARTED.to_owned(), "2".to_owned());
    desk.append(&[ended]).await;
    let one = desk.close().await;
    assert_eq!(one.last, 3);
    assert_eq!(close(&desk.database()).await.expect("no fault"), None, "nothing new but the entry that tells of it");
    assert!(matches!(desk.verified().await, ChainState::Whole { entries: 4, .. }));
    assert!(desk.store().await.unpaired().await.expect("read").is_empty());
}

#[tokio::test]
async fn whoever_uses_the_database_keeps_it_as_it_is() {
    let desk = Desk::new();
    desk.append(&many(0, 9)).await;
    let store = desk.store().await;
    assert!(matches!(close(&desk.database()).await, Err(NotClosed::InUse)));
    store.close().await;
    drop(store);
    // Another program than this one.
    let mut other = connected(&desk).await;
    sqlx::query("SELECT COUNT(*) FROM audit").fetch_one(&mut other).await.expect("read");
    assert!(matches!(close(&desk.database()).await, Err(NotClosed::InUse)));
    other.close().await.expect("closed");
    assert_eq!(desk.close().await.last, 9);
}

#[tokio::test]
async fn what_would_be_lost_or_written_over_stops_it() {
    let desk = Desk::new();
    desk.append(&many(0, 9)).await;
    let broken = desk.copied();
    broken
        .tamper(&broken.database(), "DROP TRIGGER audit_no_update; UPDATE audit SET bytes = X'7b7d' WHERE idx = 4")
        .await;
    assert!(matches!(close(&broken.database()).await, Err(NotClosed::NotWhole(ChainState::Broken { .. }))));
    let taken = desk.copied();
    std::fs::create_dir(taken.folder().join("audit")).expect("made");
    let name = "audit/audit-000000000001-000000000009.db";
    std::fs::write(taken.folder().join(name), "a letter").expect("written");
    assert!(matches!(close(&taken.database()).await, Err(NotClosed::Taken { .. })));
    assert_eq!(std::fs::read(taken.folder().join(name)).expect("read"), b"a letter");
    for one in [&taken, &desk] {
        assert!(matches!(one.verified().await, ChainState::Whole { entries: 9, .. }));
        assert!(
            !one.files().iter().any(|name| name.contains("closing") || name.contains(".next")),
            "{:?}",
            one.files()
        );
    }
}

#[tokio::test]
async fn a_table_that_nobody_knows_stops_it() {
    for sql in ["CREATE TABLE letters (text TEXT)", "CREATE VIRTUAL TABLE letters USING fts5 (text)"] {
        let desk = Desk::new();
        desk.append(&many(0, 9)).await;
        desk.tamper(&desk.database(), sql).await;
        let refused = close(&desk.database()).await.expect_err("it would be lost");
        assert!(matches!(&refused, NotClosed::Foreign { what } if what == "letters"), "{refused}");
        assert!(matches!(desk.verified().await, ChainState::Whole { entries: 9, .. }));
    }
}
