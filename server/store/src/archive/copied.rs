//! The archive: a fresh file that gets the audit's tables and nothing else, so that nothing else can be in it.

use super::places::{Places, finished};
use crate::SqliteStore;
use crate::codec::{db, signed};
use engine::audit::segment::NotClosed;
use engine::ports::{AuditStore as _, StoreError};
use model::segment::Segment;
use sqlx::SqliteConnection;
use std::path::Path;

/// What earlier parts there are, the entries, and the checkpoints up to the last one. The triggers look at each row.
const COPY: [&str; 3] = [
    "INSERT INTO main.audit_segments (first, last, base, head, closed_at, bytes, digest, key, signature)
        SELECT first, last, base, head, closed_at, bytes, digest, key, signature FROM source.audit_segments ORDER BY last",
    "INSERT INTO main.audit (idx, bytes, prev, hash) SELECT idx, bytes, prev, hash FROM source.audit ORDER BY idx",
    "INSERT INTO main.checkpoints (size, head, at, key, signature)
        SELECT size, head, at, key, signature FROM source.checkpoints WHERE size <= ? ORDER BY size",
];

pub(super) async fn write(places: &Places, begun: &Segment) -> Result<(), NotClosed> {
    places.make_folder()?;
    let path = places.archive();
    let store = SqliteStore::build(&path).await?;
    let written = fill(&store, &places.database, begun).await;
    store.close().await;
    written?;
    finished(&path, true)
}

async fn fill(store: &SqliteStore, database: &Path, begun: &Segment) -> Result<(), StoreError> {
    {
        let mut one = store.writer().await?;
        attach(&mut one, database).await?;
        let [parts, entries, checkpoints] = COPY;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *one).await.map_err(db)?;
        sqlx::query(parts).execute(&mut *one).await.map_err(db)?;
        sqlx::query(entries).execute(&mut *one).await.map_err(db)?;
        let last = signed("index", begun.last)?;
        sqlx::query(checkpoints).bind(last).execute(&mut *one).await.map_err(db)?;
        sqlx::query("COMMIT").execute(&mut *one).await.map_err(db)?;
        detach(&mut one).await?;
    }
    // What entries are found by follows from their bytes.
    store.derive().await?;
    Ok(())
}

/// Makes the old database readable as `source`.
pub(super) async fn attach(one: &mut SqliteConnection, database: &Path) -> Result<(), StoreError> {
    let text = database.to_str();
    let text = text.ok_or_else(|| StoreError::Database { text: format!("{} is not UTF-8", database.display()) })?;
    sqlx::query("ATTACH DATABASE ? AS source").bind(text).execute(one).await.map_err(db)?;
    Ok(())
}

pub(super) async fn detach(one: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("DETACH DATABASE source").execute(one).await.map_err(db)?;
    Ok(())
}
