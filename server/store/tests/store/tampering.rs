use crate::support::{Room, entry};
use engine::ports::AuditStore as _;
use model::audit::{AuditCode, ChainState};
use sqlx::AssertSqlSafe;

#[tokio::test]
async fn triggers_refuse_every_change() {
    let room = filled(3).await;
    let mut intruder = room.intruder().await;
    let copy = "INSERT OR REPLACE INTO audit SELECT idx, bytes, prev, hash, at, code, 'someone', outcome, cluster, node, operation, step, risk, command, reason, exit, started, words FROM audit WHERE idx = 2";
    for sql in
        ["UPDATE audit SET who = 'someone' WHERE idx = 2", "DELETE FROM audit WHERE idx = 3", "DELETE FROM audit", copy]
    {
        let error = sqlx::query(AssertSqlSafe(sql)).execute(&mut intruder).await.expect_err(sql);
        assert!(error.to_string().contains("append-only"), "{sql}: {error}");
    }
    assert!(matches!(room.store.verify().await, Ok(ChainState::Whole { entries: 3, .. })));
}

#[tokio::test]
async fn a_changed_byte_is_found() {
    assert_eq!(after("UPDATE audit SET bytes = CAST(replace(CAST(bytes AS TEXT), 'ops-1', 'ops-2') AS BLOB), who = 'ops-2', words = 'ops-2' WHERE idx = 2").await, Some(2));
}

#[tokio::test]
async fn a_changed_column_beside_the_bytes_is_found() {
    for column in [
        "who = 'someone'",
        "at = at + 1",
        "node = 'pve9'",
        "words = ''",
        "exit = 1",
        "started = 1",
        "risk = 'read-only'",
    ] {
        assert_eq!(after(&format!("UPDATE audit SET {column} WHERE idx = 4")).await, Some(4), "{column}");
    }
}

#[tokio::test]
async fn a_deleted_entry_is_found() {
    assert_eq!(after("DELETE FROM audit WHERE idx = 3").await, Some(3));
    assert_eq!(after("DELETE FROM audit WHERE idx = 1").await, Some(1));
}

#[tokio::test]
async fn a_closed_gap_is_found() {
    assert_eq!(after("DELETE FROM audit WHERE idx = 3; UPDATE audit SET idx = idx - 1 WHERE idx > 3").await, Some(3));
}

#[tokio::test]
async fn exchanged_entries_are_found() {
    let swap = "UPDATE audit SET idx = 100 WHERE idx = 2; UPDATE audit SET idx = 2 WHERE idx = 3; UPDATE audit SET idx = 3 WHERE idx = 100";
    assert_eq!(after(swap).await, Some(2));
}

#[tokio::test]
async fn a_forged_hash_is_found() {
    assert_eq!(after("UPDATE audit SET hash = zeroblob(32) WHERE idx = 5").await, Some(5));
    assert_eq!(after("UPDATE audit SET prev = zeroblob(32) WHERE idx = 5").await, Some(5));
}

#[tokio::test]
async fn bytes_that_are_no_entry_are_found() {
    assert_eq!(after("UPDATE audit SET bytes = X'ff' WHERE idx = 1").await, Some(1));
}

#[tokio::test]
async fn an_untouched_audit_passes_the_same_way() {
    assert_eq!(after("SELECT 1").await, None);
}

async fn filled(entries: u32) -> Room {
    let room = Room::new().await;
    for _ in 0..entries {
        room.store.append(entry(AuditCode::SignedIn)).await.expect("append");
    }
    room
}

/// Removes the triggers, runs the statements on an audit of five entries and says where verification stops.
async fn after(sql: &str) -> Option<u64> {
    let room = filled(5).await;
    let mut intruder = room.intruder().await;
    let all =
        format!("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; DROP TRIGGER audit_next_only; {sql}");
    sqlx::raw_sql(AssertSqlSafe(all)).execute(&mut intruder).await.expect("tamper");
    match room.store.verify().await.expect("verify") {
        ChainState::Whole { .. } => None,
        ChainState::Broken { at_index, .. } => Some(at_index),
    }
}
