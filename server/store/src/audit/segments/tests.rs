use super::OPEN_MAX;
use crate::SqliteStore;
use ed25519_dalek::SigningKey;
use engine::audit::Person;
use engine::audit::segment::Closer;
use engine::ports::AuditStore as _;
use jiff::Timestamp;
use model::audit::{AuditCode, AuditEntry, AuditFilter, Outcome};

fn entry() -> AuditEntry {
    AuditEntry::new(Timestamp::UNIX_EPOCH, AuditCode::SignedIn, "ops-1".into(), Outcome::Success)
}

#[tokio::test]
async fn however_many_parts_are_read_few_files_are_open() {
    let folder = tempfile::tempdir().expect("folder");
    let database = folder.path().join("quorate.db");
    let mut store = SqliteStore::open(&database).await.expect("open");
    store.append(entry()).await.expect("append");
    let signer = SigningKey::from_bytes(&[1; 32]);
    // More than may be open at once.
    let mut all = Vec::new();
    for _ in 0..OPEN_MAX + 2 {
        store.append(entry()).await.expect("append");
        store.close().await;
        drop(store);
        let at = Timestamp::UNIX_EPOCH;
        let closer = Closer { signer: &signer, who: Person { name: "ops-1".into() }, reason: None, at };
        all.push(crate::close_segment(&database, &closer).await.expect("no fault").expect("closed"));
        store = SqliteStore::open(&database).await.expect("open");
    }
    assert_eq!(store.archived(), all);
    let filter = AuditFilter { who: Some("ops-1".into()), ..AuditFilter::default() };
    for _ in 0..2 {
        let page = store.find(&filter, 500).await.expect("find");
        assert_eq!((page.entries.len() as u64, page.unread.len()), (all.last().expect("parts").last + 1, 0));
        assert_eq!(store.segments.open_now(), OPEN_MAX);
    }
    for one in &all {
        store.entry(one.first).await.expect("entry");
    }
    assert_eq!(store.segments.open_now(), OPEN_MAX);
}
