//! Signed checkpoints: what the log alone cannot show, and the binary that shows it.

use crate::app::{PASSWORD, TestApp};
use crate::process::quorate;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use engine::audit::checkpoint::{Checkpointer, Unsigned, message};
use engine::audit::{Person, Reader};
use engine::ports::{AuditStore, CheckpointStore};
use model::audit::{AuditCode, ChainState, Judged, Outcome};
use model::checkpoint::{Checkpoint, CheckpointFault};
use model::role::Role;
use server::checkpoints::{CHECKPOINT_FILE, File, KEY_FILE, public_key, signing_key};
use server::serve;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, BufReader};
use zeroize::Zeroizing;

/// Accounts are entries; then the head is signed into the folder's own file of checkpoints.
async fn filled(data: &Path, names: &[&str]) -> Checkpoint {
    let house = serve::open(data).await.expect("opened");
    for name in names {
        house.accounts.create(name, Role::Operator, Zeroizing::new(PASSWORD.to_owned())).await.expect("account");
    }
    let key = signing_key(&house.store, data).await.expect("read").expect("a key");
    let file = Arc::new(File::new(data.join(CHECKPOINT_FILE)));
    let (store, clock) = (Arc::clone(&house.engine.store), Arc::clone(&house.engine.clock));
    let signed = Checkpointer::new(store, clock, key, vec![file]).look(true).await.expect("whole").expect("new");
    house.store.close().await;
    signed
}

async fn verify(data: &Path, more: &[&str]) -> Output {
    quorate().args(["audit", "--data"]).arg(data).arg("verify").args(more).output().await.expect("it runs")
}

/// The newest lines that were kept elsewhere.
fn kept_elsewhere(data: &Path) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("folder");
    let copy = folder.path().join("kept.jsonl");
    std::fs::copy(data.join(CHECKPOINT_FILE), &copy).expect("copied");
    (folder, copy)
}

#[track_caller]
fn refused(output: &Output, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(words), "{said}");
}

#[tokio::test]
async fn a_log_that_fits_its_checkpoints_passes_and_its_key_can_be_kept_elsewhere_too() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path();
    assert_eq!(filled(data, &["anna", "bert"]).await.size, 2);
    let last = filled(data, &["carl"]).await;
    let (_kept, file) = kept_elsewhere(data);
    let file = file.to_str().expect("a path");
    let good = verify(data, &["--checkpoint", file]).await;
    let printed = String::from_utf8_lossy(&good.stdout).into_owned();
    assert!(good.status.success() && printed.contains("2 checkpoints fit, the newest covers 3 of 3"), "{printed}");
    let key = quorate().args(["audit", "--data"]).arg(data).arg("key").output().await.expect("it runs");
    let key = String::from_utf8_lossy(&key.stdout).trim().to_owned();
    assert_eq!(key, last.key);
    std::fs::remove_file(data.join(KEY_FILE)).expect("lost");
    refused(&verify(data, &["--checkpoint", file]).await, KEY_FILE);
    assert!(verify(data, &["--checkpoint", file, "--key", &key]).await.status.success());
    refused(&verify(data, &["--checkpoint", file, "--key", "12"]).await, "64 hex digits");
    let other = hex::encode(SigningKey::from_bytes(&[7; 32]).verifying_key().as_bytes());
    refused(&verify(data, &["--checkpoint", file, "--key", &other]).await, "another key");
}

#[tokio::test]
async fn a_cut_end_is_found() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path();
    filled(data, &["anna", "bert"]).await;
    let earlier = std::fs::read(data.join(serve::DATABASE)).expect("read");
    filled(data, &["carl"]).await;
    let (_kept, file) = kept_elsewhere(data);
    std::fs::write(data.join(serve::DATABASE), earlier).expect("put back");
    refused(&verify(data, &[]).await, "the end was cut off");
    refused(&verify(data, &["--checkpoint", file.to_str().expect("a path")]).await, "the end was cut off");
    std::fs::remove_file(data.join(CHECKPOINT_FILE)).expect("gone");
    assert!(verify(data, &[]).await.status.success(), "the shorter log fits the checkpoints in it");
}

