//! Signed statements about the audit: how long it was at a time, and what its last hash was.
//!
//! Kept where the console's machine cannot reach, one shows that the log was cut or computed anew.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One line of a checkpoint file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Entries that it covers: those from 1 to this index.
    pub size: u64,
    /// Hash of the last of them, in hex.
    pub head: String,
    pub at: Timestamp,
    /// Public Ed25519 key that signed it, in hex.
    pub key: String,
    /// In hex, over the bytes that `engine::audit::checkpoint::message` makes.
    pub signature: String,
}

/// Why a checkpoint does not fit the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", tag = "fault")]
pub enum CheckpointFault {
    #[error("its hashes, its key or its signature cannot be read")]
    Unreadable,
    #[error("it is signed with another key than the one that is trusted")]
    OtherKey,
    #[error("its signature does not fit what it says")]
    Signature,
    #[error("it covers {size} entries, and the audit has only {entries}: the end was cut off")]
    CutOff { size: u64, entries: u64 },
    #[error("entry {size} has another hash than it says: the log was computed anew")]
    OtherHead { size: u64 },
}
