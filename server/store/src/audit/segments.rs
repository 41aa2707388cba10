//! The archived parts of the audit: which there are, and their files while they are read.

#[cfg(test)]
mod tests;

use crate::SqliteStore;
use crate::codec::{corrupt, db, get, number, signed, time};
use engine::ports::StoreError;
use model::segment::{Segment, SegmentFault, Unread};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, SqlitePool};
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Name of their folder, beside the database.
pub const FOLDER: &str = "audit";
/// Archived parts whose files are open at once; the one that was not read for longest is closed first.
const OPEN_MAX: usize = 4;

/// They never change while a database is open: a part is closed by whoever has it alone.
#[derive(Default)]
pub(crate) struct Segments {
    folder: PathBuf,
    /// Oldest first.
    all: Vec<Segment>,
    /// By last index, the one read last at the end.
    open: Mutex<VecDeque<(u64, SqliteStore)>>,
}

impl Segments {
    /// Those that a database goes on from.
    pub async fn of(readers: &SqlitePool, database: &Path) -> Result<Self, StoreError> {
        let rows = sqlx::query(
            "SELECT first, last, base, head, closed_at, bytes, digest, key, signature FROM audit_segments ORDER BY last",
        )
        .fetch_all(readers)
        .await
        .map_err(db)?;
        let all = rows.iter().map(segment).collect::<Result<_, _>>()?;
        Ok(Self { folder: folder(database), all, open: Mutex::default() })
    }

    /// Oldest first.
    pub fn all(&self) -> &[Segment] {
        &self.all
    }

    /// Index of the last entry in them; 0 where there are none.
    pub fn last(&self) -> u64 {
        self.all.last().map_or(0, |one| one.last)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn holding(&self, index: u64) -> Option<&Segment> {
        self.all.iter().find(|one| one.holds(index))
    }

    pub fn path(&self, one: &Segment) -> PathBuf {
        self.folder.join(one.file())
    }

    /// Whether its file is there, as long as it was; what is in it is not looked at.
    pub fn standing(&self, one: &Segment) -> Result<(), Unread> {
        let fault = match std::fs::metadata(self.path(one)) {
            Ok(about) if about.is_file() && about.len() == one.bytes => return Ok(()),
            Ok(_) => SegmentFault::OtherFile,
            Err(error) if error.kind() == ErrorKind::NotFound => SegmentFault::Missing,
            Err(_) => SegmentFault::Unreadable,
        };
        Err(Unread::of(one, fault))
    }

    /// Its file, opened where it is not open already.
    pub async fn open(&self, one: &Segment) -> Result<SqliteStore, Unread> {
        // A file that is gone would go on to be read as long as it is open, and nobody would be told.
        self.standing(one)?;
        if let Some(store) = self.take(one.last) {
            return Ok(store);
        }
        let unreadable = |_| Unread::of(one, SegmentFault::Unreadable);
        let store = SqliteStore::open_closed(&self.path(one)).await.map_err(unreadable)?;
        if !ends(&store, one).await.map_err(unreadable)? {
            return Err(Unread::of(one, SegmentFault::OtherFile));
        }
        self.keep(one.last, store.clone());
        Ok(store)
    }

    fn take(&self, last: u64) -> Option<SqliteStore> {
        let mut open = self.lock();
        let place = open.iter().position(|(of, _)| *of == last)?;
        let found = open.remove(place)?;
        let store = found.1.clone();
        open.push_back(found);
        Some(store)
    }

    fn keep(&self, last: u64, store: SqliteStore) {
        let mut open = self.lock();
        open.retain(|(of, _)| *of != last);
        open.push_back((last, store));
        while open.len() > OPEN_MAX {
            // Whoever reads it right now ends first: its connections close with the last handle.
            open.pop_front();
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(u64, SqliteStore)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub fn open_now(&self) -> usize {
        self.lock().len()
    }
}

/// Beside the database.
pub(crate) fn folder(database: &Path) -> PathBuf {
    database.parent().unwrap_or(Path::new("")).join(FOLDER)
}

/// Whether a file begins and ends where the part does.
async fn ends(store: &SqliteStore, one: &Segment) -> Result<bool, StoreError> {
    let row = sqlx::query(
        "SELECT (SELECT idx FROM audit_base) AS since, (SELECT hash FROM audit_base) AS base,
            (SELECT MAX(idx) FROM audit) AS last, (SELECT hash FROM audit ORDER BY idx DESC LIMIT 1) AS head",
    )
    .fetch_one(&store.readers)
    .await
    .map_err(db)?;
    let hash = |column| get::<Option<&[u8]>>(&row, column).map(|hash| hash.map(hex::encode));
    Ok(number::<u64>(&row, "since")?.saturating_add(1) == one.first
        && get::<Option<i64>>(&row, "last")? == Some(signed("index", one.last)?)
        && hash("base")?.as_ref() == Some(&one.base)
        && hash("head")?.as_ref() == Some(&one.head))
}

/// Writes down that a part is closed; the triggers want a file without entries.
pub(crate) async fn enlist(tx: &mut SqliteConnection, one: &Segment) -> Result<(), StoreError> {
    let bytes = |what, text: &str| hex::decode(text).map_err(|error| corrupt(what, error));
    let mut query = QueryBuilder::<Sqlite>::new(
        "INSERT INTO audit_segments (first, last, base, head, closed_at, bytes, digest, key, signature) VALUES (",
    );
    let mut values = query.separated(", ");
    values.push_bind(signed("index", one.first)?).push_bind(signed("index", one.last)?);
    values.push_bind(bytes("base", &one.base)?).push_bind(bytes("head", &one.head)?);
    values.push_bind(crate::codec::micros(one.closed_at)).push_bind(signed("length", one.bytes)?);
    values.push_bind(bytes("digest", &one.digest)?).push_bind(bytes("key", &one.key)?);
    values.push_bind(bytes("signature", &one.signature)?);
    query.push(")").build().execute(tx).await.map_err(db)?;
    Ok(())
}

fn segment(row: &SqliteRow) -> Result<Segment, StoreError> {
    let text = |column| get::<&[u8]>(row, column).map(hex::encode);
    Ok(Segment {
        first: number(row, "first")?,
        last: number(row, "last")?,
        base: text("base")?,
        head: text("head")?,
        closed_at: time(row, "closed_at")?,
        bytes: number(row, "bytes")?,
        digest: text("digest")?,
        key: text("key")?,
        signature: text("signature")?,
    })
}
