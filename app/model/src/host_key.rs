//! A machine's SSH host key and what the console knows about it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A public host key as the machine offered it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostKey {
    /// `ssh-ed25519`, `ecdsa-sha2-nistp256`, ...
    pub algorithm: String,
    /// The key in OpenSSH's base64.
    pub base64: String,
    /// `SHA256:...`, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
}

/// A key that a person confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    pub key: HostKey,
    pub pinned_at: Timestamp,
    pub pinned_by: String,
}

/// Three answers, not two: *unknown* is refused and offered to a person, *changed* stops everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Known,
    Unknown { offered: HostKey },
    Changed { pinned: HostKey, offered: HostKey },
}

/// Compares an offered key with the pinned one.
#[must_use]
pub fn judge(pin: Option<&Pin>, offered: HostKey) -> Verdict {
    match pin {
        None => Verdict::Unknown { offered },
        Some(pin) if pin.key.base64 == offered.base64 && pin.key.algorithm == offered.algorithm => Verdict::Known,
        Some(pin) => Verdict::Changed { pinned: pin.key.clone(), offered },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(base64: &str) -> HostKey {
        HostKey { algorithm: "ssh-ed25519".into(), base64: base64.into(), fingerprint: format!("SHA256:{base64}") }
    }

    #[test]
    fn only_the_pinned_key_is_known() {
        let pin = Pin { key: key("a"), pinned_at: Timestamp::UNIX_EPOCH, pinned_by: "ops-1".into() };
        assert_eq!(judge(Some(&pin), key("a")), Verdict::Known);
        assert_eq!(judge(None, key("a")), Verdict::Unknown { offered: key("a") });
        assert_eq!(judge(Some(&pin), key("b")), Verdict::Changed { pinned: key("a"), offered: key("b") });
    }
}
