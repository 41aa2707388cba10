//! Host keys and root's key of a node.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{Algorithm, HashAlg, PrivateKey, PublicKey};

use crate::error::LabError;

/// Bytes of a 4096 bit modulus, with the leading zero of a positive mpint.
const RSA_MODULUS_BYTES: usize = 513;

/// The private half's file; this host only needs it to be there.
pub(crate) const HOST_RSA_KEY: &str = "/etc/ssh/ssh_host_rsa_key";

/// What a node shows when one connects to it.
#[derive(Clone)]
pub(crate) struct HostKeys {
    /// The key that the SSH server really signs with.
    pub(crate) ed25519: PrivateKey,
    /// `ssh-rsa BASE64 COMMENT`: only its public half exists, as no part of the lab signs with RSA.
    pub(crate) rsa_public: String,
}

impl HostKeys {
    /// Makes the keys of host `name`; the same seed makes the same Ed25519 and RSA keys.
    pub(crate) fn generate(name: &str, rng: &mut StdRng) -> Result<Self, LabError> {
        let mut seed = [0_u8; 32];
        rng.fill_bytes(&mut seed);
        let mut ed25519 = PrivateKey::from(Ed25519Keypair::from_seed(&seed));
        ed25519.set_comment(format!("root@{name}"));
        Ok(Self { ed25519, rsa_public: rsa_public(&format!("root@{name}"), rng) })
    }

    /// SHA-256 fingerprint as `ssh-keygen -l` prints it: `SHA256:...`.
    pub(crate) fn fingerprint(&self) -> String {
        self.ed25519.public_key().fingerprint(HashAlg::Sha256).to_string()
    }

    /// Lines of the `/etc/ssh/ssh_host_*_key.pub` files: (algorithm in the file's name, content).
    pub(crate) fn public_lines(&self) -> Vec<(&'static str, String)> {
        vec![("ed25519", openssh(self.ed25519.public_key())), ("rsa", self.rsa_public.clone())]
    }

    /// Keys for the SSH server.
    pub(crate) fn private(&self) -> Vec<PrivateKey> {
        vec![self.ed25519.clone()]
    }
}

/// A generator for one purpose, independent of how often others were asked.
pub(crate) fn rng_for(seed: u64, purpose: &str) -> StdRng {
    let mut mixed = seed ^ 0x9e37_79b9_7f4a_7c15;
    for byte in purpose.bytes() {
        mixed = (mixed ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    StdRng::seed_from_u64(mixed)
}

/// A public key line of an RSA key of 4096 bits.
pub(crate) fn rsa_public(comment: &str, rng: &mut StdRng) -> String {
    let mut modulus = vec![0_u8; RSA_MODULUS_BYTES];
    rng.fill_bytes(&mut modulus);
    // A positive number with its highest bit set, and odd, as every RSA modulus is.
    if let Some(first) = modulus.first_mut() {
        *first = 0;
    }
    if let Some(second) = modulus.get_mut(1) {
        *second |= 0x80;
    }
    if let Some(last) = modulus.last_mut() {
        *last |= 1;
    }
    let mut blob = Vec::new();
    for part in [b"ssh-rsa".as_slice(), &[1, 0, 1], &modulus] {
        blob.extend_from_slice(&u32::try_from(part.len()).unwrap_or(0).to_be_bytes());
        blob.extend_from_slice(part);
    }
    format!("ssh-rsa {} {comment}", STANDARD.encode(blob))
}

/// Fingerprint and random art of a public key line, as `ssh-keygen` prints them when it makes the key.
pub(crate) fn fingerprint_and_art(line: &str) -> Option<(String, String)> {
    let key = PublicKey::from_openssh(line).ok()?;
    let print = key.fingerprint(HashAlg::Sha256);
    let header = match key.algorithm() {
        Algorithm::Rsa { .. } => "[RSA 4096]",
        _ => "[ED25519 256]",
    };
    Some((print.to_string(), print.to_randomart(header)))
}

/// `TYPE BASE64` of a key line, without options and comment; `None` for anything else.
pub(crate) fn type_and_blob(line: &str) -> Option<(String, String)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|word| word.starts_with("ssh-") || word.starts_with("ecdsa-"))?;
    let blob = words.get(at + 1)?;
    Some(((*words.get(at)?).to_owned(), (*blob).to_owned()))
}

/// `TYPE BASE64 COMMENT`.
pub(crate) fn openssh(key: &PublicKey) -> String {
    key.to_openssh().unwrap_or_default()
}
