//! Archived parts of the audit: what is signed of each, and what must be true of it.

use super::chain::HASH_BYTES;
use super::recorder::Person;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use jiff::Timestamp;
use model::audit::{AuditCode, AuditEntry, ChainState, Outcome};
use model::segment::{Segment, SegmentFault};
use std::path::PathBuf;

/// Separates these signatures from all others; raised when the meaning of the bytes changes.
const DOMAIN: &[u8] = b"quorate-audit-segment/v1\0";

/// What is signed: domain, first and last index, hash before the first and of the last, time, length of the file, its SHA-256.
///
/// Numbers and the time (microseconds since 1970-01-01 UTC) have 8 bytes each, most significant byte first; hashes have 32.
///
/// # Errors
/// `Statement` where a hash cannot be read.
pub fn message(one: &Segment) -> Result<Vec<u8>, SegmentFault> {
    let (base, head, digest) = (hash(&one.base)?, hash(&one.head)?, hash(&one.digest)?);
    let at = one.closed_at.as_microsecond().to_be_bytes();
    let (first, last, bytes) = (one.first.to_be_bytes(), one.last.to_be_bytes(), one.bytes.to_be_bytes());
    Ok([DOMAIN, &first, &last, &base, &head, &at, &bytes, &digest].concat())
}

/// Fills in key and signature.
///
/// # Errors
/// `Statement` where a hash cannot be read.
pub fn sign(mut one: Segment, signer: &SigningKey) -> Result<Segment, SegmentFault> {
    one.signature = hex::encode(signer.sign(&message(&one)?).to_bytes());
    one.key = hex::encode(signer.verifying_key().as_bytes());
    Ok(one)
}

/// Whether the signature fits; with `trusted` also whether it is of that key.
///
/// # Errors
/// The first thing that does not fit.
pub fn judge(one: &Segment, trusted: Option<&VerifyingKey>) -> Result<(), SegmentFault> {
    let key = hash(&one.key)?;
    if trusted.is_some_and(|trusted| trusted.as_bytes() != &key) {
        return Err(SegmentFault::OtherKey);
    }
    let key = VerifyingKey::from_bytes(&key).map_err(|_| SegmentFault::Statement)?;
    let mut signature = [0; 64];
    hex::decode_to_slice(&one.signature, &mut signature).map_err(|_| SegmentFault::Statement)?;
    key.verify_strict(&message(one)?, &Signature::from_bytes(&signature)).map_err(|_| SegmentFault::Signature)
}

/// The first part that does not follow the one before, from the first entry of all on.
#[must_use]
pub fn first_gap(all: &[Segment]) -> Option<&Segment> {
    let (mut next, mut base) = (1, hex::encode(super::chain::GENESIS));
    for one in all {
        if one.first != next || one.last < one.first || one.base != base {
            return Some(one);
        }
        (next, base) = (one.last.saturating_add(1), one.head.clone());
    }
    None
}

fn hash(text: &str) -> Result<[u8; HASH_BYTES], SegmentFault> {
    let mut out = [0; HASH_BYTES];
    hex::decode_to_slice(text, &mut out).map_err(|_| SegmentFault::Statement)?;
    Ok(out)
}

/// Where closing a part has come to; each is on disk when it is told, and what is done later is done anew after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The audit is whole, and no command is without its end.
    Checked,
    /// The archive holds every entry.
    ArchiveWritten,
    /// It was read again as a whole, and signed.
    ArchiveSigned,
    /// The database that goes on holds everything else, and the entry that tells of the archive.
    DatabaseWritten,
    /// What was signed of the archive has its name; the archive itself not yet.
    StatementPlaced,
    /// The archive has its name; the database does not know of it yet.
    ArchivePlaced,
    /// The new database has taken the old one's place.
    DatabasePlaced,
}

impl Step {
    pub const ALL: [Self; 7] = [
        Self::Checked,
        Self::ArchiveWritten,
        Self::ArchiveSigned,
        Self::DatabaseWritten,
        Self::StatementPlaced,
        Self::ArchivePlaced,
        Self::DatabasePlaced,
    ];
}

/// Why no part was closed; everything is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum NotClosed {
    #[error("another command uses the database: wait for its end, or end it")]
    InUse,
    #[error("the audit is not whole, and nothing of it is archived: {}", told(.0))]
    NotWhole(ChainState),
    #[error(
        "{commands} commands have no end in the audit yet, the first at entry {first}: start the console, let its operations end, \
         and stop it; what it never heard of again it closes as unknown"
    )]
    Open { commands: u64, first: u64 },
    #[error("{path} is there already, and is no part of this audit: it was left alone")]
    Taken { path: PathBuf },
    #[error("the database holds {what}, which this version does not know how to take along")]
    Foreign { what: String },
    #[error("{path}")]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("what was written is not what was read: {what}")]
    Different { what: String },
    #[error("the archive {0}")]
    Statement(SegmentFault),
    #[error(transparent)]
    Store(#[from] crate::ports::StoreError),
}

