//! Key files outside the database: the one that seals secrets, and the console's SSH key sealed with it.
//!
//! A restored backup without `seal.key` can show everything except the secrets.

use crate::private::{credentials, is_credential, open_to_others};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use model::problem::{Problem, ProblemCode};
use rand::RngCore;
use sha2::Sha256;
use ssh::ConsoleKeySource;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use store::SqliteStore;
use zeroize::Zeroizing;

/// Name of the sealing key's file in the data folder, or among systemd's credentials.
pub const SEAL_FILE: &str = "seal.key";
/// The row of the console's own private SSH key.
const CONSOLE_KEY: &str = "console-ssh-key";
const CONSOLE_KEY_PUBLIC: &str = "console-ssh-key.pub";
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the key file {path} cannot be read or made")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the key file {path} may be read by others (mode {mode:o}): chmod 600 it")]
    Open { path: PathBuf, mode: u32 },
    #[error("the key file {path} does not hold 32 bytes")]
    Length { path: PathBuf },
    #[error("the secret does not open with this key: is {SEAL_FILE} the one that belongs to this database?")]
    Sealed,
    #[error("the database failed: {0}")]
    Store(String),
    #[error("the SSH key could not be made: {0}")]
    Make(String),
}

/// Seals and opens secrets with XChaCha20-Poly1305; the secret's name is bound in.
#[derive(Clone)]
pub struct Seal(Zeroizing<[u8; KEY_BYTES]>);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(..)")
    }
}

impl Seal {
    /// Reads the key from systemd's credentials or the data folder; `None` where there is none.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn read(data: &Path) -> Result<Option<Self>, KeyError> {
        Ok(read_key(data, SEAL_FILE)?.map(Self))
    }

    /// Makes the key in the data folder; never in the place of one.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn make(data: &Path) -> Result<Self, KeyError> {
        make_key(data, SEAL_FILE).map(Self)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.0))
    }

    /// # Errors
    /// When the secret is too long for the cipher.
    pub fn seal(&self, name: &str, secret: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut nonce = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload { msg: secret, aad: name.as_bytes() };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| KeyError::Sealed)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// # Errors
    /// `Sealed` where the key, the name or a byte is not the one it was sealed with.
    pub fn unseal(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_BYTES).ok_or(KeyError::Sealed)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| KeyError::Sealed)?;
        let payload = Payload { msg: rest, aad: name.as_bytes() };
        self.cipher().decrypt(&XNonce::from(nonce), payload).map(Zeroizing::new).map_err(|_| KeyError::Sealed)
    }

    /// HMAC-SHA-256 under a key of its own for each `purpose`: for what is compared and never opened again.
    #[must_use]
    pub fn keyed_hash(&self, purpose: &str, secret: &[u8]) -> [u8; KEY_BYTES] {
        let own = mac(self.0.as_ref(), &[b"quorate-keyed-hash/v1\0", purpose.as_bytes()]);
        mac(Zeroizing::new(own).as_ref(), &[secret])
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; KEY_BYTES] {
    // HMAC takes keys of every length (RFC 2104), so this never fails; without a key nothing is equal to anything.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; KEY_BYTES] };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Reads 32 bytes from a file that nobody else may read (see [`crate::private`]), among systemd's credentials or in the data folder.
pub(crate) fn read_key(data: &Path, file: &str) -> Result<Option<Zeroizing<[u8; KEY_BYTES]>>, KeyError> {
    let path = key_path(data, file);
    let file_error = |source| KeyError::File { path: path.clone(), source };
    let mut opened = match fs::File::open(&path) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(file_error(error)),
    };
    let about = opened.metadata().map_err(file_error)?;
    if let Some(mode) = open_to_others(&about, is_credential(&path)) {
        return Err(KeyError::Open { path, mode });
    }
    let mut bytes = Zeroizing::new(Vec::new());
    opened.read_to_end(&mut bytes).map_err(file_error)?;
    let key: [u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| KeyError::Length { path: path.clone() })?;
    Ok(Some(Zeroizing::new(key)))
}

/// Makes such a file; never in the place of one.
pub(crate) fn make_key(data: &Path, file: &str) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyError> {
    let path = key_path(data, file);
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    rand::rng().fill_bytes(key.as_mut());
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(key.as_ref()).and_then(|()| file.sync_all()))
        .map_err(|source| KeyError::File { path, source })?;
    Ok(key)
}

fn key_path(data: &Path, file: &str) -> PathBuf {
    credentials().map(|folder| folder.join(file)).filter(|path| path.exists()).unwrap_or_else(|| data.join(file))
}

/// The console's own SSH key, sealed in memory as it is on disk, opened at use.
pub struct ConsoleKey {
    /// `None` in a restored backup without its key file.
    seal: Option<Seal>,
    sealed: Vec<u8>,
    public: String,
}