#[tokio::test]
async fn without_a_key_or_a_checkpoint_it_says_what_it_cannot_judge() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path();
    let house = serve::open(data).await.expect("opened");
    house.accounts.create("anna", Role::Operator, Zeroizing::new(PASSWORD.to_owned())).await.expect("account");
    house.store.close().await;
    let printed = async || {
        let output = verify(data, &[]).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = printed().await;
    assert!(said.contains("held against no checkpoint"), "{said}");
    assert!(!data.join(KEY_FILE).exists(), "no key is made by reading");
    let key = filled(data, &["bert"]).await.key;
    let said = printed().await;
    let fit = "1 checkpoints in the database fit, the newest covers 2 of 2 entries";
    assert!(said.contains(fit) && said.matches("fit, the newest").count() == 2, "{said}");
    std::fs::remove_file(data.join(KEY_FILE)).expect("lost");
    let said = printed().await;
    assert!(said.contains(fit) && said.contains("who signed them is not judged"), "{said}");
    assert!(verify(data, &["--key", &key]).await.status.success());
    let other = hex::encode(SigningKey::from_bytes(&[7; 32]).verifying_key().as_bytes());
    refused(&verify(data, &["--key", &other]).await, "another key");
}

/// Signs the whole log with another key, as nobody but who has the machine can.
async fn signed_by(signer: &SigningKey, data: &Path) {
    let house = serve::open(data).await.expect("opened");
    let (size, at) = (house.store.entries().await.expect("counted"), house.engine.clock.now());
    let head = house.store.entry(size).await.expect("there").hash;
    let bytes: [u8; 32] = hex::decode(&head).expect("hex").try_into().expect("a hash");
    let signature = hex::encode(signer.sign(&message(size, &bytes, at)).to_bytes());
    let key = hex::encode(signer.verifying_key().as_bytes());
    house.store.keep_checkpoint(&Checkpoint { size, head, at, key, signature }).await.expect("kept");
    house.store.close().await;
}

#[tokio::test]
async fn what_an_earlier_key_signed_counts_below_the_newest_checkpoint_and_not_above() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path();
    filled(data, &["anna", "bert"]).await;
    let house = serve::open(data).await.expect("opened");
    house.accounts.create("carl", Role::Operator, Zeroizing::new(PASSWORD.to_owned())).await.expect("account");
    house.store.close().await;
    let newer = SigningKey::from_bytes(&[7; 32]);
    signed_by(&newer, data).await;
    refused(&verify(data, &[]).await, "another key");
    let newer = hex::encode(newer.verifying_key().as_bytes());
    let output = verify(data, &["--key", &newer]).await;
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 of them are signed with another key"), "{printed}");
}

/// What the mark beside the page's title says.
async fn mark(data: &Path, key: Option<VerifyingKey>) -> (ChainState, Option<Judged>) {
    let house = serve::open(data).await.expect("opened");
    let reader = Reader::new(Arc::clone(&house.engine.store)).trusting(key);
    let whole = reader.read_whole().await.expect("read");
    let again = reader.read_on().await.expect("read");
    assert_eq!((&whole.judged, whole.checkpoint), (&again.judged, again.checkpoint));
    house.store.close().await;
    (again.chain, again.judged)
}

