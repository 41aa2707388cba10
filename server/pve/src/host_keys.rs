//! Public keys of hosts and people, and their fingerprints.

use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::ParseError;
use crate::files::NodeFile;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};
use std::fmt;

/// The longest line of a public key, in bytes: RSA with 16384 bits has 2.8 kB.
const KEY_LINE_MAX_BYTES: usize = 8192;

/// The host keys that Debian's sshd makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostKeyKind {
    Ed25519,
    Ecdsa,
    Rsa,
}

impl HostKeyKind {
    pub const ALL: [Self; 3] = [Self::Ed25519, Self::Ecdsa, Self::Rsa];

    /// The word in `/etc/ssh/ssh_host_WORD_key.pub`.
    #[must_use]
    pub const fn file_part(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Ecdsa => "ecdsa",
            Self::Rsa => "rsa",
        }
    }
}

/// One public key as OpenSSH writes it: algorithm, base64, perhaps a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: String,
    blob: String,
    comment: Option<String>,
}

impl PublicKey {
    /// Reads `ssh-ed25519 AAAA... comment`; the algorithm must be the one inside the base64.
    ///
    /// # Errors
    /// Any other shape, options in front included.
    pub fn parse(line: &str) -> Result<Self, ParseError> {
        const WHAT: &str = "public key";
        let bad = |part| ParseError::malformed(WHAT, part, line);
        if line.len() > KEY_LINE_MAX_BYTES {
            return Err(bad("the length"));
        }
        let mut parts = line.trim().splitn(3, [' ', '\t']);
        let algorithm = parts.next().unwrap_or_default();
        let blob = parts.next().unwrap_or_default();
        let bytes = STANDARD.decode(blob).map_err(|_| bad("the base64"))?;
        if inner_name(&bytes) != Some(algorithm.as_bytes()) || algorithm.is_empty() {
            return Err(bad("the algorithm"));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-@._".contains(c);
        if !algorithm.chars().all(plain) {
            return Err(bad("the algorithm"));
        }
        let comment = parts.next().map(|text| clean_text(text.trim())).filter(|text| !text.is_empty());
        Ok(Self { algorithm: algorithm.to_owned(), blob: blob.to_owned(), comment })
    }

    /// `ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256` ...
    #[must_use]
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// The key's bytes in base64.
    #[must_use]
    pub fn blob(&self) -> &str {
        &self.blob
    }

    #[must_use]
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// `SHA256:` and 43 characters of base64, as `ssh-keygen -l` and people compare it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let bytes = STANDARD.decode(&self.blob).unwrap_or_default();
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(bytes)))
    }

    /// True where both are the same key; comments do not count.
    #[must_use]
    pub fn same_key(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.blob == other.blob
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, self.blob)?;
        self.comment.as_ref().map_or(Ok(()), |comment| write!(f, " {comment}"))
    }
}

/// Prints one of the node's public host keys.
#[must_use]
pub fn cat_host_key(kind: HostKeyKind) -> CommandLine {
    CommandLine::reads("cat").arg(NodeFile::HostPublicKey(kind).path())
}

/// Prints root's public key, which `pvecm` makes where it is missing.
#[must_use]
pub fn cat_root_key() -> CommandLine {
    CommandLine::reads("cat").arg(NodeFile::RootPublicKey.path())
}

/// The one key in a `.pub` file; `None` where the file does not exist.
///
/// # Errors
/// An empty file, or a line that is no key.
pub fn public_key(answer: Answer<'_>) -> Result<Option<PublicKey>, ParseError> {
    const WHAT: &str = "public key";
    let Some(lines) = crate::files::content(answer)? else {
        return Ok(None);
    };
    let line = lines.iter().find(|line| !line.trim().is_empty());
    let line = line.ok_or_else(|| ParseError::missing(WHAT, "a line"))?;
    PublicKey::parse(line).map(Some)
}

/// The name at the head of a key's bytes: a length of four bytes, then that many (RFC 4253, 6.6).
fn inner_name(bytes: &[u8]) -> Option<&[u8]> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*head)).ok()?;
    rest.get(..length)
}
