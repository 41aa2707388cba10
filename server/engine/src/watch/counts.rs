//! What went wrong while watching, counted since the start.

use std::sync::atomic::{AtomicU64, Ordering};

/// Read them with [`Counts::get`].
#[derive(Debug, Default)]
pub struct Counts {
    /// Journal lines that were no entries.
    pub bad_journal_lines: AtomicU64,
    /// Followers that were ended because they sent too much.
    pub floods: AtomicU64,
    /// Connections that came and went so often that they were not believed at once.
    pub flaps: AtomicU64,
    /// Sweeps without an answer although the connection stood.
    pub mute_sweeps: AtomicU64,
    /// Raw answers that were not kept, because too many waited or the store refused them.
    pub evidence_dropped: AtomicU64,
}

impl Counts {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    #[must_use]
    pub fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }
}
