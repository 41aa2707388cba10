//! `quorate audit`: the log read, checked and taken away, without the console running.

mod held;

use super::{AuditArgs, AuditCommand};
use crate::system::SystemClock;
use crate::{audit_export, checkpoints, lock, serve};
use anyhow::{Context as _, bail};
use app::audit_filter;
use ed25519_dalek::VerifyingKey;
use engine::audit::Person;
use engine::audit::segment::{Closer, judge as judge_segment};
use engine::ports::{AuditStore, Clock as _};
use futures::TryStreamExt as _;
use model::audit::{AuditFilter, ChainState};
use model::segment::Unread;
use std::io::Write as _;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use store::{ARCHIVE_FOLDER as FOLDER, SqliteStore};

pub async fn run(args: AuditArgs) -> anyhow::Result<()> {
    let data = args.data.data;
    let path = serve::need_database(&data)?;
    let open = async || SqliteStore::open(&path).await.with_context(|| format!("opening {}", path.display()));
    match args.command {
        AuditCommand::Verify { checkpoint, key } => {
            let store = open().await?;
            whole(&store).await?;
            archived(&store, &data, key.as_deref()).await?;
            match checkpoint {
                Some(file) => held::named(&store, &file, &trusted(&store, &data, key.as_deref()).await?).await,
                None => held::own(&store, &data, known_key(&data, key.as_deref())?).await,
            }
        }
        AuditCommand::Archive { reason } => archive(&data, &path, reason).await,
        AuditCommand::Key => {
            println!("{}", hex::encode(own_key(&open().await?, &data).await?.as_bytes()));
            Ok(())
        }
        AuditCommand::Export { format, filter } => {
            let filter = asked(&filter)?;
            let house = serve::open(&data).await?;
            let filter = audit_export::begin(&house.engine, &Person::system(), &filter, format).await?;
            let mut pages = pin!(audit_export::lines(Arc::clone(&house.engine.store), filter, format));
            let mut out = std::io::stdout().lock();
            while let Some(bytes) = pages.try_next().await? {
                out.write_all(&bytes)?;
            }
            out.flush()?;
            Ok(())
        }
    }
}

/// The filter as the page's address has it. What is not understood is refused: without it the whole audit would be printed.
fn asked(text: &str) -> anyhow::Result<AuditFilter> {
    let mut parts = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').with_context(|| format!("{pair} is no NAME=VALUE"))?;
        parts.push((name.to_owned(), value.replace('+', " ")));
    }
    Ok(audit_filter(parts)?)
}

/// Whether the audit is whole in itself.
async fn whole(store: &SqliteStore) -> anyhow::Result<()> {
    match store.verify().await? {
        ChainState::Whole { entries, head, .. } => {
            println!("whole: {entries} entries, head {head}");
            Ok(())
        }
        ChainState::Broken { at_index, entries, .. } => bail!("broken at entry {at_index} of {entries}"),
        ChainState::Lost { unread, .. } => bail!("{unread}"),
    }
}

/// Who signed the archived parts, which have been read. What lies beside them and does not belong to them is named.
async fn archived(store: &SqliteStore, data: &Path, key: Option<&str>) -> anyhow::Result<()> {
    for name in store.strange_archives()? {
        println!("not read: {}, which is no part of this audit", Path::new(FOLDER).join(name).display());
    }
    if store.archived().is_empty() {
        return Ok(());
    }
    let trusted = trusted(store, data, key).await?;
    for one in store.archived() {
        judge_segment(one, Some(&trusted)).map_err(|fault| anyhow::anyhow!("{}", Unread::of(one, fault)))?;
        let file = Path::new(FOLDER).join(one.file());
        println!("archived: entries {} to {} in {}, head {}", one.first, one.last, file.display(), one.head);
    }
    Ok(())
}

async fn trusted(store: &SqliteStore, data: &Path, key: Option<&str>) -> anyhow::Result<VerifyingKey> {
    match key {
        Some(text) => public_key(text),
        None => own_key(store, data).await,
    }
}

/// Under the console's own lock: while one serves, nothing is closed.
async fn archive(data: &Path, database: &Path, reason: Option<String>) -> anyhow::Result<()> {
    let _lock = lock::take(data)?;
    let store = SqliteStore::open(database).await.with_context(|| format!("opening {}", database.display()))?;
    let key = checkpoints::signing_key(&store, data).await;
    store.close().await;
    drop(store);
    let missing = || format!("{} is missing in {}: nothing can be signed", checkpoints::KEY_FILE, data.display());
    let key = key?.with_context(missing)?;
    let closer = Closer { signer: &key, who: Person::system(), reason, at: SystemClock.now() };
    match store::close_segment(database, &closer).await? {
        None => println!("nothing has been written since the last part was archived"),
        Some(one) => {
            let file = data.join(FOLDER).join(one.file());
            println!("archived: entries {} to {} in {}, head {}", one.first, one.last, file.display(), one.head);
            println!("keep a copy of it and of the .json beside it; the audit goes on at entry {}", one.last + 1);
        }
    }
    Ok(())
}

/// The key that must have signed: the one that was given, or this console's where it is there. None is made only to read.
fn known_key(data: &Path, key: Option<&str>) -> anyhow::Result<Option<VerifyingKey>> {
    Ok(match key {
        Some(text) => Some(public_key(text)?),
        None => checkpoints::public_key(data)?,
    })
}

fn public_key(text: &str) -> anyhow::Result<VerifyingKey> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim(), &mut bytes).context("the key is not 64 hex digits")?;
    VerifyingKey::from_bytes(&bytes).context("the key is no Ed25519 key")
}

async fn own_key(store: &SqliteStore, data: &Path) -> anyhow::Result<VerifyingKey> {
    let key = checkpoints::signing_key(store, data).await?;
    let missing = format!("{} is missing in {}: give the public key with --key", checkpoints::KEY_FILE, data.display());
    Ok(key.context(missing)?.verifying_key())
}
