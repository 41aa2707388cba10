//! Asks the system for the file before it is read. Most of an audit is old and not in memory any more, and each lane would wait for
//! its pages one by one.

use super::LANES_MAX;
use crate::SqliteStore;
use crate::codec::db;
use engine::ports::StoreError;
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::libc::off_t;
use std::fs::File;
use std::path::PathBuf;

/// Asked for at once: the most that the system reads ahead for one request with its usual settings, in bytes.
const STEP: u64 = 128 << 10;

/// Begins to; it goes on beside the reading, and only costs time where it does not succeed.
pub(super) async fn ask_for_file(store: &SqliteStore) -> Result<(), StoreError> {
    let path: Option<String> = sqlx::query_scalar("SELECT file FROM pragma_database_list WHERE name = 'main'")
        .fetch_optional(&store.readers)
        .await
        .map_err(db)?;
    // One in memory has no name.
    if let Some(path) = path.filter(|path| !path.is_empty()) {
        drop(tokio::task::spawn_blocking(move || ask(&PathBuf::from(path)).ok()));
    }
    Ok(())
}

fn ask(path: &PathBuf) -> std::io::Result<()> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    for offset in offsets(length) {
        let offset = off_t::try_from(offset).map_err(std::io::Error::other)?;
        posix_fadvise(&file, offset, STEP.cast_signed(), PosixFadviseAdvice::POSIX_FADV_WILLNEED)?;
    }
    Ok(())
}

/// From the beginning of each lane's part on, in turns: entries lie in the file about as they follow each other.
fn offsets(length: u64) -> impl Iterator<Item = u64> {
    let steps = length.div_ceil(STEP);
    let part = steps.div_ceil(LANES_MAX);
    (0..part)
        .flat_map(move |step| (0..LANES_MAX).map(move |lane| lane * part + step))
        .filter(move |step| *step < steps)
        .map(|step| step * STEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_file_is_asked_for_once() {
        for length in [0, 1, STEP - 1, STEP, STEP + 1, 9 * STEP, 1_000 * STEP + 7] {
            let mut all: Vec<u64> = offsets(length).collect();
            all.sort_unstable();
            let expected: Vec<u64> = (0..length.div_ceil(STEP)).map(|step| step * STEP).collect();
            assert_eq!(all, expected, "{length}");
        }
        let first: Vec<u64> = offsets(8 * STEP).take(4).collect();
        assert_eq!(first, [0, 2, 4, 6].map(|step| step * STEP), "each lane's first");
    }
}
