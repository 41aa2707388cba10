//! The key that signs checkpoints of the audit, and the places that they are passed on to.

use crate::keys::{KeyError, make_key, read_key};
use async_trait::async_trait;
use ed25519_dalek::{SigningKey, VerifyingKey};
use engine::ports::{CheckpointSink, CheckpointStore, SinkError};
use model::checkpoint::Checkpoint;
use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use store::SqliteStore;

/// Name of the signing key's file in the data folder, or among systemd's credentials; another one than `seal.key`.
pub const KEY_FILE: &str = "audit.key";
/// Name of the file of checkpoints in the data folder, where no other is given.
pub const CHECKPOINT_FILE: &str = "audit-checkpoints.jsonl";
/// Where the system's log listens.
const SYSLOG: &str = "/dev/log";
/// Facility 13 (log audit) times 8, and severity 6 (informational): RFC 5424, 6.2.1.
const SYSLOG_PRIORITY: u8 = 110;

/// Loads the signing key, or makes it the first time. A database that holds checkpoints or has archived parts gets no second key in silence:
/// without its own it can be read and checked, and nothing new is signed.
///
/// # Errors
/// See [`KeyError`].
pub async fn signing_key(store: &SqliteStore, data: &Path) -> Result<Option<SigningKey>, KeyError> {
    if let Some(key) = read_key(data, KEY_FILE)? {
        return Ok(Some(SigningKey::from_bytes(&key)));
    }
    let last = store.last_checkpoint().await.map_err(|error| KeyError::Store(error.to_string()))?;
    if last.is_some() || !store.archived().is_empty() {
        tracing::warn!(
            key.file = KEY_FILE,
            "the key that signs checkpoints is missing: the audit goes on, and nothing of it is signed. Put back the key \
             file that belongs to this database"
        );
        return Ok(None);
    }
    make_key(data, KEY_FILE).map(|key| Some(SigningKey::from_bytes(&key)))
}

/// The public half of the signing key, where there is one; none is made.
///
/// # Errors
/// See [`KeyError`].
pub fn public_key(data: &Path) -> Result<Option<VerifyingKey>, KeyError> {
    Ok(read_key(data, KEY_FILE)?.map(|key| SigningKey::from_bytes(&key).verifying_key()))
}

/// One checkpoint a line, appended and on disk before it counts as kept.
pub struct File {
    path: PathBuf,
}

impl File {
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

#[async_trait]
impl CheckpointSink for File {
    fn name(&self) -> &'static str {
        "file"
    }

    async fn send(&self, checkpoint: &Checkpoint) -> Result<(), SinkError> {
        let path = self.path.clone();
        let line = line(checkpoint)? + "\n";
        let write = move || {
            // One console per data folder: nobody else writes between the two.
            let mut file =
                OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)?;
            let torn = ends_torn(&mut file)?;
            file.seek(SeekFrom::End(0))?;
            file.write_all(if torn { format!("\n{line}") } else { line }.as_bytes())?;
            file.sync_all()
        };
        tokio::task::spawn_blocking(write).await.map_err(failed)?.map_err(failed)
    }
}

/// A line that a power cut or a full disk cut off: nothing may be appended to it.
fn ends_torn(file: &mut std::fs::File) -> std::io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// The system's log, which may go on to another machine.
pub struct Syslog {
    socket: PathBuf,
}

impl Default for Syslog {
    fn default() -> Self {
        Self { socket: PathBuf::from(SYSLOG) }
    }
}

#[async_trait]
impl CheckpointSink for Syslog {
    fn name(&self) -> &'static str {
        "syslog"
    }

    async fn send(&self, checkpoint: &Checkpoint) -> Result<(), SinkError> {
        let message =
            format!("<{SYSLOG_PRIORITY}>quorate[{}]: audit checkpoint {}", std::process::id(), line(checkpoint)?);
        let socket = UnixDatagram::unbound().map_err(failed)?;
        socket.send_to(message.as_bytes(), &self.socket).map(|_| ()).map_err(failed)
    }
}

fn line(checkpoint: &Checkpoint) -> Result<String, SinkError> {
    serde_json::to_string(checkpoint).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> SinkError {
    SinkError { text: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            size: 3,
            head: "ab".repeat(32),
            at: model::Timestamp::UNIX_EPOCH,
            key: "cd".repeat(32),
            signature: "ef".repeat(64),
        }
    }

    #[tokio::test]
    async fn a_file_gets_one_line_for_each_and_keeps_what_it_has() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join(CHECKPOINT_FILE);
        std::fs::write(&path, "before\n").expect("written");
        for _ in 0..2 {
            File::new(path.clone()).send(&checkpoint()).await.expect("sent");
        }
        let text = std::fs::read_to_string(&path).expect("read");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[0]), (3, "before"));
        assert_eq!(serde_json::from_str::<Checkpoint>(lines[2]).expect("a checkpoint"), checkpoint());
        File::new(folder.path().join("no/such/folder")).send(&checkpoint()).await.expect_err("said, not swallowed");
    }

    #[tokio::test]
    async fn a_torn_line_costs_no_other() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join(CHECKPOINT_FILE);
        std::fs::write(&path, r#"{"size":2,"he"#).expect("written");
        for _ in 0..2 {
            File::new(path.clone()).send(&checkpoint()).await.expect("sent");
        }
        let text = std::fs::read_to_string(&path).expect("read");
        let whole: Vec<bool> = text.lines().map(|line| serde_json::from_str::<Checkpoint>(line).is_ok()).collect();
        assert_eq!(whole, [false, true, true], "{text}");
    }

    #[tokio::test]
    async fn the_system_log_gets_a_line_with_the_facility_of_audits() {
        let folder = tempfile::tempdir().expect("folder");
        let socket = folder.path().join("log");
        let listener = UnixDatagram::bind(&socket).expect("bound");
        Syslog { socket }.send(&checkpoint()).await.expect("sent");
        let mut buffer = [0; 1024];
        let length = listener.recv(&mut buffer).expect("received");
        let text = String::from_utf8_lossy(&buffer[..length]);
        assert!(text.starts_with("<110>quorate[") && text.contains(r#""size":3"#), "{text}");
    }

    #[tokio::test]
    async fn a_database_with_checkpoints_gets_no_second_key() {
        let folder = tempfile::tempdir().expect("folder");
        let store = SqliteStore::open(&folder.path().join("quorate.db")).await.expect("database");
        let made = signing_key(&store, folder.path()).await.expect("made").expect("a key");
        let again = signing_key(&store, folder.path()).await.expect("read").expect("a key");
        assert_eq!(made.verifying_key(), again.verifying_key());
        store.keep_checkpoint(&checkpoint()).await.expect("kept");
        std::fs::remove_file(folder.path().join(KEY_FILE)).expect("lost");
        assert!(signing_key(&store, folder.path()).await.expect("the console still starts").is_none());
        assert!(!folder.path().join(KEY_FILE).exists());
    }
}
