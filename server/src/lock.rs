//! One console per data folder: two would both carry out the same operations.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Name of the lock's file in the data folder.
pub const LOCK_FILE: &str = "quorate.lock";
/// How much of that file is read for the words: a process number.
const PID_MAX_BYTES: u64 = 20;

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error(
        "another console{by} already serves the data folder {data}.\n\
         Stop it first, or give this one a folder of its own with --data."
    )]
    Taken { data: PathBuf, by: String },
    #[error("{path} cannot be locked")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// The folder is ours for as long as this lives; the kernel lets go of it however the process ends.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

/// Takes the folder, or says who has it.
///
/// # Errors
/// `Taken` where another process serves it.
pub fn take(data: &Path) -> Result<DataLock, LockError> {
    let path = data.join(LOCK_FILE);
    let failed = |source| LockError::File { path: path.clone(), source };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(LockError::Taken { data: data.to_owned(), by: holder(&file) }),
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    // Only for the words of whoever comes second: the lock itself is the kernel's.
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| write!(file, "{}", std::process::id()))
        .map_err(failed)?;
    Ok(DataLock { _file: file })
}

fn holder(file: &File) -> String {
    let mut text = String::new();
    match file.take(PID_MAX_BYTES).read_to_string(&mut text) {
        Ok(_) if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()) => format!(" (process {text})"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_taken_once_and_free_again_afterwards() {
        let folder = tempfile::tempdir().expect("folder");
        let first = take(folder.path()).expect("free");
        let refused = take(folder.path()).expect_err("taken");
        let words = refused.to_string();
        assert!(words.contains(&std::process::id().to_string()) && words.contains("--data"), "{words}");
        drop(first);
        take(folder.path()).expect("free again");
    }
}
