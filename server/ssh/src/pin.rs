//! Host keys: from the handshake to the model's three-valued verdict.

use model::host_key::{HostKey, Pin};
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey};
use std::borrow::Cow;

/// What the console accepts as a host key, most wanted first.
///
/// RSA is not among them: the pure Rust implementation is a pre-release, and every supported machine has Ed25519.
const ACCEPTED: [Algorithm; 4] = [
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
];

/// The model's form of a key; `None` if it cannot be encoded.
pub(crate) fn host_key(key: &PublicKey) -> Option<HostKey> {
    let line = key.to_openssh().ok()?;
    let base64 = line.split(' ').nth(1)?.to_owned();
    Some(HostKey {
        algorithm: key.algorithm().as_str().to_owned(),
        base64,
        fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
    })
}

/// The algorithms to ask for: the pinned one first, so that a server with several keys answers with the pinned one.
pub(crate) fn wanted(pin: Option<&Pin>) -> Cow<'static, [Algorithm]> {
    let mut list = ACCEPTED.to_vec();
    if let Some(pin) = pin {
        // Stable: only the pinned algorithm moves.
        list.sort_by_key(|algorithm| algorithm.as_str() != pin.key.algorithm);
    }
    Cow::Owned(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn the_pinned_algorithm_is_asked_for_first() {
        let names =
            |pin: Option<&Pin>| wanted(pin).iter().map(|algorithm| algorithm.as_str().to_owned()).collect::<Vec<_>>();
        assert_eq!(names(None).first().expect("one"), "ssh-ed25519");
        let pin = Pin {
            key: HostKey { algorithm: "ecdsa-sha2-nistp384".into(), base64: String::new(), fingerprint: String::new() },
            pinned_at: Timestamp::UNIX_EPOCH,
            pinned_by: "ops-1".into(),
        };
        let list = names(Some(&pin));
        assert_eq!(list.first().expect("one"), "ecdsa-sha2-nistp384");
        assert_eq!(list.len(), ACCEPTED.len());
        assert!(!list.iter().any(|name| name.contains("rsa")));
    }

    #[test]
    fn a_key_reads_as_ssh_keygen_prints_it() {
        // `ssh-keygen -l` of this line prints the fingerprint below.
        let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
        let key = PublicKey::from_openssh(line).expect("a key");
        let read = host_key(&key).expect("encodes");
        assert_eq!(format!("{} {}", read.algorithm, read.base64), line);
        assert_eq!(read.fingerprint, "SHA256:T7SvZ2cslqpPj6nKzitCBHHlpVF3r3MvLwmFL0fk0IE");
    }
}
