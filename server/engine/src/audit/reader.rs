//! Whether the audit is whole: read as a whole now and then, and in between only what has been added since.

use super::chain::GENESIS;
use super::checkpoint::{hash_there, judge, stated_key};
use crate::limits::AUDIT_REREAD;
use crate::ports::{Store, StoreError};
use ed25519_dalek::VerifyingKey;
use jiff::Timestamp;
use model::audit::{ChainState, ChainView, Judged};
use model::checkpoint::{Checkpoint, CheckpointFault};
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval};

/// Up to where it was found whole.
#[derive(Debug, Clone)]
struct Known {
    entries: u64,
    head: String,
    /// When everything was last read, from the first byte on.
    read_whole_at: Timestamp,
}

/// Cheap to clone; one reading at a time.
#[derive(Clone)]
pub struct Reader {
    store: Arc<dyn Store>,
    /// Who must have signed; `None` where the key that belongs to this database is missing.
    trusted: Option<VerifyingKey>,
    known: Arc<Mutex<Option<Known>>>,
}

impl Reader {
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, trusted: None, known: Arc::default() }
    }

    /// The same reader, which also knows who must have signed the checkpoints.
    #[must_use]
    pub fn trusting(self, trusted: Option<VerifyingKey>) -> Self {
        Self { trusted, ..self }
    }

    /// Reads everything.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read_whole(&self) -> Result<ChainView, StoreError> {
        let mut known = self.known.lock().await;
        *known = None;
        self.read(&mut known).await
    }

    /// Reads what is new since the last time; everything when nothing was read yet.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read_on(&self) -> Result<ChainView, StoreError> {
        self.read(&mut *self.known.lock().await).await
    }

    async fn read(&self, known: &mut Option<Known>) -> Result<ChainView, StoreError> {
        // Before the log is read: a checkpoint that is signed meanwhile may cover more of it.
        let checkpoint = self.store.last_checkpoint().await?;
        let (entries, head) = known.as_ref().map_or((0, hex::encode(GENESIS)), |one| (one.entries, one.head.clone()));
        let chain = self.store.verify_after(entries, &head).await?;
        let whole_at = known.as_ref().map(|one| one.read_whole_at);
        let (verified_at, entries) = match &chain {
            ChainState::Whole { entries, verified_at, head } => {
                let read_whole_at = whole_at.unwrap_or(*verified_at);
                *known = Some(Known { entries: *entries, head: head.clone(), read_whole_at });
                (*verified_at, *entries)
            }
            ChainState::Broken { verified_at, .. } | ChainState::Lost { verified_at, .. } => {
                let read_whole_at = whole_at.unwrap_or(*verified_at);
                return Ok(ChainView { chain, read_whole_at, checkpoint, judged: None });
            }
        };
        let judged = match &checkpoint {
            Some(last) => Some(self.judged(last, entries).await?),
            None => None,
        };
        let chain = match (&checkpoint, judged) {
            (Some(last), Some(Judged::Against { fault })) => {
                ChainState::Broken { at_index: broken_at(last, fault), entries, verified_at }
            }
            _ => chain,
        };
        Ok(ChainView { chain, read_whole_at: whole_at.unwrap_or(verified_at), checkpoint, judged })
    }

    /// A checkpoint against the log, which has just been found whole in itself. Without the key it is held against the one it
    /// names: a restored backup is no forgery, and a log that does not fit is one under every key.
    async fn judged(&self, last: &Checkpoint, entries: u64) -> Result<Judged, StoreError> {
        let hash = hash_there(self.store.as_ref(), last).await?;
        let fits = self.trusted.map_or_else(|| stated_key(last), Ok);
        Ok(match fits.and_then(|key| judge(last, &key, entries, hash.as_deref())) {
            Err(fault) => Judged::Against { fault },
            Ok(()) if self.trusted.is_none() => Judged::SignerUnknown,
            Ok(()) => Judged::Fits,
        })
    }

    /// Reads everything at the start and once an hour, until it is dropped; what is broken is said loudly.
    pub async fn run(self) {
        let mut tick = interval(AUDIT_REREAD);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            match self.read_whole().await {
                Ok(ChainView { chain: ChainState::Broken { at_index, entries, .. }, judged, .. }) => {
                    tracing::error!(
                        audit.broken_at = at_index,
                        audit.entries = entries,
                        audit.checkpoint = ?judged,
                        "the audit is broken"
                    );
                }
                Ok(ChainView { chain: ChainState::Lost { unread, .. }, .. }) => {
                    tracing::error!(
                        audit.file = unread.file,
                        audit.fault = unread.fault.as_str(),
                        "an archived part of the audit is lost"
                    );
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(store.error = %error, "the audit was not read"),
            }
        }
    }
}

/// The first entry that is not what was signed: the one behind the end where that was cut off.
const fn broken_at(last: &Checkpoint, fault: CheckpointFault) -> u64 {
    match fault {
        CheckpointFault::CutOff { entries, .. } => entries.saturating_add(1),
        _ => last.size,
    }
}
