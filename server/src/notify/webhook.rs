//! A POST with a signature: who has the secret can tell that a message comes from this console, and when it was sent.
//!
//! The body is JSON: the message's `id`, `subject` and `text` in words, and the fields of `model::notice::Notice`. Headers:
//! [`TIMESTAMP`], [`DELIVERY`], and [`SIGNATURE`] over timestamp and body. An answer of 2xx means that it arrived; nothing else
//! of an answer is read, and no redirection is followed.

use super::{NotifyError, host_and_port, signing_secret, trusted};
use crate::config::{self, Language};
use app::words::notice;
use async_trait::async_trait;
use engine::ports::MessagePlace;
use futures::future::{Either, select};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use model::Timestamp;
use model::notice::{Notice, NoticeCode};
use model::problem::{Problem, ProblemCode};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde::Serialize;
use sha2::Sha256;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Its name in the store.
pub const NAME: &str = "webhook";
/// Seconds since 1970-01-01 UTC at which it was sent.
pub const TIMESTAMP: &str = "x-quorate-timestamp";
/// `v1=` and the HMAC-SHA256 (RFC 2104), in hexadecimal digits, over the timestamp, a dot, and the body.
pub const SIGNATURE: &str = "x-quorate-signature";
/// The same for every try of one message.
pub const DELIVERY: &str = "x-quorate-delivery";
/// The longest head of an answer, in bytes.
const ANSWER_MAX_BYTES: usize = 16 * 1024;

/// The signature of a body.
#[must_use]
pub fn sign(secret: &[u8], timestamp: i64, body: &[u8]) -> String {
    // A key of any length is one (RFC 2104, 2), so this never fails.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    format!("v1={}", hex::encode(mac.finalize().into_bytes()))
}

/// One address that messages are sent to.
pub struct Webhook {
    uri: Uri,
    host: String,
    port: u16,
    /// `None` for http.
    tls: Option<TlsConnector>,
    secret: Zeroizing<String>,
    language: Language,
}

#[derive(Serialize)]
struct Body<'a> {
    id: Uuid,
    subject: String,
    text: String,
    #[serde(flatten)]
    notice: &'a Notice,
}

impl Webhook {
    /// # Errors
    /// An address that leads elsewhere without TLS, a secret or certificates that cannot be used.
    pub fn new(config: &config::Webhook, language: Language) -> Result<Self, NotifyError> {
        let uri: Uri = config.url.parse().map_err(|_| NotifyError::Url)?;
        let (host, port) = host_and_port(&uri).ok_or(NotifyError::Url)?;
        let here = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let (tls, usual) = match uri.scheme_str() {
            Some("https") => (Some(connector(config.trust.as_deref())?), 443),
            Some("http") if here || config.insecure => (None, 80),
            _ => return Err(NotifyError::Url),
        };
        let port = port.unwrap_or(usual);
        Ok(Self { uri, host, port, tls, secret: signing_secret(&config.secret_file)?, language })
    }

    fn request(&self, id: Uuid, notice: &Notice) -> Result<Request<Full<Bytes>>, Problem> {
        let (subject, text) = notice::said(self.language.word(), notice);
        let body = serde_json::to_vec(&Body { id, subject, text, notice }).map_err(internal)?;
        let now = Timestamp::now().as_second();
        let authority = self.uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
        let path = self.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        Request::post(path)
            .header(header::HOST, authority)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("quorate/", env!("CARGO_PKG_VERSION")))
            .header(TIMESTAMP, now.to_string())
            .header(SIGNATURE, sign(self.secret.as_bytes(), now, &body))
            .header(DELIVERY, id.to_string())
            .body(Full::new(Bytes::from(body)))
            .map_err(internal)
    }

    async fn stream(&self) -> Result<TcpStream, Problem> {
        let found = lookup_host((self.host.as_str(), self.port)).await;
        let all: Vec<SocketAddr> = found.map_err(unreachable)?.collect();
        TcpStream::connect(all.as_slice()).await.map_err(unreachable)
    }
}

