//! The audit archived by the binary: what pages, exports and commands say of it afterwards, and what no archive holds.

use crate::app::{PASSWORD, TestApp};
use crate::client::Client;
use crate::pages::pages;
use crate::process::{Console, quorate};
use crate::secrets::{holds, none_in};
use axum::http::StatusCode;
use engine::audit::checkpoint::Checkpointer;
use engine::audit::{Person, Reader};
use engine::ports::AuditStore;
use model::audit::{AuditCode, AuditEntry, AuditPage, ChainState, ChainView, ChainedEntry, Outcome};
use model::problem::ProblemCode;
use model::role::Role;
use serde_json::json;
use server::checkpoints::{CHECKPOINT_FILE, File, KEY_FILE, signing_key};
use server::serve;
use server::system::SystemClock;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use store::{ARCHIVE_FOLDER, SqliteStore};
use tokio::process::Command;
use zeroize::Zeroizing;

fn entries(first: i64, count: i64) -> Vec<AuditEntry> {
    let at = |second| model::Timestamp::from_second(1_800_000_000 + second).expect("time");
    (first..first + count)
        .map(|number| {
            let who = format!("ops-{}", number % 3);
            let mut one = AuditEntry::new(at(number), AuditCode::PlanProposed, who, Outcome::Success);
            one.reason = Some(format!("rack {number}"));
            one
        })
        .collect()
}

/// Entries, and a checkpoint of the last of them, as a console leaves them that is stopped.
async fn written(data: &Path, first: i64, count: i64) {
    let store = SqliteStore::open(&data.join(serve::DATABASE)).await.expect("opened");
    store.fill_audit(&entries(first, count)).await.expect("filled");
    let key = signing_key(&store, data).await.expect("read").expect("a key");
    let file = Arc::new(File::new(data.join(CHECKPOINT_FILE)));
    let signer = Checkpointer::new(Arc::new(store.clone()), Arc::new(SystemClock), key, vec![file]);
    signer.look(true).await.expect("whole").expect("new");
    store.close().await;
}

fn command(data: &Path, args: &[&str]) -> Command {
    let mut command = quorate();
    command.args(["audit", "--data"]).arg(data).args(args);
    command
}

async fn audit(data: &Path, args: &[&str]) -> Output {
    command(data, args).output().await.expect("it runs")
}

#[track_caller]
fn passed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn refused(output: &Output, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(words.iter().all(|word| said.contains(word)), "{said}");
}

fn archives(data: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(data.join(ARCHIVE_FOLDER)).expect("a folder");
    let mut all: Vec<PathBuf> = all.map(|one| one.expect("entry").path()).collect();
    all.retain(|path| path.extension().is_some_and(|end| end == "db"));
    all.sort();
    all
}

/// Three times 40 entries, with an archive after each of the first two.
async fn archived_twice(data: &Path) {
    for first in [0, 40, 80] {
        written(data, first, 40).await;
        if first < 80 {
            passed(&audit(data, &["archive", "--reason", "end of the year"]).await);
        }
    }
}

#[tokio::test]
async fn after_two_archives_the_commands_read_all_of_it() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path();
    archived_twice(data).await;
    assert_eq!(archives(data).len(), 2);
    let kept = data.join("kept-elsewhere.jsonl");
    std::fs::copy(data.join(CHECKPOINT_FILE), &kept).expect("copied");
    let with = ["verify", "--checkpoint", kept.to_str().expect("a path")];
    let printed = passed(&audit(data, &with).await);
    assert!(printed.contains("whole: 122 entries") && printed.contains("3 checkpoints fit"), "{printed}");
    for part in ["entries 1 to 40 in audit/audit-", "entries 41 to 81 in audit/audit-"] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    let exported = passed(&audit(data, &["export", "--filter", "who=ops-1&words=rack"]).await);
    let found: Vec<ChainedEntry> = exported.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect();
    assert_eq!(found.len(), 40, "a third of all, newest first, none twice");
    assert!(found.windows(2).all(|pair| pair[0].index > pair[1].index));
    let csv = passed(&audit(data, &["export", "--format", "csv", "--filter", "code=audit_archived"]).await);
    assert!(
        csv.lines().count() == 3 && csv.contains("end of the year") && csv.contains("audit-000000000041-"),
        "{csv}"
    );

    let other = hex::encode(ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key().as_bytes());
    refused(&audit(data, &["verify", "--key", &other]).await, &["audit-000000000001-", "another key"]);
    let key = passed(&audit(data, &["key"]).await);
    std::fs::remove_file(data.join(KEY_FILE)).expect("lost");
    refused(&audit(data, &["verify"]).await, &[KEY_FILE]);
    refused(&audit(data, &["archive"]).await, &[KEY_FILE, "nothing can be signed"]);
    passed(&audit(data, &["verify", "--key", key.trim()]).await);
    assert!(!data.join(KEY_FILE).exists(), "no second key in silence");
}

