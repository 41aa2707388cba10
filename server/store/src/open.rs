//! Opening, migrating and copying the database file.

#[cfg(test)]
mod tests;

use crate::audit::{KnownHead, Lists, Segments};
use crate::codec::db;
use crate::guard::Guard;
use engine::ports::{Clock, StoreError};
use jiff::Timestamp;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// Reading connections.
const READERS: u32 = 6;
/// How long a write waits for another process that holds the file, in milliseconds.
const BUSY_TIMEOUT_MS: u64 = 5_000;
/// How long a call waits for a free connection, in seconds.
const ACQUIRE_TIMEOUT_S: u64 = 30;

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct SqliteStore {
    pub(crate) readers: SqlitePool,
    writer: SqlitePool,
    clock: Arc<dyn Clock>,
    pub(crate) known_head: KnownHead,
    /// The archived parts of the audit.
    pub(crate) segments: Arc<Segments>,
    pub(crate) lists: Lists,
    _guard: Option<Arc<Guard>>,
}

impl SqliteStore {
    /// Opens the file, making it first where it is missing (mode 0600), and brings its schema up to date.
    ///
    /// # Errors
    /// `Database` when the file cannot be made or read, is no database, or was written by a newer version.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let guard = Guard::shared(path)?;
        let store = Self::open_unguarded(path).await?;
        Ok(Self { _guard: Some(Arc::new(guard)), ..store })
    }

    /// For the one who holds the file alone.
    pub(crate) async fn open_unguarded(path: &Path) -> Result<Self, StoreError> {
        make_private(path)?;
        let writer = pool(1).connect_with(durable(path)).await.map_err(db)?;
        migrate(&writer).await?;
        let reading = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS));
        let readers = pool(READERS).connect_with(reading).await.map_err(db)?;
        let segments = Segments::of(&readers, path).await?;
        Ok(Self { segments: Arc::new(segments), ..Self::over(readers, writer) })
    }

    fn over(readers: SqlitePool, writer: SqlitePool) -> Self {
        let (clock, known_head) = (Arc::new(SystemClock), KnownHead::default());
        Self { readers, writer, clock, known_head, segments: Arc::default(), lists: Lists::Grow, _guard: None }
    }

    /// A database without a file, for tests: it is gone when the last clone is dropped.
    ///
    /// # Errors
    /// `Database` when SQLite refuses.
    pub async fn open_in_memory() -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().in_memory(true).foreign_keys(true);
        // A database in memory belongs to its connection, so the only one reads too.
        let writer = pool(1).connect_with(options).await.map_err(db)?;
        migrate(&writer).await?;
        Ok(Self::over(writer.clone(), writer))
    }

    /// A new file that counts only once it is whole, so that nothing of it is waited for; whoever made it synchronises it. It has
    /// one connection and, when it is closed, no side files.
    pub(crate) async fn build(path: &Path) -> Result<Self, StoreError> {
        make_private(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Delete)
            .synchronous(SqliteSynchronous::Off)
            .foreign_keys(false);
        let writer = pool(1).connect_with(options).await.map_err(db)?;
        migrate(&writer).await?;
        Ok(Self::over(writer.clone(), writer))
    }

    /// A file that nobody changes any more: not even a lock is taken on it, and nothing is written beside it.
    pub(crate) async fn open_closed(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
        let readers = pool(READERS).connect_with(options).await.map_err(db)?;
        let lists = Lists::of_closed(&readers).await?;
        Ok(Self { lists, ..Self::over(readers.clone(), readers) })
    }

    /// The clock that `verify` writes its time with.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Writes a consistent copy into a new file (mode 0600), while others go on reading and writing.
    ///
    /// # Errors
    /// `Conflict` where the file is there already; `Database` when it cannot be written.
    pub async fn backup_to(&self, path: &Path) -> Result<(), StoreError> {
        private().create_new(true).open(path).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => StoreError::Conflict { what: "backup file" },
            _ => io(path, &error),
        })?;
        let text =
            path.to_str().ok_or_else(|| StoreError::Database { text: format!("{} is not UTF-8", path.display()) })?;
        // SQLite takes an empty file as a new one.
        sqlx::query("VACUUM INTO ?").bind(text).execute(&self.readers).await.map_err(db)?;
        File::open(path).and_then(|file| file.sync_all()).map_err(|error| io(path, &error))
    }

    /// The number of the newest migration in the file.
    ///
    /// # Errors
    /// `Database` when it cannot be read.
    pub async fn schema_version(&self) -> Result<i64, StoreError> {
        sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations WHERE success")
            .fetch_one(&self.readers)
            .await
            .map_err(db)
    }

    /// Waits for running calls and closes every connection.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// A transaction that may write: it takes the write lock at once, so that what it reads stays true until it ends.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        let tx = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(db)?;
        // Whoever writes may append to the audit.
        self.known_head.forget();
        Ok(tx)
    }

    /// The connection that writes, for a statement that is its own transaction.
    pub(crate) async fn writer(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        self.writer.acquire().await.map_err(db)
    }

    /// A transaction that sees one state of the database throughout.
    pub(crate) async fn read(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.readers.begin().await.map_err(db)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// How the file is written: what is committed is on disk.
pub(crate) fn durable(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS))
}

pub(crate) fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(ACQUIRE_TIMEOUT_S))
        .idle_timeout(None)
        .max_lifetime(None)
}

async fn migrate(writer: &SqlitePool) -> Result<(), StoreError> {
    MIGRATIONS.run(writer).await.map_err(|error| StoreError::Database { text: explain(&error) })
}

fn explain(error: &MigrateError) -> String {
    let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
    match error {
        MigrateError::VersionMissing(found) if *found > known => {
            format!(
                "the file was written by a newer version of Quorate: its schema is at {found}, this one knows {known}"
            )
        }
        other => other.to_string(),
    }
}

/// Makes the file where it is missing; SQLite gives its side files the same mode.
fn make_private(path: &Path) -> Result<(), StoreError> {
    let file = private().create(true).truncate(false).open(path).map_err(|error| io(path, &error))?;
    tighten(&file).map_err(|error| io(path, &error))
}

#[cfg(unix)]
pub(crate) fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.write(true).mode(PRIVATE_MODE);
    options
}

/// Readable and writable by the owner alone.
#[cfg(unix)]
const PRIVATE_MODE: u32 = 0o600;

/// A file that was copied here may be open to others.
#[cfg(unix)]
fn tighten(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(PRIVATE_MODE))
}

#[cfg(not(unix))]
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    options
}

#[cfg(not(unix))]
fn tighten(_file: &File) -> std::io::Result<()> {
    Ok(())
}

pub(crate) fn io(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Database { text: format!("{}: {error}", path.display()) }
}
