//! The console's own Ed25519 key: made here, sealed by the server, opened for one log-in and wiped after it.

use model::problem::Problem;
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey};
use thiserror::Error;
use zeroize::Zeroizing;

/// The comment of the key, by which people find its line on a node.
pub const KEY_COMMENT: &str = "quorate";

/// Where the console's key comes from.
pub trait ConsoleKeySource: Send + Sync + 'static {
    /// The private key as OpenSSH's PEM; wiped by this crate after one log-in.
    ///
    /// # Errors
    /// A problem with the seal.
    fn open(&self) -> Result<Zeroizing<String>, Problem>;

    /// The public key as one `authorized_keys` line without a line break.
    ///
    /// # Errors
    /// A problem with the seal.
    fn public_line(&self) -> Result<String, Problem>;
}

/// A new key could not be written down.
#[derive(Debug, Error)]
#[error("the new key cannot be encoded")]
pub struct KeyError(#[from] russh::keys::ssh_key::Error);

/// Makes a key: the private part as OpenSSH's PEM without passphrase, and the line for `authorized_keys`.
///
/// # Errors
/// When the key cannot be encoded; not expected to happen.
pub fn generate() -> Result<(Zeroizing<String>, String), KeyError> {
    let mut key = PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519)?;
    key.set_comment(KEY_COMMENT);
    let private = key.to_openssh(LineEnding::LF)?;
    let line = key.public_key().to_openssh()?;
    Ok((private, line))
}

/// Reads the private key for one log-in.
pub(crate) fn parse(pem: &str) -> Option<PrivateKey> {
    PrivateKey::from_openssh(pem).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_ed25519_named_and_never_the_same() {
        let (private, line) = generate().expect("a key");
        assert!(line.starts_with("ssh-ed25519 "), "{line}");
        assert!(line.ends_with(" quorate"), "{line}");
        assert!(!line.contains('\n'));
        let read = parse(&private).expect("reads its own key");
        assert_eq!(read.public_key().to_openssh().expect("encodes"), line);
        assert_ne!(generate().expect("a key").1, line);
        assert!(parse("not a key").is_none());
    }
}
