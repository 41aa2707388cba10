//! Where messages go: a signed webhook, and mail.

pub mod mail;
pub mod webhook;

use crate::config::Notify;
use crate::private::{is_credential, open_to_others};
use engine::Engine;
use engine::notify::Notifier;
use engine::ports::MessagePlace;
use http::Uri;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The longest secret in a file, in bytes.
const SECRET_MAX_BYTES: u64 = 4_096;
/// The shortest secret that signs: 128 bits as hexadecimal digits, or a sentence.
const SIGNING_SECRET_MIN_BYTES: usize = 32;

/// What of the configuration cannot be used. No text of it holds an address whose path could be a secret.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    #[error("the file {path} cannot be read")]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the file {path} may be read by others (mode {mode:o}): chmod 600 it")]
    Open { path: PathBuf, mode: u32 },
    #[error("the secret in {path} is empty, is no text, or is longer than {SECRET_MAX_BYTES} bytes")]
    Length { path: PathBuf },
    #[error("the secret in {path} signs messages: it needs at least {SIGNING_SECRET_MIN_BYTES} bytes")]
    Weak { path: PathBuf },
    #[error("the webhook's address is none: https without user and password, or http on a loopback address")]
    Url,
    #[error("{base} is no address of the console: http(s)://HOST")]
    Base { base: String },
    #[error("the mail server is none: smtps://HOST, smtp+starttls://HOST, or smtp://ADDRESS with a loopback address")]
    MailServer,
    #[error("{address} is no mail address")]
    Address { address: String },
    #[error("certificates that are to be trusted cannot be used: {text}")]
    Trust { text: String },
    #[error("{text}")]
    Incomplete { text: &'static str },
}

/// Who tells the outside, with the places of the configuration.
///
/// # Errors
/// What of it cannot be used, and why.
pub fn notifier(config: &Notify, engine: &Engine) -> Result<Notifier, NotifyError> {
    if let Some(base) = &config.base {
        let uri: Option<Uri> = base.parse().ok().filter(|uri| host_and_port(uri).is_some());
        let fits = uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none());
        if !fits {
            return Err(NotifyError::Base { base: base.clone() });
        }
    }
    let mut places: Vec<Arc<dyn MessagePlace>> = Vec::new();
    if let Some(hook) = &config.webhook {
        places.push(Arc::new(webhook::Webhook::new(hook, config.language)?));
    }
    if let Some(mail) = &config.mail {
        places.push(Arc::new(mail::Mail::new(mail, config.language)?));
    }
    Ok(Notifier::new(engine, places, config.base.clone()))
}

/// Host and port of an address that names nobody before its host; `None` where it is none.
fn host_and_port(uri: &Uri) -> Option<(String, Option<u16>)> {
    let authority = uri.authority()?;
    let rest = authority.as_str().strip_prefix(authority.host())?;
    let port = match rest.strip_prefix(':') {
        Some(port) => Some(port.parse().ok()?),
        None if rest.is_empty() => None,
        None => return None,
    };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

/// A secret from a file that nobody else may read; the last line break is not part of it.
fn secret(path: &Path) -> Result<Zeroizing<String>, NotifyError> {
    let failed = |source| NotifyError::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if let Some(mode) = open_to_others(&about, is_credential(path)) {
        return Err(NotifyError::Open { path: path.to_owned(), mode });
    }
    let length = || NotifyError::Length { path: path.to_owned() };
    let mut text = Zeroizing::new(String::new());
    if about.len() > SECRET_MAX_BYTES {
        return Err(length());
    }
    file.take(SECRET_MAX_BYTES).read_to_string(&mut text).map_err(|_| length())?;
    while text.ends_with(['\n', '\r']) {
        text.pop();
    }
    if text.is_empty() { Err(length()) } else { Ok(text) }
}

/// One that signs: what can be guessed signs for anybody.
fn signing_secret(path: &Path) -> Result<Zeroizing<String>, NotifyError> {
    let text = secret(path)?;
    if text.len() < SIGNING_SECRET_MIN_BYTES {
        return Err(NotifyError::Weak { path: path.to_owned() });
    }
    Ok(text)
}

/// Certificates that are trusted: only those of a file, or the system's.
fn trusted(file: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, NotifyError> {
    let text = |error: &dyn std::fmt::Display| NotifyError::Trust { text: error.to_string() };
    let all = match file {
        Some(path) => CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| text(&format!("{}: {error}", path.display())))?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    if all.is_empty() { Err(text(&"there are none")) } else { Ok(all) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn file(text: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("secret");
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("chmod");
        (folder, path)
    }

    #[test]
    fn secrets_come_from_files_that_nobody_else_may_read() {
        let (_folder, path) = file(b"0123456789abcdef0123456789abcdef\n", 0o600);
        assert_eq!(signing_secret(&path).expect("read").as_str(), "0123456789abcdef0123456789abcdef");
        let (_folder, path) = file(b"0123456789abcdef0123456789abcdef", 0o640);
        assert!(matches!(secret(&path), Err(NotifyError::Open { mode: 0o640, .. })));
        let (_folder, path) = file(b"short\n", 0o600);
        assert!(secret(&path).is_ok() && matches!(signing_secret(&path), Err(NotifyError::Weak { .. })));
        for text in [&b"\n"[..], b"\xff\xfe", &[b'x'; 5_000]] {
            let (_folder, path) = file(text, 0o600);
            assert!(matches!(secret(&path), Err(NotifyError::Length { .. })));
        }
        assert!(matches!(secret(Path::new("/no/such/file")), Err(NotifyError::File { .. })));
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let (_folder, path) = file(b"nothing\n", 0o600);
        assert!(matches!(trusted(Some(&path)), Err(NotifyError::Trust { .. })));
        assert!(matches!(trusted(Some(Path::new("/no/such/file"))), Err(NotifyError::Trust { .. })));
    }
}
