//! Signed checkpoints: what somebody who rewrites the log cannot rewrite with it.

use super::chain::{GENESIS, Hash};
use crate::limits::{CHECKPOINT_AGE, CHECKPOINT_ENTRIES, CHECKPOINT_LOOK};
use crate::ports::{CheckpointSink, Clock, Store, StoreError};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use jiff::Timestamp;
use model::audit::ChainState;
use model::checkpoint::{Checkpoint, CheckpointFault};
use model::segment::Unread;
use std::sync::Arc;
use tokio::time::{MissedTickBehavior, interval};

/// Separates these signatures from all others; raised when the meaning of the bytes changes.
const DOMAIN: &[u8] = b"quorate-checkpoint/v1\0";

/// What is signed: domain, number of entries, last hash, time.
///
/// Number and time (microseconds since 1970-01-01 UTC) have 8 bytes each, most significant byte first.
#[must_use]
pub fn message(size: u64, head: &Hash, at: Timestamp) -> Vec<u8> {
    [DOMAIN, &size.to_be_bytes(), head, &at.as_microsecond().to_be_bytes()].concat()
}

/// Whether a checkpoint was signed with the trusted key, and fits the log: `entries` in all, and `hash_at` the hash (in
/// hex) of the entry that it ends with.
///
/// # Errors
/// The first thing that does not fit.
pub fn judge(
    one: &Checkpoint,
    trusted: &VerifyingKey,
    entries: u64,
    hash_at: Option<&str>,
) -> Result<(), CheckpointFault> {
    let (head, key, signature) = (bytes(&one.head)?, bytes::<32>(&one.key)?, bytes::<64>(&one.signature)?);
    if trusted.as_bytes() != &key {
        return Err(CheckpointFault::OtherKey);
    }
    trusted
        .verify_strict(&message(one.size, &head, one.at), &Signature::from_bytes(&signature))
        .map_err(|_| CheckpointFault::Signature)?;
    if one.size > entries {
        return Err(CheckpointFault::CutOff { size: one.size, entries });
    }
    let genesis = hex::encode(GENESIS);
    let there = if one.size == 0 { Some(genesis.as_str()) } else { hash_at };
    if there != Some(one.head.as_str()) {
        return Err(CheckpointFault::OtherHead { size: one.size });
    }
    Ok(())
}

/// The key that a checkpoint says it was signed with: whether that is to be trusted is another question.
///
/// # Errors
/// `Unreadable` where it is no key.
pub fn stated_key(one: &Checkpoint) -> Result<VerifyingKey, CheckpointFault> {
    VerifyingKey::from_bytes(&bytes(&one.key)?).map_err(|_| CheckpointFault::Unreadable)
}

/// The stored hash (in hex) of the entry that a checkpoint ends with; `None` where there is none, or its bytes are no entry.
///
/// # Errors
/// When the store fails.
pub(super) async fn hash_there(store: &dyn Store, one: &Checkpoint) -> Result<Option<String>, StoreError> {
    match store.entry(one.size).await {
        Ok(entry) => Ok(Some(entry.hash)),
        Err(StoreError::NotFound { .. } | StoreError::Corrupt { .. }) => Ok(None),
        // In a part that is not at hand: whether the log follows from it is asked elsewhere.
        Err(StoreError::Unread(_)) => Ok(Some(one.head.clone())),
        Err(error) => Err(error),
    }
}

fn bytes<const N: usize>(text: &str) -> Result<[u8; N], CheckpointFault> {
    let mut out = [0; N];
    hex::decode_to_slice(text, &mut out).map_err(|_| CheckpointFault::Unreadable)?;
    Ok(out)
}

/// Why no checkpoint was written.
#[derive(Debug, thiserror::Error)]
pub enum Unsigned {
    /// Nothing is signed that does not follow from what was signed before.
    #[error("the audit is broken at entry {at_index}")]
    Broken { at_index: u64 },
    #[error("{0}")]
    Lost(Unread),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Signs the audit's head again and again, and passes the checkpoints on.
pub struct Checkpointer {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    signer: SigningKey,
    sinks: Vec<Arc<dyn CheckpointSink>>,
}

impl Checkpointer {
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        signer: SigningKey,
        sinks: Vec<Arc<dyn CheckpointSink>>,
    ) -> Self {
        Self { store, clock, signer, sinks }
    }

