use crate::support::{Room, entry};
use engine::audit::chain::{Hash, entry_hash};
use engine::ports::AuditStore as _;
use model::audit::{AuditCode, AuditEntry, AuditFilter, AuditPage, ChainState};
use sqlx::AssertSqlSafe;

#[tokio::test]
async fn triggers_refuse_every_change() {
    let room = filled(3).await;
    let mut intruder = room.intruder().await;
    room.store.derive().await.expect("derived");
    for sql in [
        "UPDATE audit SET bytes = X'7b7d' WHERE idx = 2",
        "DELETE FROM audit WHERE idx = 3",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT idx, X'7b7d', prev, hash FROM audit WHERE idx = 2",
        "INSERT INTO audit VALUES (4, X'7b7d', zeroblob(32), zeroblob(32))",
        "UPDATE audit_found SET code = 'signed_out' WHERE idx = 2",
        "DELETE FROM audit_found WHERE idx = 3",
        "INSERT OR REPLACE INTO audit_found SELECT * FROM audit_found WHERE idx = 2",
        "INSERT INTO audit_spans VALUES (1, 0, 0)",
        "INSERT INTO audit_lists VALUES ('', 1, X'')",
    ] {
        let error = sqlx::query(AssertSqlSafe(sql)).execute(&mut intruder).await.expect_err(sql);
        assert!(error.to_string().contains("append-only"), "{sql}: {error}");
    }
    assert!(matches!(room.store.verify().await, Ok(ChainState::Whole { entries: 3, .. })));
}

#[tokio::test]
async fn a_changed_byte_is_found() {
    assert_eq!(
        after("UPDATE audit SET bytes = CAST(replace(CAST(bytes AS TEXT), 'ops-1', 'ops-2') AS BLOB) WHERE idx = 2")
            .await,
        Some(2)
    );
}

#[tokio::test]
async fn a_changed_column_beside_the_bytes_is_found() {
    for column in ["at = at + 1", "code = 'signed_out'", "code = ''", "started = 1"] {
        assert_eq!(after(&format!("UPDATE audit_found SET {column} WHERE idx = 4")).await, Some(4), "{column}");
    }
}

#[tokio::test]
async fn a_column_that_moves_into_its_neighbour_is_found() {
    // The sign that ends a value where blocks are compared, in one.
    let moved = "UPDATE audit_found SET code = code || char(10) || code WHERE idx = 4";
    assert_eq!(after(moved).await, Some(4));
    assert_eq!(after("UPDATE audit_found SET code = char(10) WHERE idx = 4").await, Some(4));
}

#[tokio::test]
async fn an_entry_with_odd_signs_in_it_is_no_forgery() {
    let room = filled(3).await;
    let odd = AuditEntry { reason: Some("a\nb\u{1e}c\u{1d}\0d".into()), ..entry(AuditCode::SignedIn) };
    room.store.append(odd).await.expect("append");
    room.store.append(entry(AuditCode::SignedIn)).await.expect("append");
    assert!(matches!(room.store.verify().await, Ok(ChainState::Whole { entries: 5, .. })));
}

/// Bytes count as they are, not as this version would write them.
#[tokio::test]
async fn an_entry_that_is_spaced_in_another_way_is_no_forgery_and_two_in_one_row_are() {
    for (before, between, after, is_entry) in [
        ("", "", "", true),
        ("", "", "\n", true),
        ("\n", "", "", true),
        (" ", " ", " ", true),
        ("", "\n", "", true),
        ("", "", "\n{}", false),
        ("{}\n", "", "", false),
        ("", "", "]", false),
    ] {
        let room = filled(5).await;
        let mut intruder = room.intruder().await;
        let (bytes, head): (Vec<u8>, Vec<u8>) = sqlx::query_as("SELECT bytes, hash FROM audit WHERE idx = 5")
            .fetch_one(&mut intruder)
            .await
            .expect("the last one");
        let entry = String::from_utf8(bytes).expect("text").replacen('{', &format!("{{{between}"), 1);
        let spaced = format!("{before}{entry}{after}");
        let previous = Hash::try_from(head.as_slice()).expect("a hash");
        sqlx::query("INSERT INTO audit VALUES (6, ?, ?, ?)")
            .bind(spaced.as_bytes())
            .bind(&head)
            .bind(entry_hash(&previous, spaced.as_bytes(), 6).as_slice())
            .execute(&mut intruder)
            .await
            .expect("chained");
        room.store.append(self::entry(AuditCode::SignedOut)).await.expect("goes on");
        let state = room.store.verify().await.expect("verify");
        let is_whole = matches!(state, ChainState::Whole { entries: 7, .. });
        let is_broken = matches!(state, ChainState::Broken { at_index: 6, .. });
        assert_eq!((is_whole, is_broken), (is_entry, !is_entry), "{spaced:?}: {state:?}");
    }
}