impl ConsoleKey {
    /// Loads the key, or makes it the first time.
    ///
    /// A database that holds secrets gets no second sealing key: without the first one it can show everything
    /// except the secrets, and the log says what that means.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub async fn load(store: &SqliteStore, data: &Path) -> Result<Self, KeyError> {
        let seal = Seal::read(data)?;
        let failed = |error: engine::ports::StoreError| KeyError::Store(error.to_string());
        if let (Some(sealed), Some(public)) =
            (store.sealed(CONSOLE_KEY).await.map_err(failed)?, store.sealed(CONSOLE_KEY_PUBLIC).await.map_err(failed)?)
        {
            let public = String::from_utf8(public).map_err(|_| KeyError::Sealed)?;
            let key = Self { seal, sealed, public };
            key.warn_if_sealed_off(&key_path(data, SEAL_FILE));
            return Ok(key);
        }
        let seal = seal.map_or_else(|| Seal::make(data), Ok)?;
        let (private, public) = ssh::generate().map_err(|error| KeyError::Make(error.to_string()))?;
        let sealed = seal.seal(CONSOLE_KEY, private.as_bytes())?;
        store.put_sealed(CONSOLE_KEY, &sealed).await.map_err(failed)?;
        store.put_sealed(CONSOLE_KEY_PUBLIC, public.as_bytes()).await.map_err(failed)?;
        Ok(Self { seal: Some(seal), sealed, public })
    }

    /// What seals other secrets; `None` where it is not the one of this database, so that nothing is sealed for nobody.
    #[must_use]
    pub fn seal(&self) -> Option<Seal> {
        self.open().ok().and_then(|_| self.seal.clone())
    }

    fn warn_if_sealed_off(&self, path: &Path) {
        if self.open().is_err() {
            tracing::warn!(
                key.file = %path.display(),
                "the sealing key is missing or is not the one of this database: the console shows everything, but \
                 cannot log in to any node. Put back the key file that belongs to this database"
            );
        }
    }
}

impl ConsoleKeySource for ConsoleKey {
    fn open(&self) -> Result<Zeroizing<String>, Problem> {
        let missing = || Problem::from(ProblemCode::SealMissing);
        let seal = self.seal.as_ref().ok_or_else(missing)?;
        let bytes = seal.unseal(CONSOLE_KEY, &self.sealed).map_err(|_| missing())?;
        let text = std::str::from_utf8(&bytes).map_err(|_| missing())?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    fn public_line(&self) -> Result<String, Problem> {
        Ok(self.public.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_only_with_its_key_and_its_name() {
        let folder = tempfile::tempdir().expect("folder");
        let seal = Seal::make(folder.path()).expect("made");
        let sealed = seal.seal("a", b"canary").expect("sealed");
        assert!(!sealed.windows(6).any(|window| window == b"canary"));
        assert_eq!(seal.unseal("a", &sealed).expect("opened").as_slice(), b"canary");
        assert!(seal.unseal("b", &sealed).is_err());
        let again = Seal::read(folder.path()).expect("read again").expect("there");
        assert!(again.unseal("a", &sealed).is_ok());
        let other = Seal::make(tempfile::tempdir().expect("folder").path()).expect("other");
        assert!(other.unseal("a", &sealed).is_err());
    }

    #[test]
    fn a_keyed_hash_depends_on_key_purpose_and_secret() {
        let [one, other] = [(); 2].map(|()| Seal::make(tempfile::tempdir().expect("folder").path()).expect("made"));
        let hash = one.keyed_hash("a", b"code");
        assert_eq!(hash, one.keyed_hash("a", b"code"));
        for different in [one.keyed_hash("b", b"code"), one.keyed_hash("a", b"core"), other.keyed_hash("a", b"code")] {
            assert_ne!(hash, different);
        }
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("folder");
        Seal::make(folder.path()).expect("made");
        let path = folder.path().join(SEAL_FILE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("chmod");
        assert!(matches!(Seal::read(folder.path()), Err(KeyError::Open { .. })));
    }

    #[tokio::test]
    async fn a_database_without_its_key_file_shows_the_public_key_and_gets_no_second_one() {
        let folder = tempfile::tempdir().expect("folder");
        let store = SqliteStore::open(&folder.path().join("quorate.db")).await.expect("database");
        let made = ConsoleKey::load(&store, folder.path()).await.expect("made");
        made.open().expect("opens");
        let kept = fs::read(folder.path().join(SEAL_FILE)).expect("the key file");
        fs::remove_file(folder.path().join(SEAL_FILE)).expect("lost");
        let restored = ConsoleKey::load(&store, folder.path()).await.expect("the console still starts");
        assert_eq!(restored.open().expect_err("sealed").code, ProblemCode::SealMissing);
        assert_eq!(restored.public_line(), made.public_line());
        assert!(!folder.path().join(SEAL_FILE).exists(), "a new key was made in silence");

        Seal::make(folder.path()).expect("another one");
        let wrong = ConsoleKey::load(&store, folder.path()).await.expect("the console still starts");
        assert_eq!(wrong.open().expect_err("not its key").code, ProblemCode::SealMissing);
        fs::write(folder.path().join(SEAL_FILE), kept).expect("put back");
        ConsoleKey::load(&store, folder.path()).await.expect("loaded").open().expect("opens again");
    }
}
