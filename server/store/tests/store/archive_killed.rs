//! Closing a part is cut off after each of its steps: no entry is lost, none is there twice, and the next try ends it.

use crate::archived::{Desk, close, close_watched, furnish, leafed, many, others, schema};
use crate::support::entry;
use engine::audit::segment::Step;
use engine::ports::AuditStore as _;
use model::audit::{AuditCode, AuditFilter, ChainState, ChainedEntry};
use std::sync::Mutex;

/// The folder after each step, as a process leaves it that is killed there.
async fn cut_off_after_each(desk: &Desk) -> Vec<(Step, Desk)> {
    let copies = Mutex::new(Vec::new());
    let told = |step: Step| copies.lock().expect("no panic").push((step, desk.copied()));
    close_watched(&desk.database(), &told).await.expect("closed").expect("something");
    copies.into_inner().expect("no panic")
}

async fn all_of(desk: &Desk) -> Vec<ChainedEntry> {
    let store = desk.store().await;
    let (entries, _) = leafed(&store, &AuditFilter::default(), 500).await;
    let read = store.verify().await.expect("verify");
    assert!(matches!(read, ChainState::Whole { entries: all, .. } if all == entries.len() as u64), "{read:?}");
    store.close().await;
    entries
}

/// A folder with one part already, and tables that have something in them.
async fn furnished() -> Desk {
    let desk = Desk::new();
    let store = desk.store().await;
    furnish(&store).await;
    store.fill_audit(&many(0, 60)).await.expect("filled");
    store.close().await;
    drop(store);
    desk.close().await;
    desk.append(&many(60, 1_200)).await;
    desk
}

#[tokio::test]
async fn whenever_it_is_killed_every_entry_is_there_once() {
    let desk = furnished().await;
    let (before, tables, drawn) = (all_of(&desk).await, others(&desk.database()).await, schema(&desk.database()).await);
    let copies = cut_off_after_each(&desk).await;
    assert_eq!(copies.iter().map(|(step, _)| *step).collect::<Vec<_>>(), Step::ALL);
    let after = all_of(&desk).await;
    assert_eq!(after[1..], before, "newest first: the entry that tells of it is the only new one");
    for (step, copy) in copies {
        let found = all_of(&copy).await;
        let expected = if step == Step::DatabasePlaced { &after } else { &before };
        assert_eq!(&found, expected, "{step:?}");
        assert_eq!(others(&copy.database()).await, tables, "{step:?}");
        // What a start of the console does.
        store::clear_leftovers(&copy.database()).expect("cleared");
        let left = copy.files();
        assert!(!left.iter().any(|name| name.contains("closing") || name.contains(".next")), "{step:?}: {left:?}");
        assert_eq!(&all_of(&copy).await, expected, "{step:?}");
        let closed = close(&copy.database()).await.expect("no fault");
        assert_eq!(closed.is_none(), step == Step::DatabasePlaced, "{step:?}");
        let ended = all_of(&copy).await;
        assert_eq!(ended[1..], before, "{step:?}");
        assert_eq!((ended[0].entry.code, ended.len()), (AuditCode::AuditArchived, after.len()), "{step:?}");
        assert_eq!(others(&copy.database()).await, tables, "{step:?}");
        assert_eq!(schema(&copy.database()).await, drawn, "{step:?}");
        assert_eq!(copy.files(), desk.files(), "{step:?}: nothing is left over");
    }
}

#[tokio::test]
async fn whatever_is_written_after_the_kill_is_closed_by_the_next_try() {
    let desk = furnished().await;
    for (step, copy) in cut_off_after_each(&desk).await {
        let more: Vec<_> = (0..3).map(|_| entry(AuditCode::SignedIn)).collect();
        copy.append(&more).await;
        let before = all_of(&copy).await;
        let closed = close(&copy.database()).await.expect("no fault").expect("something new");
        assert_eq!(closed.last, before[0].index, "{step:?}");
        assert_eq!(all_of(&copy).await[1..], before, "{step:?}");
        let archives: Vec<String> = copy.files().into_iter().filter(|name| name.starts_with("audit-")).collect();
        let parts = if step == Step::DatabasePlaced { 3 } else { 2 };
        assert_eq!(archives.len(), parts * 2, "{step:?}: {archives:?}");
        assert_eq!(copy.store().await.strange_archives().expect("read"), Vec::<String>::new(), "{step:?}");
    }
}

#[tokio::test]
async fn an_archive_that_the_database_does_not_hold_is_never_removed() {
    let desk = Desk::new();
    desk.append(&many(0, 30)).await;
    let older = desk.copied();
    desk.append(&many(30, 30)).await;
    let one = desk.close().await;
    // Somebody brings an older database back, beside an archive that has more than it.
    for end in ["db", "json"] {
        let path = desk.archive(&one).with_extension(end);
        std::fs::create_dir_all(older.folder().join("audit")).expect("made");
        std::fs::copy(&path, older.archive(&one).with_extension(end)).expect("copied");
    }
    assert_eq!(older.store().await.strange_archives().expect("read"), [one.file()]);
    store::clear_leftovers(&older.database()).expect("cleared");
    assert_eq!(older.close().await.last, 30);
    assert_eq!(
        std::fs::read(older.archive(&one)).expect("still there"),
        std::fs::read(desk.archive(&one)).expect("read")
    );
    assert_eq!(older.store().await.strange_archives().expect("read"), [one.file()]);
    assert!(matches!(older.verified().await, ChainState::Whole { entries: 31, .. }));
}