#[tokio::test]
async fn an_entry_that_its_filters_would_not_find_is_found() {
    // `ops-1` in hex, see `audit::keys`.
    let hidden =
        "INSERT INTO audit_index (audit_index, rowid, keys, words) VALUES ('delete', 4, 'qkeyw6f70732d31', '')";
    assert_eq!(after(hidden).await, Some(4));
    assert_eq!(after("INSERT INTO audit_index (rowid, keys, words) VALUES (3, 'qkeyw00', '')").await, Some(3));
    assert_eq!(after("INSERT INTO audit_index (audit_index) VALUES ('delete-all')").await, Some(1));
    // A person's word that looks like a key stands in another column.
    assert_eq!(after("INSERT INTO audit_index (rowid, keys, words) VALUES (3, '', 'qkeyw00')").await, None);
}

#[tokio::test]
async fn times_of_a_block_that_hide_it_from_a_period_are_found() {
    for (change, broken) in [
        ("SELECT 1", None),
        ("UPDATE audit_spans SET latest = earliest - 1 WHERE block = 1", Some(1_001)),
        ("DELETE FROM audit_spans WHERE block = 0", Some(1)),
        ("INSERT INTO audit_spans VALUES (2, 0, 0)", Some(2_101)),
    ] {
        let room = Room::new().await;
        room.store.fill_audit(&vec![entry(AuditCode::SignedIn); 2_100]).await.expect("filled");
        room.store.derive().await.expect("derived");
        let mut intruder = room.intruder().await;
        let all = format!(
            "DROP TRIGGER audit_spans_no_update; DROP TRIGGER audit_spans_no_delete; DROP TRIGGER audit_spans_next_only; {change}"
        );
        sqlx::raw_sql(AssertSqlSafe(all)).execute(&mut intruder).await.expect("tamper");
        let found = match room.store.verify().await.expect("verify") {
            ChainState::Whole { entries, .. } => {
                assert_eq!(entries, 2_100);
                None
            }
            ChainState::Broken { at_index, .. } => Some(at_index),
            ChainState::Lost { unread, .. } => panic!("nothing is archived here: {unread}"),
        };
        assert_eq!(found, broken, "{change}");
    }
}

#[tokio::test]
async fn only_what_follows_is_read_where_the_rest_is_known() {
    let room = filled(5).await;
    let third = room.store.entry(3).await.expect("entry").hash;
    let Ok(ChainState::Whole { head, .. }) = room.store.verify().await else { panic!("not whole") };
    let Ok(ChainState::Whole { entries: 5, head: same, .. }) = room.store.verify_after(3, &third).await else {
        panic!("not whole")
    };
    assert_eq!(head, same);
    let other = "00".repeat(32);
    assert!(matches!(room.store.verify_after(3, &other).await, Ok(ChainState::Broken { at_index: 3, .. })));
    assert!(matches!(room.store.verify_after(9, &third).await, Ok(ChainState::Broken { .. })), "it is shorter now");
}

#[tokio::test]
async fn a_deleted_entry_is_found() {
    assert_eq!(after("DELETE FROM audit_found WHERE idx = 3").await, Some(3));
    assert_eq!(after("DELETE FROM audit WHERE idx = 5").await, Some(5), "what it was found by is left");
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
async fn an_entry_that_cannot_be_read_hides_none_beside_it() {
    // Before and after somebody has looked for anything.
    for derived in [false, true] {
        let room = filled(5).await;
        if derived {
            room.store.derive().await.expect("derived");
        }
        let mut intruder = room.intruder().await;
        let change = "DROP TRIGGER audit_no_update; UPDATE audit SET bytes = X'7b' WHERE idx = 3";
        sqlx::raw_sql(AssertSqlSafe(change)).execute(&mut intruder).await.expect("tamper");
        room.store.append(entry(AuditCode::CommandStarted)).await.expect("goes on");
        let page = room.store.find(&AuditFilter::default(), 4).await.expect("found");
        let indexes = |page: &AuditPage| page.entries.iter().map(|one| one.index).collect::<Vec<_>>();
        assert_eq!((indexes(&page), page.unreadable, page.next), (vec![6, 5, 4], vec![3], Some(3)));
        let by = AuditFilter { code: Some(AuditCode::CommandStarted), ..AuditFilter::default() };
        assert_eq!(indexes(&room.store.find(&by, 4).await.expect("found")), [6], "what came later is found");
        assert_eq!(room.store.unpaired().await.expect("read").len(), 1);
        assert!(matches!(room.store.verify().await, Ok(ChainState::Broken { at_index: 3, .. })));
    }
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
    room.store.derive().await.expect("derived");
    let mut intruder = room.intruder().await;
    let all = format!(
        "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; DROP TRIGGER audit_next_only; DROP TRIGGER audit_found_no_update; DROP TRIGGER audit_found_no_delete; {sql}"
    );
    sqlx::raw_sql(AssertSqlSafe(all)).execute(&mut intruder).await.expect("tamper");
    match room.store.verify().await.expect("verify") {
        ChainState::Whole { .. } => None,
        ChainState::Broken { at_index, .. } => Some(at_index),
        ChainState::Lost { unread, .. } => panic!("nothing is archived here: {unread}"),
    }
}