#[tokio::test]
async fn what_is_wrong_with_an_archive_is_an_exit_code_and_a_sentence() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path();
    archived_twice(data).await;
    let [one, two] = &archives(data)[..] else { panic!("two archives") };
    let good = std::fs::read(one).expect("read");
    passed(&audit(data, &["verify"]).await);
    std::fs::remove_file(one).expect("gone");
    refused(&audit(data, &["verify"]).await, &["entries 1 to 40", "audit-000000000001-", "is missing"]);
    refused(&audit(data, &["export"]).await, &["is missing"]);
    refused(&audit(data, &["archive"]).await, &["not whole", "is missing"]);
    std::fs::copy(two, one).expect("replaced");
    refused(&audit(data, &["verify"]).await, &["changed or replaced"]);
    std::fs::remove_file(one).expect("gone");
    let mut bytes = good.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(one, &bytes).expect("written");
    refused(&audit(data, &["verify"]).await, &["changed or replaced"]);
    std::fs::write(one, &good[..good.len() / 2]).expect("written");
    refused(&audit(data, &["verify"]).await, &["changed or replaced"]);
    std::fs::write(one, &good).expect("put back");
    std::fs::rename(one.with_extension("json"), data.join("elsewhere")).expect("moved");
    refused(&audit(data, &["verify"]).await, &["what was signed"]);
    std::fs::rename(data.join("elsewhere"), one.with_extension("json")).expect("put back");
    std::fs::write(data.join(ARCHIVE_FOLDER).join("audit-000000000001-000000000009.db"), "").expect("written");
    let printed = passed(&audit(data, &["verify"]).await);
    assert!(printed.contains("audit-000000000001-000000000009.db, which is no part of this audit"), "{printed}");
}

#[tokio::test]
async fn pages_questions_and_files_go_on_into_the_archives() {
    let folder = tempfile::tempdir().expect("folder");
    for (first, count) in [(0, 120), (120, 30)] {
        written(folder.path(), first, count).await;
        passed(&audit(folder.path(), &["archive"]).await);
    }
    written(folder.path(), 150, 30).await;
    let app = TestApp::over(folder).await;
    let viewer = app.viewer().await;
    let (mut found, mut before) = (Vec::new(), None::<u64>);
    loop {
        let asked = json!({ "filter": { "who": "ops-2", "before": before }, "again": false });
        let page: AuditPage = viewer.call("audit", asked).await.expect("a page");
        assert_eq!((page.total, page.unread.len()), (60, 0));
        found.extend(page.entries.into_iter().filter_map(|one| one.entry.reason));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let expected: Vec<String> = (0..180).rev().filter(|n| n % 3 == 2).map(|n| format!("rack {n}")).collect();
    assert_eq!(found, expected, "each once, newest first");
    let oldest: ChainedEntry = viewer.call("audit_entry", json!({ "index": 1 })).await.expect("archived long ago");
    assert_eq!(oldest.index, 1);
    let chain: ChainView = viewer.call("audit_chain", json!({})).await.expect("the mark");
    assert!(matches!(chain.chain, ChainState::Whole { .. }), "{chain:?}");
    let file = viewer.get("/audit/export?format=jsonl&who=ops-2").await;
    assert_eq!((file.status, file.text().lines().count()), (StatusCode::OK, 60));

    let gone = archives(app.folder()).remove(0);
    std::fs::remove_file(&gone).expect("gone");
    let asked = json!({ "filter": { "who": "ops-2" }, "again": false });
    let page: AuditPage = viewer.call("audit", asked).await.expect("what is left of it");
    let name = gone.file_name().expect("name").to_string_lossy().into_owned();
    assert_eq!(page.unread.iter().map(|one| one.file.as_str()).collect::<Vec<_>>(), [name.as_str()]);
    assert!(page.total < 60, "what cannot be read is not counted: {}", page.total);
    let browser = Client::new(pages(&app), 240);
    browser.set_cookie(&viewer.cookie().expect("cookie"));
    for path in ["/audit", "/audit?who=ops-2", "/audit/expected"] {
        let page = browser.get(path).await;
        assert!(page.status == StatusCode::OK && page.text().contains(&name), "{path} says nothing of it");
    }
    let problem = viewer.call::<ChainedEntry>("audit_entry", json!({ "index": 1 })).await.expect_err("gone");
    assert_eq!(problem.code, ProblemCode::ArchiveUnread);
    assert_eq!(viewer.get("/audit/export?format=csv").await.status, StatusCode::SERVICE_UNAVAILABLE);
    let reader = Reader::new(Arc::clone(&app.state.engine.store));
    assert!(matches!(reader.read_whole().await.expect("read").chain, ChainState::Lost { .. }));
}

#[tokio::test]
async fn no_secret_goes_into_an_archive() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path();
    let house = serve::open(data).await.expect("opened");
    let id = house.accounts.create("anna", Role::Admin, Zeroizing::new(PASSWORD.to_owned())).await.expect("account");
    let token = house.accounts.invite(&Person::system(), Role::Viewer, None).await.expect("link").to_string();
    house.store.put_sealed("canary-name-4a1c", b"canary-sealed-4a1c").await.expect("sealed");
    let hash = engine::ports::UserStore::user(&house.store, id.id).await.expect("there").password_hash.expect("a hash");
    house.store.close().await;
    drop(house);
    let database = std::fs::read(data.join(serve::DATABASE)).expect("read");
    for word in [hash.as_str(), "canary-name-4a1c", "canary-sealed-4a1c", "ssh-ed25519"] {
        assert!(holds(&database, word), "{word} would be found");
    }
    passed(&audit(data, &["archive"]).await);
    let archive = std::fs::read(&archives(data)[0]).expect("read");
    assert!(holds(&archive, "user_created"), "the entries would be found");
    let secrets = [hash.as_str(), "$argon2", "canary-name-4a1c", "canary-sealed-4a1c", "ssh-ed25519", PASSWORD, &token];
    none_in("the archive", &archive, &secrets);
}

