//! The files of a closing: where they are written, and where they end.

use crate::SqliteStore;
use crate::audit::{folder, hash_in};
use crate::codec::corrupt;
use crate::open::private;
use engine::audit::segment::{NotClosed, Notary, Step, judge};
use engine::ports::{AuditStore as _, StoreError};
use model::segment::Segment;
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Ends of names that only a closing gives, beside the database: the new one and what SQLite may leave beside it.
const NEXT: [&str; 4] = [".next", ".next-journal", ".next-wal", ".next-shm"];
/// The archive while it is written, and what SQLite may leave beside it, in the folder of the archives.
const UNFINISHED: [&str; 5] = ["closing.db", "closing.db-journal", "closing.db-wal", "closing.db-shm", "closing.json"];
/// Bytes of a file that are read at once for its digest.
const CHUNK_BYTES: usize = 1 << 20;
/// The longest statement that is read, in bytes.
const STATEMENT_MAX_BYTES: u64 = 16 * 1024;

pub(crate) struct Places {
    pub database: PathBuf,
    folder: PathBuf,
}

impl Places {
    pub fn of(database: &Path) -> Self {
        Self { database: database.to_owned(), folder: folder(database) }
    }

    /// The archive while it is written.
    pub fn archive(&self) -> PathBuf {
        self.folder.join(UNFINISHED[0])
    }

    fn statement(&self) -> PathBuf {
        self.folder.join(UNFINISHED[4])
    }

    /// The database that goes on, while it is written.
    pub fn next(&self) -> PathBuf {
        beside(&self.database, NEXT[0])
    }

    /// Makes the folder of the archives, for its owner alone.
    pub fn make_folder(&self) -> Result<(), NotClosed> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(&self.folder) {
            Ok(()) => synchronised(&self.parent()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(failed(&self.folder, error)),
        }
    }

    fn parent(&self) -> PathBuf {
        let parent = self.database.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.unwrap_or(Path::new(".")).to_owned()
    }

    /// Removes what only an unfinished closing leaves.
    pub fn clear_unfinished(&self) -> Result<(), NotClosed> {
        let next = NEXT.iter().map(|end| beside(&self.database, end));
        for path in next.chain(UNFINISHED.iter().map(|name| self.folder.join(name))) {
            removed(&path)?;
        }
        Ok(())
    }

    /// Removes archives that have their name and that the database does not know of, where it still holds every entry of them:
    /// the closing was cut off right before its end. Others are left alone. The audit must have been found whole.
    pub async fn clear_copies(&self, store: &SqliteStore, after: u64) -> Result<(), NotClosed> {
        let entries = store.entries().await?;
        let names = statements_in(&self.folder).map_err(|error| failed(&self.folder, error))?;
        for path in names.iter().map(|name| self.folder.join(name)) {
            let Some(one) = read_statement(&path) else { continue };
            let named = path.with_extension("db") == self.folder.join(one.file());
            let is_copy = named && one.first == after + 1 && one.last <= entries && judge(&one, None).is_ok();
            if is_copy && hash_in(store, one.last).await?.as_ref() == Some(&one.head) {
                removed(&self.folder.join(one.file()))?;
                removed(&path)?;
            }
        }
        Ok(())
    }

    /// Whoever else has the database open keeps its side files, and would go on writing into a file that is gone.
    pub fn no_side_files(&self) -> Result<(), NotClosed> {
        let wal = beside(&self.database, "-wal");
        match fs::metadata(&wal) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Ok(_) => Err(NotClosed::InUse),
            Err(error) => Err(failed(&wal, error)),
        }
    }

    pub fn write_statement(&self, one: &Segment) -> Result<(), NotClosed> {
        let mut text = serde_json::to_vec_pretty(one).map_err(|error| corrupt("statement", error))?;
        text.push(b'\n');
        let path = self.statement();
        let written = private().create_new(true).open(&path).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()
        });
        written.and_then(|()| only_read(&path)).map_err(|error| failed(&path, error))
    }

    /// The last steps: what was signed, the archive, the database, each with its name on disk before the next.
    pub fn put_in_place(&self, one: &Segment, notary: &dyn Notary) -> Result<(), NotClosed> {
        let archive = self.folder.join(one.file());
        let statement = archive.with_extension("json");
        for path in [&statement, &archive] {
            if path.symlink_metadata().is_ok() {
                return Err(NotClosed::Taken { path: path.clone() });
            }
        }
        self.no_side_files()?;
        renamed(&self.statement(), &statement)?;
        notary.told(Step::StatementPlaced);
        renamed(&self.archive(), &archive)?;
        notary.told(Step::ArchivePlaced);
        renamed(&self.next(), &self.database)?;
        notary.told(Step::DatabasePlaced);
        Ok(())
    }
}

/// A file with its last bytes on disk, and with `read_only` for nobody to write any more.
pub(crate) fn finished(path: &Path, read_only: bool) -> Result<(), NotClosed> {
    let done = File::open(path).and_then(|file| file.sync_all());
    let done = done.and_then(|()| if read_only { only_read(path) } else { Ok(()) });
    done.map_err(|error| failed(path, error))
}

#[cfg(unix)]
fn only_read(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o400))
}

#[cfg(not(unix))]
fn only_read(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

/// A rename that a power cut does not take back.
fn renamed(from: &Path, to: &Path) -> Result<(), NotClosed> {
    fs::rename(from, to).map_err(|error| failed(to, error))?;
    synchronised(to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

fn synchronised(folder: &Path) -> Result<(), NotClosed> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(folder, error))
}

fn removed(path: &Path) -> Result<(), NotClosed> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound && error.kind() != ErrorKind::NotADirectory => {
            Err(failed(path, error))
        }
        _ => Ok(()),
    }
}

fn failed(path: &Path, source: std::io::Error) -> NotClosed {
    NotClosed::File { path: path.to_owned(), source }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// What was signed of an archive, from the file beside it; `None` where there is none, or one that cannot be read.
pub(crate) fn statement_beside(archive: &Path) -> Option<Segment> {
    read_statement(&archive.with_extension("json"))
}

fn read_statement(path: &Path) -> Option<Segment> {
    let mut text = Vec::new();
    File::open(path).and_then(|file| file.take(STATEMENT_MAX_BYTES).read_to_end(&mut text)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Names of the archives in their folder, in order; none where there is no folder.
pub(crate) fn archives_in(folder: &Path) -> std::io::Result<Vec<String>> {
    named(folder, ".db")
}

fn statements_in(folder: &Path) -> std::io::Result<Vec<String>> {
    named(folder, ".json")
}

fn named(folder: &Path, end: &str) -> std::io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with("audit-") && name.ends_with(end) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Length and SHA-256 of a file, in hex; `None` where it cannot be read.
pub(crate) async fn digest(path: &Path) -> Result<Option<(u64, String)>, StoreError> {
    let path = path.to_owned();
    let read = move || {
        let mut file = File::open(&path)?;
        let (mut hasher, mut bytes, mut chunk) = (Sha256::new(), 0_u64, vec![0; CHUNK_BYTES]);
        loop {
            let count = file.read(&mut chunk)?;
            let Some(part) = chunk.get(..count).filter(|part| !part.is_empty()) else { break };
            hasher.update(part);
            bytes += count as u64;
        }
        Ok::<_, std::io::Error>((bytes, hex::encode(hasher.finalize())))
    };
    let read = tokio::task::spawn_blocking(read).await;
    let read = read.map_err(|error| StoreError::Database { text: error.to_string() })?;
    Ok(read.ok())
}
