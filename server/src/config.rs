//! Where the console listens and keeps its data, and which of those places are safe.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// TLS files in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Everything that `serve` needs.
#[derive(Debug, Clone)]
pub struct Config {
    pub listen: SocketAddr,
    pub data: PathBuf,
    pub tls: Option<Tls>,
    /// A proxy in front of us that does TLS, by name or address; said by the operator, shown in the log. Where browsers come
    /// from is believed from its address, or from loopback addresses where it is a name: see `proxy`.
    pub proxy: Option<String>,
    pub demo: bool,
    pub checkpoints: Checkpoints,
    pub notify: Notify,
}

/// Where signed checkpoints of the audit go, besides the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoints {
    /// A file; in the data folder where none is given.
    pub file: Option<PathBuf>,
    /// The system's log too.
    pub syslog: bool,
}

/// Who is told outside of the pages: of requests, countdowns, operations that wait, keys that changed, and alarms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notify {
    /// How browsers call the console, `https://quorate.example`: links in messages begin with it, and without it there are none.
    pub base: Option<String>,
    /// Of the words in messages.
    pub language: Language,
    pub webhook: Option<Webhook>,
    pub mail: Option<Mail>,
}

/// A language of the locale files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    #[default]
    En,
    Fr,
}

impl Language {
    /// Its name in the locale files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
        }
    }
}

/// An address that gets every message, and every checkpoint of the audit, as a signed POST.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// `https://…`; http only on a loopback address. Its path and query may be a secret, and are shown nowhere.
    pub url: String,
    /// The secret that signs, in a file that nobody else may read.
    pub secret_file: PathBuf,
    /// PEM file of the only certificates that are trusted; those of the system without it.
    pub trust: Option<PathBuf>,
    /// http to other machines too: the operator says that the network in between is safe. Messages are signed, not encrypted.
    pub insecure: bool,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook")
            .field("secret_file", &self.secret_file)
            .field("trust", &self.trust)
            .finish_non_exhaustive()
    }
}

/// A mail server, and who gets what it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// `smtps://HOST[:PORT]` (465), `smtp+starttls://HOST[:PORT]` (587), or, on a loopback address, `smtp://ADDRESS[:PORT]` (25).
    pub server: String,
    pub user: Option<String>,
    /// The user's password, in a file that nobody else may read.
    pub password_file: Option<PathBuf>,
    /// PEM file of the only certificates that are trusted; those of the system without it.
    pub trust: Option<PathBuf>,
    pub from: String,
    pub to: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "{listen} can be reached from outside: passwords and approvals would travel unprotected.\n\
         Give --tls-cert and --tls-key, or name the proxy that does TLS with --behind-proxy NAME, or listen on 127.0.0.1."
    )]
    Unprotected { listen: SocketAddr },
    #[error("the demo listens on loopback addresses only, not on {listen}")]
    DemoOutside { listen: SocketAddr },
    #[error("--tls-cert and --tls-key belong together")]
    HalfTls,
    #[error("the data folder {path} cannot be used")]
    Data {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

impl Config {
    /// # Errors
    /// When the address would expose passwords.
    pub fn check(self) -> Result<Self, ConfigError> {
        let outside = !self.listen.ip().is_loopback();
        if outside && self.demo {
            return Err(ConfigError::DemoOutside { listen: self.listen });
        }
        if outside && self.tls.is_none() && self.proxy.is_none() {
            return Err(ConfigError::Unprotected { listen: self.listen });
        }
        Ok(self)
    }

    /// Browsers reach us over TLS: cookies may say so.
    #[must_use]
    pub const fn secure(&self) -> bool {
        self.tls.is_some() || self.proxy.is_some()
    }
}

/// Makes the data folder for this user alone.
///
/// # Errors
/// When it cannot be made.
pub fn prepare_data(path: &Path) -> Result<(), ConfigError> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| ConfigError::Data { path: path.to_owned(), source })
}

/// # Errors
/// When only one of the two files is given.
pub fn tls(certificate: Option<PathBuf>, key: Option<PathBuf>) -> Result<Option<Tls>, ConfigError> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some(Tls { certificate, key })),
        (None, None) => Ok(None),
        _ => Err(ConfigError::HalfTls),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(listen: &str) -> Config {
        Config {
            listen: listen.parse().expect("address"),
            data: PathBuf::new(),
            tls: None,
            proxy: None,
            demo: false,
            checkpoints: Checkpoints::default(),
            notify: Notify::default(),
        }
    }

    #[test]
    fn an_address_outside_needs_protection() {
        assert!(config("127.0.0.1:8080").check().is_ok());
        assert!(config("[::1]:8080").check().is_ok());
        assert!(matches!(config("0.0.0.0:8080").check(), Err(ConfigError::Unprotected { .. })));
        let proxied = Config { proxy: Some("nginx".into()), ..config("10.0.0.5:8080") };
        assert!(proxied.check().is_ok());
        let demo = Config { demo: true, proxy: Some("nginx".into()), ..config("10.0.0.5:8080") };
        assert!(matches!(demo.check(), Err(ConfigError::DemoOutside { .. })));
        assert!(matches!(tls(Some(PathBuf::from("a")), None), Err(ConfigError::HalfTls)));
    }
}
