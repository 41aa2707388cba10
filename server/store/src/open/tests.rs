use super::{MIGRATIONS, SqliteStore, durable, pool};
use engine::audit::chain::{GENESIS, entry_hash};
use engine::ports::AuditStore as _;
use model::audit::{AuditCode, AuditEntry, AuditFilter, ChainState, Outcome};
use sqlx::AssertSqlSafe;
use sqlx::migrate::Migrator;

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
    let older = MIGRATIONS.iter().filter(|one| one.version <= BEFORE_THE_CHAIN_ALONE).cloned().collect();
    let file = pool(1).connect_with(durable(&path).create_if_missing(true)).await.expect("made");
    Migrator::with_migrations(older).run(&file).await.expect("the older schema");
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

async fn opened() -> (SqliteStore, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("folder");
    let store = SqliteStore::open(&folder.path().join("quorate.db")).await.expect("open");
    (store, folder)
}
