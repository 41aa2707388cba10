//! Entries of the audit that somebody made unreadable.

use super::hook::Hook;
use super::write_down;
use crate::app::BASE;
use crate::logs;
use engine::notify::Notifier;
use engine::ports::NoticeStore as _;
use server::notify::webhook;
use server::serve::{self, House};
use std::path::Path;

/// A console on this folder, and who tells the place.
async fn console(folder: &Path, hook: &Hook) -> (House, Notifier) {
    let house = serve::open(folder).await.expect("opened");
    let notifier = Notifier::new(&house.engine, vec![hook.place()], Some(BASE.to_owned()));
    (house, notifier)
}

/// Changes one byte of the only place in the database that holds `text`.
fn change(folder: &Path, text: &str) {
    let database = folder.join(serve::DATABASE);
    let mut bytes = std::fs::read(&database).expect("the database");
    let places: Vec<usize> =
        bytes.windows(text.len()).enumerate().filter(|(_, part)| *part == text.as_bytes()).map(|(at, _)| at).collect();
    assert_eq!(places.len(), 1, "{text} stands in one entry");
    bytes[places[0]] = b'!';
    std::fs::write(&database, bytes).expect("changed");
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_said_in_the_log_and_silences_none_behind_it() {
    logs::capture();
    let folder = tempfile::tempdir().expect("folder");
    let hook = Hook::listen(&[(204, ""), (204, "")]).await;
    let (house, notifier) = console(folder.path(), &hook).await;
    notifier.begin().await.expect("the cursor");
    for reason in ["the first", "the second", "the third"] {
        write_down(&house.engine, reason).await;
    }
    let cursor = house.store.notice_cursor().await.expect("read").expect("begun");
    house.store.close().await;
    // No JSON any more: the quote that begins a name is gone.
    change(folder.path(), "\"reason\":\"the second\"");
    let (house, notifier) = console(folder.path(), &hook).await;
    assert!(!notifier.gather().await.expect("the store answers"));
    assert_eq!(house.store.notice_cursor().await.expect("read"), Some(cursor + 3), "it goes on behind it");
    assert_eq!(notifier.deliver(webhook::NAME).await.expect("sent"), 2);
    let told: Vec<String> = hook.got().into_iter().map(|(_, body)| body).collect();
    for (body, reason) in told.iter().zip(["the first", "the third"]) {
        assert!(body.contains(reason), "{body}");
    }
    let line = format!("no message was made of an entry that cannot be read audit.index={}", cursor + 2);
    assert!(logs::contains(&line), "the log does not say {line}");
}
