use super::SqliteStore;
use sqlx::AssertSqlSafe;

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

async fn opened() -> (SqliteStore, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("folder");
    let store = SqliteStore::open(&folder.path().join("quorate.db")).await.expect("open");
    (store, folder)
}