#[tokio::test]
async fn the_mark_goes_by_the_newest_checkpoint_too() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path();
    filled(data, &["anna", "bert"]).await;
    let key = public_key(data).expect("read");
    assert!(key.is_some());
    let database = data.join(serve::DATABASE);
    let earlier = std::fs::read(&database).expect("read");
    let last = filled(data, &["carl"]).await;
    assert!(matches!(mark(data, key).await, (ChainState::Whole { entries: 3, .. }, Some(Judged::Fits))));
    let unknown = mark(data, None).await;
    assert!(matches!(unknown, (ChainState::Whole { .. }, Some(Judged::SignerUnknown))), "{unknown:?}");
    let other = Some(SigningKey::from_bytes(&[7; 32]).verifying_key());
    let changed = mark(data, other).await;
    let expected = Some(Judged::Against { fault: CheckpointFault::OtherKey });
    assert!(matches!(changed.0, ChainState::Broken { at_index: 3, .. }) && changed.1 == expected, "{changed:?}");
    // The log of before, with the table of checkpoints as it was: its end is cut off.
    std::fs::write(&database, earlier).expect("put back");
    let house = serve::open(data).await.expect("opened");
    house.store.keep_checkpoint(&last).await.expect("kept");
    house.store.close().await;
    let expected = Some(Judged::Against { fault: CheckpointFault::CutOff { size: 3, entries: 2 } });
    for key in [key, None] {
        let cut = mark(data, key).await;
        assert!(matches!(cut.0, ChainState::Broken { at_index: 3, entries: 2, .. }) && cut.1 == expected, "{cut:?}");
    }
}

#[tokio::test]
async fn a_log_that_was_computed_anew_is_found() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path();
    filled(data, &["anna", "bert"]).await;
    let (_kept, file) = kept_elsewhere(data);
    std::fs::remove_file(data.join(serve::DATABASE)).expect("gone");
    // Whoever has the machine has its key too; what was kept elsewhere is out of reach.
    filled(data, &["anna", "dora", "emil"]).await;
    refused(&verify(data, &[]).await, "computed anew");
    std::fs::remove_file(data.join(CHECKPOINT_FILE)).expect("gone");
    assert!(verify(data, &[]).await.status.success(), "in itself the new log is whole");
    refused(&verify(data, &["--checkpoint", file.to_str().expect("a path")]).await, "computed anew");
}

#[tokio::test]
async fn a_file_that_holds_no_checkpoint_proves_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    filled(folder.path(), &["anna"]).await;
    let file = folder.path().join("other");
    for (text, words) in [("", "holds no checkpoint"), ("{}\n", "line 1: no checkpoint")] {
        std::fs::write(&file, text).expect("written");
        refused(&verify(folder.path(), &["--checkpoint", file.to_str().expect("a path")]).await, words);
    }
}

#[tokio::test]
async fn a_torn_line_is_named_and_the_others_count() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path();
    filled(data, &["anna"]).await;
    let (_kept, file) = kept_elsewhere(data);
    let mut bytes = std::fs::read(&file).expect("read");
    bytes.extend_from_slice(b"{\"size\":1,\xff");
    std::fs::write(data.join(CHECKPOINT_FILE), bytes).expect("torn");
    filled(data, &["bert"]).await;
    std::fs::copy(data.join(CHECKPOINT_FILE), &file).expect("copied");
    let output = verify(data, &["--checkpoint", file.to_str().expect("a path")]).await;
    let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && printed.contains("2 checkpoints fit, the newest covers 2 of 2"), "{said}");
    assert!(said.contains("line 2: no checkpoint"), "{said}");
}

/// The file is a pipe: the log has been read to its end when the console signs once more.
#[tokio::test]
async fn a_checkpoint_that_was_signed_while_the_log_was_read_is_no_cut_end() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path();
    filled(data, &["anna"]).await;
    let (_kept, file) = kept_elsewhere(data);
    let pipe = file.with_extension("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("it runs");
    assert!(made.success(), "no pipe");
    let mut command = quorate();
    command.args(["audit", "--data"]).arg(data).args(["verify", "--checkpoint"]).arg(&pipe);
    let mut running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut printed = BufReader::new(running.stdout.take().expect("piped")).lines();
    let whole = printed.next_line().await.expect("read").expect("a line");
    assert!(whole.starts_with("whole: 1 entries"), "{whole}");
    filled(data, &["bert"]).await;
    let kept = std::fs::read(data.join(CHECKPOINT_FILE)).expect("read");
    tokio::task::spawn_blocking(move || std::fs::write(pipe, kept)).await.expect("ended").expect("passed on");
    let fit = printed.next_line().await.expect("read");
    let output = running.wait_with_output().await.expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fit.as_deref(), Some("2 checkpoints fit, the newest covers 2 of 2 entries"));
}

