//! Archived parts of the audit: each a database file of its own, signed as a whole.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One archived part, as it was signed when it was closed. Hashes, key and signature are in hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Index of its first entry.
    pub first: u64,
    /// Index of its last one.
    pub last: u64,
    /// Hash of the entry before the first.
    pub base: String,
    /// Hash of the last entry: the base of what follows.
    pub head: String,
    pub closed_at: Timestamp,
    /// Length of the file, in bytes.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub digest: String,
    /// Public Ed25519 key that signed it.
    pub key: String,
    /// Over the bytes that `engine::audit::segment::message` makes.
    pub signature: String,
}

impl Segment {
    /// Name of its file; it follows from what the file holds.
    #[must_use]
    pub fn file(&self) -> String {
        format!("audit-{:012}-{:012}.db", self.first, self.last)
    }

    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }

    #[must_use]
    pub const fn holds(&self, index: u64) -> bool {
        self.first <= index && index <= self.last
    }
}

crate::problem::codes!(
    /// What is wrong with an archived part; locale key `segment_FAULT`.
    SegmentFault {
        /// The file is not there.
        Missing => "missing",
        /// It is there and no part of the audit can be read from it.
        Unreadable => "unreadable",
        /// It is another file than the one that was closed, or a byte of it was changed.
        OtherFile => "other_file",
        /// What was signed is not beside it, or says something else.
        Statement => "statement",
        /// The signature does not fit what was signed.
        Signature => "signature",
        /// It is signed with another key than the one that is trusted.
        OtherKey => "other_key",
        /// It does not follow the part before: one is missing, or was put in its place.
        NotNext => "not_next",
        /// Its own chain is broken.
        Broken => "broken",
    }
);

impl fmt::Display for SegmentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "is missing",
            Self::Unreadable => "cannot be read",
            Self::OtherFile => "is not the file that was closed: it was changed or replaced",
            Self::Statement => "has not what was signed beside it",
            Self::Signature => "has a signature that does not fit it",
            Self::OtherKey => "is signed with another key than the one that is trusted",
            Self::NotNext => "does not follow the part before it: one is missing or was replaced",
            Self::Broken => "has a broken chain of entries",
        })
    }
}

/// An archived part that an answer had to do without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    pub first: u64,
    pub last: u64,
    pub file: String,
    pub fault: SegmentFault,
}

impl Unread {
    #[must_use]
    pub fn of(segment: &Segment, fault: SegmentFault) -> Self {
        Self { first: segment.first, last: segment.last, file: segment.file(), fault }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the entries {} to {} are archived in {}, which {}", self.first, self.last, self.file, self.fault)
    }
}
