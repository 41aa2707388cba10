//! Passwords: argon2id, off the async threads, few at a time.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use std::sync::Arc;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// The shortest password, in characters (NIST SP 800-63B asks for 8; root of a cluster deserves more).
pub const PASSWORD_MIN_CHARS: usize = 12;
/// The longest password, in bytes: argon2 takes more, but a form should not be a way to burn CPU.
pub const PASSWORD_MAX_BYTES: usize = 1024;
/// Hashes computed at the same time; each takes about 19 MiB.
const AT_ONCE: usize = 2;

/// Hashes and verifies.
#[derive(Clone)]
pub struct Passwords {
    places: Arc<Semaphore>,
    /// Compared with where there is no such account, so that both answers take the same time.
    decoy: Arc<str>,
}

#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed")]
pub struct HashFailed;

impl Passwords {
    /// # Errors
    /// When the machine has no randomness or memory for one hash.
    pub fn new() -> Result<Self, HashFailed> {
        let decoy = hash(b"nobody has this password")?;
        Ok(Self { places: Arc::new(Semaphore::new(AT_ONCE)), decoy: decoy.into() })
    }

    /// The PHC string of a new password.
    ///
    /// # Errors
    /// When hashing fails.
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String, HashFailed> {
        let _place = self.places.acquire().await.map_err(|_| HashFailed)?;
        tokio::task::spawn_blocking(move || hash(password.as_bytes())).await.map_err(|_| HashFailed)?
    }

    /// Whether the password fits the hash; `None` (no such account) takes as long and is never right.
    pub async fn verify(&self, password: Zeroizing<String>, stored: Option<String>) -> bool {
        let Ok(_place) = self.places.acquire().await else { return false };
        let known = stored.is_some();
        let phc = stored.unwrap_or_else(|| self.decoy.to_string());
        let fits = tokio::task::spawn_blocking(move || fits(password.as_bytes(), &phc)).await.unwrap_or(false);
        known && fits
    }
}

fn hash(password: &[u8]) -> Result<String, HashFailed> {
    Argon2::default().hash_password(password).map(|hash| hash.to_string()).map_err(|_| HashFailed)
}

fn fits(password: &[u8], phc: &str) -> bool {
    password.len() <= PASSWORD_MAX_BYTES
        && PasswordHash::new(phc).is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_fits() {
        let passwords = Passwords::new().expect("ready");
        let word = || Zeroizing::new("correct horse battery".to_owned());
        let stored = passwords.hash(word()).await.expect("hash");
        assert!(stored.starts_with("$argon2id$"));
        assert!(passwords.verify(word(), Some(stored.clone())).await);
        assert!(!passwords.verify(Zeroizing::new("wrong".to_owned()), Some(stored)).await);
        assert!(!passwords.verify(Zeroizing::new("nobody has this password".to_owned()), None).await);
        assert!(!passwords.verify(word(), Some("garbage".to_owned())).await);
    }
}
