//! Who uses the database file: many at once, or the one that puts another file in its place.
//!
//! A file of its own is locked, for the database's own locks belong to a file that is replaced.

use engine::ports::StoreError;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// Held by the kernel for as long as this lives.
#[derive(Debug)]
pub(crate) struct Guard {
    _file: File,
}

impl Guard {
    /// One of many.
    ///
    /// # Errors
    /// `Database` where somebody is about to replace the file, or the lock's own file cannot be made.
    pub fn shared(database: &Path) -> Result<Self, StoreError> {
        let (path, file) = lock_file(database)?;
        match file.try_lock_shared() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => {
                let text = format!("{}: a part of the audit is being archived; wait for its end", database.display());
                Err(StoreError::Database { text })
            }
            Err(TryLockError::Error(error)) => Err(crate::open::io(&path, &error)),
        }
    }

    /// The only one; `None` where somebody uses the database.
    ///
    /// # Errors
    /// `Database` where the lock's own file cannot be made.
    pub fn alone(database: &Path) -> Result<Option<Self>, StoreError> {
        let (path, file) = lock_file(database)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(crate::open::io(&path, &error)),
        }
    }
}

fn lock_file(database: &Path) -> Result<(PathBuf, File), StoreError> {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    let file = crate::open::private().create(true).truncate(false).open(&path);
    file.map(|file| (path.clone(), file)).map_err(|error| crate::open::io(&path, &error))
}