    /// Writes a checkpoint when 100 entries or 10 minutes have gone by since the last one; with `now` whenever there is
    /// something new.
    ///
    /// # Errors
    /// `Broken` when what was added since the last checkpoint does not follow from it, or that one is not this signer's own
    /// or does not fit the log: whoever can write the log can write the table of checkpoints too.
    pub async fn look(&self, now: bool) -> Result<Option<Checkpoint>, Unsigned> {
        let last = self.store.last_checkpoint().await?;
        let (size, head) = last.as_ref().map_or((0, hex::encode(GENESIS)), |one| (one.size, one.head.clone()));
        let entries = self.store.entries().await?;
        let at = self.clock.now();
        let waited = last.as_ref().is_none_or(|one| at.duration_since(one.at).unsigned_abs() >= CHECKPOINT_AGE);
        let due = entries.saturating_sub(size) >= CHECKPOINT_ENTRIES || (entries > size && (waited || now));
        // Fewer entries than were signed is the worst that can be, and no reason to be quiet.
        if !due && entries >= size {
            return Ok(None);
        }
        if let Some(last) = &last {
            self.judge_last(last, entries).await?;
        }
        let (entries, head) = match self.store.verify_after(size, &head).await? {
            ChainState::Whole { entries, head, .. } => (entries, head),
            ChainState::Broken { at_index, .. } => return Err(Unsigned::Broken { at_index }),
            ChainState::Lost { unread, .. } => return Err(Unsigned::Lost(unread)),
        };
        let checkpoint = self.sign(entries, head, at)?;
        self.store.keep_checkpoint(&checkpoint).await?;
        for sink in &self.sinks {
            if let Err(error) = sink.send(&checkpoint).await {
                tracing::warn!(sink = sink.name(), audit.error = %error, "a checkpoint was not passed on");
            }
        }
        Ok(Some(checkpoint))
    }

    async fn judge_last(&self, last: &Checkpoint, entries: u64) -> Result<(), Unsigned> {
        let hash = hash_there(self.store.as_ref(), last).await?;
        judge(last, &self.signer.verifying_key(), entries, hash.as_deref()).map_err(|fault| {
            tracing::debug!(audit.size = last.size, audit.fault = %fault, "the last checkpoint is bad");
            Unsigned::Broken { at_index: last.size }
        })
    }

    fn sign(&self, size: u64, head: String, at: Timestamp) -> Result<Checkpoint, StoreError> {
        let hash: Hash =
            bytes(&head).map_err(|fault| StoreError::Corrupt { what: "head of the audit", text: fault.to_string() })?;
        let signature = hex::encode(self.signer.sign(&message(size, &hash, at)).to_bytes());
        Ok(Checkpoint { size, head, at, key: hex::encode(self.signer.verifying_key().as_bytes()), signature })
    }

    /// Goes on until it is dropped.
    pub async fn run(self: Arc<Self>) {
        let mut tick = interval(CHECKPOINT_LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = None;
        loop {
            tick.tick().await;
            match self.look(false).await {
                Ok(_) => told = None,
                // Said once, not every five seconds.
                Err(error) if told.as_ref() == Some(&error.to_string()) => {}
                Err(error) => {
                    tracing::error!(audit.error = %error, "no checkpoint was signed");
                    told = Some(error.to_string());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::checkpoint::CheckpointFault as Fault;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn signed(size: u64, head: Hash, by: &SigningKey) -> Checkpoint {
        let at = Timestamp::from_second(1_800_000_000).expect("time");
        Checkpoint {
            size,
            head: hex::encode(head),
            at,
            key: hex::encode(by.verifying_key().as_bytes()),
            signature: hex::encode(by.sign(&message(size, &head, at)).to_bytes()),
        }
    }

    #[test]
    fn anybody_can_check_the_bytes_that_are_signed() {
        let text = hex::encode(message(258, &[7; 32], Timestamp::from_microsecond(1).expect("time")));
        let domain = hex::encode(b"quorate-checkpoint/v1\0");
        assert_eq!(text, format!("{domain}0000000000000102{}0000000000000001", "07".repeat(32)));
    }

    #[test]
    fn every_part_of_a_checkpoint_counts() {
        let (mine, trusted) = (key(1), key(1).verifying_key());
        let good = signed(3, [9; 32], &mine);
        let there = hex::encode([9; 32]);
        assert_eq!(judge(&good, &trusted, 5, Some(&there)), Ok(()));
        assert_eq!(judge(&signed(0, GENESIS, &mine), &trusted, 0, None), Ok(()));
        let later = Checkpoint { at: Timestamp::from_second(1_800_000_001).expect("time"), ..good.clone() };
        let longer = Checkpoint { size: 4, ..good.clone() };
        let other = Checkpoint { head: hex::encode([8; 32]), ..good.clone() };
        for forged in [later, longer, other] {
            assert_eq!(judge(&forged, &trusted, 5, Some(&there)), Err(Fault::Signature), "{forged:?}");
        }
        assert_eq!(judge(&signed(3, [9; 32], &key(2)), &trusted, 5, Some(&there)), Err(Fault::OtherKey));
        let claimed = Checkpoint { key: good.key.clone(), ..signed(3, [9; 32], &key(2)) };
        assert_eq!(judge(&claimed, &trusted, 5, Some(&there)), Err(Fault::Signature));
        assert_eq!(judge(&good, &trusted, 2, None), Err(Fault::CutOff { size: 3, entries: 2 }));
        assert_eq!(judge(&good, &trusted, 5, Some("00")), Err(Fault::OtherHead { size: 3 }));
        let torn = Checkpoint { signature: "12".into(), ..good };
        assert_eq!(judge(&torn, &trusted, 5, Some(&there)), Err(Fault::Unreadable));
    }
}
