//! Closing a part of the audit: it becomes a signed file of its own, and the database goes on in a new file from its last entry.
//!
//! Nothing is deleted in place. The archive is written, read again and signed; then a new database is written that holds
//! everything but those entries, and the entry that tells of the archive; then both get their names, the archive first. Whenever
//! this is cut off, the old database is whole and in its place until the very last rename, and what else is left is either
//! recognised by its name as unfinished or is a copy of what the database still holds: both are removed, and everything is done
//! anew.

mod copied;
mod places;
mod renewed;

pub(crate) use places::{digest, statement_beside};

use crate::SqliteStore;
use crate::codec::{corrupt, micros};
use crate::guard::Guard;
use engine::audit::segment::{NotClosed, Notary, Step};
use engine::ports::{AuditStore as _, StoreError};
use jiff::Timestamp;
use model::audit::ChainState;
use model::segment::{Segment, SegmentFault};
use places::Places;
use std::path::Path;

/// Entries below which nothing is closed: the only one would be the one that tells of the part before.
const ENTRIES_MIN: u64 = 2;

/// Closes all entries of a database as one part; `None` where nothing has been written since the last time.
///
/// The database must be nobody else's: it is opened, replaced and closed here.
///
/// # Errors
/// See [`NotClosed`]; everything is as it was then.
pub async fn close_segment(database: &Path, notary: &dyn Notary) -> Result<Option<Segment>, NotClosed> {
    let _alone = Guard::alone(database)?.ok_or(NotClosed::InUse)?;
    let places = Places::of(database);
    places.clear_unfinished()?;
    let Some(begun) = begin(database, &places, notary).await? else { return Ok(None) };
    notary.told(Step::Checked);
    let closed = written(&places, begun, notary).await;
    if closed.is_err() {
        // Why it failed counts more than what is left.
        let _left = places.clear_unfinished();
    }
    closed.map(Some)
}

async fn written(places: &Places, begun: Segment, notary: &dyn Notary) -> Result<Segment, NotClosed> {
    copied::write(places, &begun).await?;
    notary.told(Step::ArchiveWritten);
    let signed = sign(places, begun, notary).await?;
    notary.told(Step::ArchiveSigned);
    renewed::write(places, &signed, notary.entry(&signed)).await?;
    notary.told(Step::DatabaseWritten);
    places.put_in_place(&signed, notary)?;
    Ok(signed)
}

/// Removes what a closing that was cut off has left unfinished. For whoever holds the data folder, so that none is going on.
///
/// # Errors
/// When a file cannot be removed.
pub fn clear_leftovers(database: &Path) -> Result<(), NotClosed> {
    Places::of(database).clear_unfinished()
}

/// The part that is to be closed, without what is known of its file; `None` where there is nothing to close.
async fn begin(database: &Path, places: &Places, notary: &dyn Notary) -> Result<Option<Segment>, NotClosed> {
    let store = SqliteStore::open_unguarded(database).await?;
    let begun = look(&store, places, notary).await;
    store.close().await;
    let begun = begun?;
    places.no_side_files()?;
    Ok(begun)
}

async fn look(store: &SqliteStore, places: &Places, notary: &dyn Notary) -> Result<Option<Segment>, NotClosed> {
    let (entries, head) = match store.verify().await? {
        ChainState::Whole { entries, head, .. } => (entries, head),
        other => return Err(NotClosed::NotWhole(other)),
    };
    let open = store.unpaired().await?;
    if let Some(first) = open.first() {
        return Err(NotClosed::Open { commands: open.len() as u64, first: first.index });
    }
    let all = store.archived();
    let after = all.last().map_or(0, |one| one.last);
    places.clear_copies(store, after).await?;
    if entries.saturating_sub(after) < ENTRIES_MIN {
        return Ok(None);
    }
    let base = all.last().map_or_else(|| hex::encode(engine::audit::chain::GENESIS), |one| one.head.clone());
    // As it will be read from the table: what is finer would make another statement of it.
    let closed_at = Timestamp::from_microsecond(micros(notary.now())).map_err(|error| corrupt("time", error))?;
    Ok(Some(Segment {
        first: after + 1,
        last: entries,
        base,
        head,
        closed_at,
        bytes: 0,
        digest: String::new(),
        key: String::new(),
        signature: String::new(),
    }))
}

/// Reads the archive as it will be read from now on, and signs what it is.
async fn sign(places: &Places, begun: Segment, notary: &dyn Notary) -> Result<Segment, NotClosed> {
    let path = places.archive();
    let part = SqliteStore::open_closed(&path).await?;
    let read = crate::audit::verify_file(&part, begun.first - 1, &begun.base).await;
    part.close().await;
    match read? {
        ChainState::Whole { entries, head, .. } if entries == begun.last && head == begun.head => {}
        _ => return Err(NotClosed::Different { what: "the chain of the archive".to_owned() }),
    }
    let (bytes, digest) = digest(&path).await?.ok_or(NotClosed::Statement(SegmentFault::Unreadable))?;
    let signed = notary.sign(Segment { bytes, digest, ..begun }).map_err(NotClosed::Statement)?;
    places.write_statement(&signed)?;
    Ok(signed)
}

impl SqliteStore {
    /// Names of files in the folder of archived parts that look like one and are none of this audit: those of a newer copy of
    /// it, say.
    ///
    /// # Errors
    /// `Database` when the folder cannot be read.
    pub fn strange_archives(&self) -> Result<Vec<String>, StoreError> {
        let folder = self.segments.folder();
        let known: Vec<String> = self.archived().iter().map(Segment::file).collect();
        let mut names = places::archives_in(folder).map_err(|error| crate::open::io(folder, &error))?;
        names.retain(|name| !known.contains(name));
        Ok(names)
    }
}
