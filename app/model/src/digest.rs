//! The digest that an approval is bound to: one changed byte of the plan voids it.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// SHA-256 over a domain word and canonical JSON, in lower-case hex.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Four groups of four hex digits, for people to compare.
    #[must_use]
    pub fn short(&self) -> String {
        let head: Vec<&str> = (0..4).filter_map(|i| self.0.get(i * 4..i * 4 + 4)).collect();
        head.join(" ")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

/// Digests a value. Maps must be ordered (`BTreeMap`) so that equal values have equal bytes.
///
/// # Errors
/// When the value cannot be written as JSON (a map with keys that are no strings).
pub fn of<T: Serialize>(domain: &str, value: &T) -> Result<Digest, serde_json::Error> {
    let bytes = serde_json::to_vec(value)?;
    let mut hasher = Sha256::new();
    hasher.update(domain.as_bytes());
    hasher.update([0]);
    hasher.update(&bytes);
    Ok(Digest(hex::encode(hasher.finalize())))
}
