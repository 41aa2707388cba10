//! Whether the audit is whole: read as a whole now and then, and in between only what has been added since.

use super::chain::GENESIS;
use crate::limits::AUDIT_REREAD;
use crate::ports::{Store, StoreError};
use jiff::Timestamp;
use model::audit::{ChainState, ChainView};
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
    known: Arc<Mutex<Option<Known>>>,
}

impl Reader {
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, known: Arc::default() }
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
        let (entries, head) = known.as_ref().map_or((0, hex::encode(GENESIS)), |one| (one.entries, one.head.clone()));
        let chain = self.store.verify_after(entries, &head).await?;
        let whole_at = known.as_ref().map(|one| one.read_whole_at);
        let read_whole_at = match &chain {
            ChainState::Whole { entries, verified_at, head } => {
                let read_whole_at = whole_at.unwrap_or(*verified_at);
                *known = Some(Known { entries: *entries, head: head.clone(), read_whole_at });
                read_whole_at
            }
            ChainState::Broken { verified_at, .. } | ChainState::Lost { verified_at, .. } => {
                whole_at.unwrap_or(*verified_at)
            }
        };
        let checkpoint = self.store.last_checkpoint().await?;
        Ok(ChainView { chain, read_whole_at, checkpoint })
    }

    /// Reads everything at the start and once an hour, until it is dropped; what is broken is said loudly.
    pub async fn run(self) {
        let mut tick = interval(AUDIT_REREAD);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            match self.read_whole().await {
                Ok(ChainView { chain: ChainState::Broken { at_index, entries, .. }, .. }) => {
                    tracing::error!(audit.broken_at = at_index, audit.entries = entries, "the audit is broken");
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
