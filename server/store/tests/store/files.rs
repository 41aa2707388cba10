use crate::support::{Room, at, conflict, entry, failure};
use engine::ports::{AuditStore as _, Clock};
use jiff::Timestamp;
use model::audit::{AuditCode, ChainState};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use store::SqliteStore;

#[tokio::test]
async fn the_files_are_for_their_owner_alone() {
    let room = Room::new().await;
    room.store.append(entry(AuditCode::ServerStarted)).await.expect("append");
    for name in ["quorate.db", "quorate.db-wal", "quorate.db-shm"] {
        assert_eq!(mode(&room.file(name)), 0o600, "{name}");
    }
    let copied = room.file("copied.db");
    std::fs::write(&copied, "").expect("write");
    std::fs::set_permissions(&copied, std::fs::Permissions::from_mode(0o644)).expect("mode");
    SqliteStore::open(&copied).await.expect("open");
    assert_eq!(mode(&copied), 0o600, "a file that was open to others is closed to them");
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_left_alone() {
    let room = Room::new().await;
    let known = room.store.schema_version().await.expect("version");
    assert!(known >= 1);
    let mut other = room.intruder().await;
    sqlx::query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, X'00', 0)")
        .execute(&mut other)
        .await
        .expect("insert");
    let text = failure(SqliteStore::open(&room.path()).await.map(|_| ()));
    assert!(text.contains("newer version") && text.contains("9999") && text.contains(&known.to_string()), "{text}");
}

#[tokio::test]
async fn what_is_no_database_is_left_alone() {
    let room = Room::new().await;
    let path = room.file("letter.txt");
    std::fs::write(&path, "Dear reader, this is a letter and no database, however long it gets.".repeat(20))
        .expect("write");
    let before = std::fs::read(&path).expect("read");
    failure(SqliteStore::open(&path).await.map(|_| ()));
    assert_eq!(std::fs::read(&path).expect("read"), before);
    failure(SqliteStore::open(&room.file("no/such/folder.db")).await.map(|_| ()));
}

#[tokio::test]
async fn a_backup_is_a_whole_store() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    let path = room.file("backup.db");
    room.store.backup_to(&path).await.expect("backup");
    room.store.append(entry(AuditCode::SignedOut)).await.expect("append");
    assert_eq!(mode(&path), 0o600);
    assert_eq!(conflict(room.store.backup_to(&path).await), "backup file");
    let copy = SqliteStore::open(&path).await.expect("open");
    assert!(matches!(copy.verify().await, Ok(ChainState::Whole { entries: 1, .. })));
    assert_eq!(engine::ports::ClusterStore::cluster(&copy, one.id).await.expect("cluster"), one);
}

#[tokio::test]
async fn a_second_process_may_write_too() {
    let room = Room::new().await;
    let other = SqliteStore::open(&room.path()).await.expect("open");
    let (a, b) = tokio::join!(many(&room.store), many(&other));
    assert_eq!((a, b), (20, 20));
    assert!(matches!(room.store.verify().await, Ok(ChainState::Whole { entries: 40, .. })));
}

#[tokio::test]
async fn verification_says_when_it_was() {
    let store = SqliteStore::open_in_memory().await.expect("open").with_clock(Arc::new(Stopped));
    store.append(entry(AuditCode::ServerStarted)).await.expect("append");
    let Ok(ChainState::Whole { entries: 1, verified_at, .. }) = store.verify().await else { panic!("not whole") };
    assert_eq!(verified_at, at(42));
}

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        at(42)
    }
}

async fn many(store: &SqliteStore) -> u32 {
    let mut written = 0;
    for _ in 0..20 {
        store.append(entry(AuditCode::SignedIn)).await.expect("append");
        written += 1;
    }
    written
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("file").permissions().mode() & 0o777
}