#[tokio::test]
async fn a_checkpoint_is_due_after_a_hundred_entries_or_ten_minutes() {
    let app = TestApp::new().await;
    let engine = &app.state.engine;
    let signer = Checkpointer::new(
        Arc::clone(&engine.store),
        Arc::clone(&engine.clock),
        SigningKey::from_bytes(&[1; 32]),
        Vec::new(),
    );
    let append = async |count: u32| {
        for _ in 0..count {
            let entry = engine.audit.entry(AuditCode::SignedIn, &Person::system(), Outcome::Success);
            engine.audit.write(entry).await.expect("written");
        }
    };
    append(1).await;
    let first = signer.look(false).await.expect("whole").expect("the first entry is signed at once");
    let due = async || signer.look(false).await.expect("whole").map(|one| one.size - first.size);
    assert_eq!(due().await, None);
    append(99).await;
    assert_eq!(due().await, None);
    append(1).await;
    assert_eq!(due().await, Some(100));
    append(1).await;
    assert_eq!(due().await, None);
    app.clock.advance_minutes(10);
    assert_eq!(due().await, Some(101));
    app.clock.advance_minutes(10);
    assert_eq!(due().await, None, "nothing new, nothing to sign");
}

#[tokio::test]
async fn nothing_is_signed_that_does_not_follow_from_what_was_signed() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path();
    filled(data, &["anna", "bert"]).await;
    let database = data.join(serve::DATABASE);
    let earlier = std::fs::read(&database).expect("read");
    let last = filled(data, &["carl"]).await;
    std::fs::write(&database, earlier).expect("put back");
    let house = serve::open(data).await.expect("opened");
    let entries = house.store.entries().await.expect("counted");
    assert!(entries < last.size);
    // The checkpoint of the longer log comes back with a copy of the table, say.
    house.store.keep_checkpoint(&last).await.expect("kept");
    let key = signing_key(&house.store, data).await.expect("read").expect("a key");
    let (store, clock) = (Arc::clone(&house.engine.store), Arc::clone(&house.engine.clock));
    let refused = Checkpointer::new(store, clock, key, Vec::new()).look(true).await.expect_err("it is shorter");
    assert!(matches!(refused, Unsigned::Broken { .. }), "{refused}");
}

/// Whoever can write the log can write a row beside it that fits, but cannot sign it.
#[tokio::test]
async fn nothing_is_signed_on_from_a_checkpoint_that_the_console_did_not_sign() {
    let other = SigningKey::from_bytes(&[7; 32]);
    for own_key in [true, false] {
        let folder = tempfile::tempdir().expect("folder");
        let data = folder.path();
        let last = filled(data, &["anna"]).await;
        let house = serve::open(data).await.expect("opened");
        let append = async || {
            let entry = house.engine.audit.entry(AuditCode::SignedIn, &Person::system(), Outcome::Success);
            house.engine.audit.write(entry).await.expect("written");
        };
        append().await;
        let (size, at) = (last.size + 1, house.engine.clock.now());
        let head = house.store.entry(size).await.expect("there").hash;
        let bytes: [u8; 32] = hex::decode(&head).expect("hex").try_into().expect("a hash");
        let signature = hex::encode(other.sign(&message(size, &bytes, at)).to_bytes());
        let key = if own_key { last.key } else { hex::encode(other.verifying_key().as_bytes()) };
        house.store.keep_checkpoint(&Checkpoint { size, head, at, key, signature }).await.expect("kept");
        append().await;
        let key = signing_key(&house.store, data).await.expect("read").expect("a key");
        let (store, clock) = (Arc::clone(&house.engine.store), Arc::clone(&house.engine.clock));
        let refused = Checkpointer::new(store, clock, key, Vec::new()).look(true).await.expect_err("forged");
        assert!(matches!(refused, Unsigned::Broken { at_index } if at_index == size), "{refused}");
        assert_eq!(house.store.last_checkpoint().await.expect("read").expect("the forged one").size, size);
    }
}
