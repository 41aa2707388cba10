use super::{MIGRATIONS, SqliteStore, durable, pool};
use engine::audit::chain::{GENESIS, entry_hash};
use engine::ports::{ApprovalStore as _, AuditStore as _};
use model::audit::{AuditCode, AuditEntry, AuditFilter, ChainState, Outcome};
use model::ids::ClusterId;
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, SqlitePool};
use std::path::Path;
use uuid::Uuid;

#[tokio::test]
async fn what_is_committed_is_on_disk() {
    let (store, _folder) = opened().await;
    let mut tx = store.write().await.expect("begin");
    // 2 is FULL: in WAL mode the log is synchronised at every commit (sqlite.org/pragma.html#pragma_synchronous).
    for (pragma, expected) in [("synchronous", "2"), ("journal_mode", "wal"), ("foreign_keys", "1")] {
        let sql = format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}");
        let value: String = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *tx).await.expect(pragma);
        assert_eq!(value, expected, "{pragma}");
    }
}

#[tokio::test]
async fn readers_cannot_write() {
    let (store, _folder) = opened().await;
    let error = sqlx::query("DELETE FROM clusters").execute(&store.readers).await.expect_err("read-only");
    assert!(error.to_string().contains("readonly"), "{error}");
}

#[tokio::test]
async fn a_waiting_writer_does_not_stop_readers() {
    let (store, _folder) = opened().await;
    let mut tx = store.write().await.expect("begin");
    sqlx::query("INSERT INTO secrets (name, sealed) VALUES ('ssh', X'00')").execute(&mut *tx).await.expect("insert");
    assert_eq!(store.sealed("ssh").await.expect("read"), None, "nobody sees what is not committed");
    tx.commit().await.expect("commit");
    assert_eq!(store.sealed("ssh").await.expect("read"), Some(vec![0]));
}

/// The version of the schema in which the audit's own table had the columns that it is found by.
const BEFORE_THE_CHAIN_ALONE: i64 = 7;

#[tokio::test]
async fn an_audit_of_an_older_version_is_the_same_chain_afterwards() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("quorate.db");
    let file = older(&path, BEFORE_THE_CHAIN_ALONE).await;
    let (mut head, mut hashes) = (GENESIS, Vec::new());
    for index in 1..=3_u64 {
        let at = jiff::Timestamp::from_second(1_700_000_000).expect("time");
        let entry = AuditEntry::new(at, AuditCode::SignedIn, format!("ops-{index}"), Outcome::Success);
        let bytes = serde_json::to_vec(&entry).expect("bytes");
        let hash = entry_hash(&head, &bytes, index);
        sqlx::query("INSERT INTO audit (idx, bytes, prev, hash, at, code, who, outcome, words) VALUES (?, ?, ?, ?, 1, 'signed_in', 'ops', 'success', 'ops')")
            .bind(i64::try_from(index).expect("small"))
            .bind(bytes)
            .bind(head.as_slice())
            .bind(hash.as_slice())
            .execute(&file)
            .await
            .expect("an older entry");
        head = hash;
        hashes.push(hex::encode(hash));
    }
    file.close().await;
    let store = SqliteStore::open(&path).await.expect("migrated");
    for (index, hash) in (1..).zip(&hashes) {
        assert_eq!(store.entry(index).await.expect("kept").hash, *hash);
    }
    assert!(matches!(store.verify().await, Ok(ChainState::Whole { entries: 3, .. })));
    let filter = AuditFilter { who: Some("ops-2".into()), ..AuditFilter::default() };
    assert_eq!(store.find(&filter, 9).await.expect("found").total, 1, "it is found by what its bytes say");
    let next = AuditEntry::new(jiff::Timestamp::UNIX_EPOCH, AuditCode::SignedOut, "ops-9".into(), Outcome::Success);
    assert_eq!(store.append(next).await.expect("goes on").previous, hashes[2]);
}

/// The version of the schema in which whoever had decided about any line had decided about the switch too.
const BEFORE_THE_SWITCH_ALONE: i64 = 19;

#[tokio::test]
async fn who_had_decided_anything_in_an_older_version_has_decided_about_the_switch() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("quorate.db");
    let file = older(&path, BEFORE_THE_SWITCH_ALONE).await;
    let [decided, undecided] = [1, 2].map(|number| ClusterId::from_uuid(Uuid::from_u128(number)));
    for (name, cluster) in [("one", decided), ("two", undecided)] {
        sqlx::query("INSERT INTO clusters (id, name, phase, protected, created_at, created_by) VALUES (?, ?, 'live', 0, 0, 'ada')")
            .bind(cluster.to_string())
            .bind(name)
            .execute(&file)
            .await
            .expect("an older cluster");
    }
    sqlx::query("INSERT INTO policies (cluster, lines) VALUES (?, '{\"protected\":false}')")
        .bind(decided.to_string())
        .execute(&file)
        .await
        .expect("an older policy");
    file.close().await;
    let store = SqliteStore::open(&path).await.expect("migrated");
    for (cluster, protects) in [(decided, false), (undecided, true)] {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let entry = AuditEntry::new(at, AuditCode::PolicyChanged, "system".into(), Outcome::Success);
        assert_eq!(store.protect_undecided(cluster, entry).await.expect("looked"), protects, "{cluster}");
    }
}

/// A file as the version with this schema left it.
async fn older(path: &Path, newest: i64) -> SqlitePool {
    let migrations = MIGRATIONS.iter().filter(|one| one.version <= newest).cloned().collect();
    let file = pool(1).connect_with(durable(path).create_if_missing(true)).await.expect("made");
    Migrator::with_migrations(migrations).run(&file).await.expect("the older schema");
    file
}

async fn opened() -> (SqliteStore, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("folder");
    let store = SqliteStore::open(&folder.path().join("quorate.db")).await.expect("open");
    (store, folder)
}