#[async_trait]
impl MessagePlace for Webhook {
    fn name(&self) -> &'static str {
        NAME
    }

    fn address(&self) -> String {
        let scheme = self.uri.scheme_str().unwrap_or_default();
        format!("{scheme}://{}", self.uri.authority().map(http::uri::Authority::as_str).unwrap_or_default())
    }

    fn takes(&self, _code: NoticeCode) -> bool {
        true
    }

    async fn send(&self, id: Uuid, notice: &Notice) -> Result<(), Problem> {
        let request = self.request(id, notice)?;
        let stream = self.stream().await?;
        let status = match &self.tls {
            Some(tls) => {
                let name = ServerName::try_from(self.host.clone()).map_err(internal)?;
                post(tls.connect(name, stream).await.map_err(untrusted)?, request).await?
            }
            None => post(stream, request).await?,
        };
        if status.is_success() {
            return Ok(());
        }
        // Where a redirection leads is not what the operator trusts: nothing is sent there.
        Err(Problem::new(ProblemCode::PlaceRefused).with("answer", status))
    }
}

/// The status of the answer; its body is not read.
async fn post<S>(stream: S, request: Request<Full<Bytes>>) -> Result<StatusCode, Problem>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(ANSWER_MAX_BYTES);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(unreachable)?;
    // The connection is driven here and goes with this call, whichever way that ends.
    let (answer, connection) = (pin!(sender.send_request(request)), pin!(connection));
    let answer = match select(answer, connection).await {
        Either::Left((answer, _)) => answer,
        // Where the other side hangs up behind its answer, that is there by now; else it never will be.
        Either::Right((_, answer)) => answer.await,
    };
    answer.map(|answer| answer.status()).map_err(unreachable)
}

fn connector(trust: Option<&Path>) -> Result<TlsConnector, NotifyError> {
    let failed = |error: rustls::Error| NotifyError::Trust { text: error.to_string() };
    let mut roots = RootCertStore::empty();
    // Of the system's some may be of a kind that nobody can read; of a file's each counts.
    match trust {
        Some(_) => trusted(trust)?.into_iter().try_for_each(|one| roots.add(one)).map_err(failed)?,
        None => drop(roots.add_parsable_certificates(trusted(None)?)),
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn unreachable(error: impl std::fmt::Display) -> Problem {
    Problem::from(ProblemCode::PlaceUnreachable).quoting(error.to_string())
}

fn untrusted(error: impl std::fmt::Display) -> Problem {
    Problem::from(ProblemCode::PlaceNotTrusted).quoting(error.to_string())
}

fn internal(error: impl std::fmt::Display) -> Problem {
    tracing::error!(notice.error = %error, "a message cannot be written");
    ProblemCode::Internal.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn anybody_with_the_secret_can_check_the_signature() {
        // printf '1800000000.{"code":"checkpoint"}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
        let signature = sign(SECRET.as_bytes(), 1_800_000_000, br#"{"code":"checkpoint"}"#);
        assert_eq!(signature, format!("v1={EXPECTED}"));
        assert_ne!(signature, sign(SECRET.as_bytes(), 1_800_000_001, br#"{"code":"checkpoint"}"#));
    }

    const EXPECTED: &str = "9445e05c7178092ff286d5bc454f8fdf8fc764147c4d18cb7a38aff0508b730c";

    #[test]
    fn only_https_or_this_very_machine() {
        let folder = tempfile::tempdir().expect("folder");
        let secret_file = folder.path().join("secret");
        std::fs::write(&secret_file, SECRET).expect("written");
        std::fs::set_permissions(&secret_file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("chmod");
        let hook = |url: &str, insecure| {
            let config = config::Webhook { url: url.into(), secret_file: secret_file.clone(), trust: None, insecure };
            Webhook::new(&config, Language::En)
        };
        for url in ["http://127.0.0.1:9/hook", "http://[::1]:9/"] {
            assert!(hook(url, false).is_ok(), "{url}");
        }
        for url in ["http://hooks.example/x", "http://localhost.example/", "http://10.0.0.1/"] {
            assert!(matches!(hook(url, false), Err(NotifyError::Url)), "{url}");
            assert!(hook(url, true).is_ok(), "{url}");
        }
        for url in ["ftp://127.0.0.1/", "http://127.0.0.1:x/", "http://anna:x@127.0.0.1/", "no address", "/hook"] {
            assert!(matches!(hook(url, true), Err(NotifyError::Url)), "{url}");
        }
        let shown = hook("http://127.0.0.1:9/canary-path?canary=query", false).expect("a hook").address();
        assert_eq!(shown, "http://127.0.0.1:9");
    }
}
