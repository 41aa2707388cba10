//! Signed checkpoints held against the log: those of the database, of the data folder's own file, and of a file that was kept
//! elsewhere. What the log alone cannot show is shown here.

use crate::checkpoints::{CHECKPOINT_FILE, KEY_FILE};
use anyhow::{Context as _, bail};
use ed25519_dalek::VerifyingKey;
use engine::audit::checkpoint::{judge, stated_key};
use engine::ports::{AuditStore as _, CheckpointStore as _, StoreError};
use model::checkpoint::{Checkpoint, CheckpointFault};
use std::path::Path;
use store::SqliteStore;

/// Checkpoints that are read from the database at once.
const ROWS: u32 = 1_000;

/// Every checkpoint of a file that was kept elsewhere; each must be of the trusted key.
pub(super) async fn named(store: &SqliteStore, file: &Path, trusted: &VerifyingKey) -> anyhow::Result<()> {
    let all = lines(file)?;
    // Counted after the file was read: a console that runs may have signed more since the log was.
    let entries = store.entries().await?;
    let mut newest = 0;
    for (place, one) in &all {
        let hash = hash_at(store, one.size).await?;
        judge(one, trusted, entries, hash.as_deref()).with_context(|| place.clone())?;
        newest = newest.max(one.size);
    }
    if all.is_empty() {
        bail!("{} holds no checkpoint", file.display());
    }
    println!("{} checkpoints fit, the newest covers {newest} of {entries} entries", all.len());
    Ok(())
}

/// What the console has signed and kept by itself: in the database, and in its file where that is in the data folder.
pub(super) async fn own(store: &SqliteStore, data: &Path, trusted: Option<VerifyingKey>) -> anyhow::Result<()> {
    let path = data.join(CHECKPOINT_FILE);
    let rows = of_database(store, trusted.as_ref()).await?;
    let file = match path.try_exists().with_context(|| format!("looking for {}", path.display()))? {
        true => of_file(store, &path, trusted.as_ref()).await?,
        false => Held::default(),
    };
    // Whoever can write here can sign with a key of their own: the newest must be of the trusted one. What is before it and
    // fits the same log says nothing else.
    if let Some((size, false)) = rows.newest.max(file.newest) {
        return Err(CheckpointFault::OtherKey).with_context(|| format!("the newest checkpoint, of {size} entries"));
    }
    rows.told("in the database");
    file.told(&format!("in {}", path.display()));
    if rows.count + file.count == 0 {
        println!("held against no checkpoint: none is in the database, and none in {}", path.display());
    } else if trusted.is_none() {
        let missing = format!("{KEY_FILE} is missing in {}", data.display());
        println!("who signed them is not judged: {missing}; give the public key with --key");
    }
    Ok(())
}

async fn of_database(store: &SqliteStore, trusted: Option<&VerifyingKey>) -> anyhow::Result<Held> {
    let mut held = Held::default();
    let mut after = 0;
    loop {
        let rows = store.checkpoints_after(after, ROWS).await?;
        let Some(last) = rows.last() else { return Ok(held) };
        after = last.size;
        // After the rows, for a console that runs may write more of both.
        held.entries = store.entries().await?;
        for one in &rows {
            let place = || format!("the checkpoint of {} entries in the database", one.size);
            held.hold(store, one, trusted).await.with_context(place)?;
        }
    }
}

async fn of_file(store: &SqliteStore, file: &Path, trusted: Option<&VerifyingKey>) -> anyhow::Result<Held> {
    let all = lines(file)?;
    let mut held = Held { entries: store.entries().await?, ..Held::default() };
    for (place, one) in &all {
        held.hold(store, one, trusted).await.with_context(|| place.clone())?;
    }
    Ok(held)
}

/// Checkpoints that fit so far.
#[derive(Default)]
struct Held {
    entries: u64,
    count: u64,
    /// Of them, those of another key than the trusted one.
    others: u64,
    /// Entries that the newest covers, and whether the trusted key signed it.
    newest: Option<(u64, bool)>,
}

impl Held {
    /// Against the key that it names itself: what an earlier key of the console signed must fit the log too.
    async fn hold(
        &mut self,
        store: &SqliteStore,
        one: &Checkpoint,
        trusted: Option<&VerifyingKey>,
    ) -> anyhow::Result<()> {
        let key = stated_key(one)?;
        let hash = hash_at(store, one.size).await?;
        judge(one, &key, self.entries, hash.as_deref())?;
        let is_trusted = trusted.is_none_or(|trusted| *trusted == key);
        self.count += 1;
        self.others += u64::from(!is_trusted);
        self.newest = self.newest.max(Some((one.size, is_trusted)));
        Ok(())
    }

    fn told(&self, place: &str) {
        let Some((newest, _)) = self.newest else { return };
        let Self { entries, count, others, .. } = self;
        println!("{count} checkpoints {place} fit, the newest covers {newest} of {entries} entries");
        if *others > 0 {
            println!("{others} of them are signed with another key");
        }
    }
}

async fn hash_at(store: &SqliteStore, index: u64) -> anyhow::Result<Option<String>> {
    match store.entry(index).await {
        Ok(entry) => Ok(Some(entry.hash)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The checkpoints of a file, each with its place. A line that is none was cut off while it was written: it is named, and the
/// others count.
fn lines(file: &Path) -> anyhow::Result<Vec<(String, Checkpoint)>> {
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let mut all = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = format!("{}, line {}", file.display(), number + 1);
        match serde_json::from_str(line) {
            Ok(one) => all.push((place, one)),
            Err(error) => eprintln!("{place}: no checkpoint: {error}"),
        }
    }
    Ok(all)
}