#[tokio::test]
async fn a_console_that_serves_keeps_its_audit() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path().join("data");
    let console = Console::serve(&data);
    console.address().await;
    refused(&audit(&data, &["archive"]).await, &["another console"]);
    assert!(console.stop().await.success());
    let said = passed(&audit(&data, &["archive"]).await);
    assert!(said.contains("archived: entries 1 to"), "{said}");
    assert!(passed(&audit(&data, &["archive"]).await).contains("nothing has been written"));
    let console = Console::serve(&data);
    console.address().await;
    assert!(console.stop().await.success());
    passed(&audit(&data, &["verify"]).await);
}

/// Names that appear while a part is closed, each later than the one before.
const MARKS: [&str; 4] = ["audit/closing.db", "audit/closing.json", "quorate.db.next", "audit/closing.db-journal"];

/// The binary itself, killed as soon as a file is there that it makes on its way.
#[tokio::test]
async fn killed_at_any_moment_it_loses_nothing_and_is_done_by_the_next() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path();
    written(data, 0, 6_000).await;
    let mut died = 0;
    for mark in MARKS.iter().cycle().take(8) {
        let mut running = command(data, &["archive"]).spawn().expect("it starts");
        while !data.join(mark).exists() && running.try_wait().expect("status").is_none() {
            tokio::task::yield_now().await;
        }
        if running.try_wait().expect("status").is_none() {
            running.start_kill().expect("killed");
            died += 1;
        }
        running.wait().await.expect("ended");
        let store = SqliteStore::open(&data.join(serve::DATABASE)).await.expect("open");
        let state = store.verify().await.expect("verify");
        let parts = store.archived().len() as u64;
        assert!(matches!(state, ChainState::Whole { entries, .. } if entries == 6_000 + parts), "{mark}: {state:?}");
        store.close().await;
    }
    eprintln!("killed {died} times of 8");
    assert!(died > 0, "it was never killed on its way");
    let said = passed(&audit(data, &["archive"]).await);
    assert!(said.contains("archived: entries 1 to 6000") || said.contains("nothing has been written"), "{said}");
    let printed = passed(&audit(data, &["verify"]).await);
    assert!(printed.contains("whole: 6001 entries") && !printed.contains("not read"), "{printed}");
    assert_eq!(archives(data).len(), 1);
    let names: Vec<String> = std::fs::read_dir(data)
        .expect("folder")
        .map(|one| one.expect("entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert!(!names.iter().any(|name| name.contains(".next")), "{names:?}");
}