fn told(chain: &ChainState) -> String {
    match chain {
        ChainState::Whole { entries, .. } => format!("{entries} entries"),
        ChainState::Broken { at_index, .. } => format!("it is broken at entry {at_index}"),
        ChainState::Lost { unread, .. } => unread.to_string(),
    }
}

/// Who signs a part that is closed, and writes its entry.
pub trait Notary: Send + Sync {
    /// The time of the closing.
    fn now(&self) -> Timestamp;
    /// Fills in key and signature.
    ///
    /// # Errors
    /// `Statement` where a hash cannot be read.
    fn sign(&self, one: Segment) -> Result<Segment, SegmentFault>;
    /// The first entry of what follows.
    fn entry(&self, one: &Segment) -> AuditEntry;
    /// A step is on disk.
    fn told(&self, _step: Step) {}
}

/// Signs with the key of the checkpoints, in the name of somebody.
pub struct Closer<'a> {
    pub signer: &'a SigningKey,
    pub who: Person,
    pub reason: Option<String>,
    pub at: Timestamp,
}

impl Notary for Closer<'_> {
    fn now(&self) -> Timestamp {
        self.at
    }

    fn sign(&self, one: Segment) -> Result<Segment, SegmentFault> {
        sign(one, self.signer)
    }

    fn entry(&self, one: &Segment) -> AuditEntry {
        let mut entry = AuditEntry::new(self.at, AuditCode::AuditArchived, self.who.name.clone(), Outcome::Success);
        entry.reason.clone_from(&self.reason);
        let details = [
            ("file", one.file()),
            ("entries", format!("{}-{}", one.first, one.last)),
            ("head", one.head.clone()),
            ("sha256", one.digest.clone()),
        ];
        entry.details.extend(details.map(|(name, value)| (name.to_owned(), value)));
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SegmentFault as Fault;

    fn unsigned(first: u64, last: u64, base: u8, head: u8) -> Segment {
        let hash = |byte: u8| hex::encode([byte; HASH_BYTES]);
        Segment {
            first,
            last,
            base: hash(base),
            head: hash(head),
            closed_at: Timestamp::from_microsecond(1).expect("time"),
            bytes: 258,
            digest: hash(7),
            key: String::new(),
            signature: String::new(),
        }
    }

    #[test]
    fn anybody_can_check_the_bytes_that_are_signed() {
        let text = hex::encode(message(&unsigned(1, 3, 0, 9)).expect("bytes"));
        let (zero, nine, seven) = ("00".repeat(32), "09".repeat(32), "07".repeat(32));
        let domain = hex::encode(b"quorate-audit-segment/v1\0");
        let numbers = "00000000000000010000000000000003";
        assert_eq!(text, format!("{domain}{numbers}{zero}{nine}00000000000000010000000000000102{seven}"));
    }

    #[test]
    fn every_part_of_a_statement_counts() {
        let (mine, other) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let good = sign(unsigned(1, 3, 0, 9), &mine).expect("signed");
        assert_eq!(judge(&good, None), Ok(()));
        assert_eq!(judge(&good, Some(&mine.verifying_key())), Ok(()));
        assert_eq!(judge(&good, Some(&other.verifying_key())), Err(Fault::OtherKey));
        let hash = |byte: u8| hex::encode([byte; HASH_BYTES]);
        for forged in [
            Segment { first: 2, ..good.clone() },
            Segment { last: 4, ..good.clone() },
            Segment { base: hash(1), ..good.clone() },
            Segment { head: hash(1), ..good.clone() },
            Segment { closed_at: Timestamp::UNIX_EPOCH, ..good.clone() },
            Segment { bytes: 1, ..good.clone() },
            Segment { digest: hash(1), ..good.clone() },
            Segment { key: hex::encode(other.verifying_key().as_bytes()), ..good.clone() },
        ] {
            assert_eq!(judge(&forged, None), Err(Fault::Signature), "{forged:?}");
        }
        assert_eq!(judge(&Segment { signature: "12".into(), ..good.clone() }, None), Err(Fault::Statement));
        assert_eq!(judge(&Segment { head: "12".into(), ..good }, None), Err(Fault::Statement));
    }

    #[test]
    fn each_part_follows_the_one_before() {
        let all = [unsigned(1, 3, 0, 9), unsigned(4, 4, 9, 5), unsigned(5, 8, 5, 6)];
        assert_eq!(first_gap(&all), None);
        assert_eq!(first_gap(&all[1..]), Some(&all[1]), "the first one is missing");
        let without = [all[0].clone(), all[2].clone()];
        assert_eq!(first_gap(&without), Some(&all[2]));
        let replaced = [all[0].clone(), unsigned(4, 4, 9, 1), all[2].clone()];
        assert_eq!(first_gap(&replaced), Some(&all[2]));
        assert_eq!(first_gap(&[unsigned(1, 0, 0, 9)]).map(|one| one.last), Some(0));
    }
}
