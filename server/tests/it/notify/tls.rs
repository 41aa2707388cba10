//! Over TLS a message goes to whoever has a certificate that is trusted, and to nobody else.

use super::PATIENCE;
use super::hook::{place, write_secret};
use model::notice::Notice;
use model::problem::{Problem, ProblemCode};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

/// Serves with the certificate of a folder; see `crate::tls::certificate`.
pub fn acceptor(folder: &Path) -> TlsAcceptor {
    let chain = vec![CertificateDer::from_pem_file(folder.join("cert.pem")).expect("certificate")];
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).expect("key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    TlsAcceptor::from(Arc::new(config.with_no_client_auth().with_single_cert(chain, key).expect("usable")))
}

/// Sends to a server of a folder's certificate; what it got, where TLS came about, and what the sender says.
async fn send(folder: &Path, trust: Option<&Path>) -> (Option<String>, Result<(), Problem>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let acceptor = acceptor(folder);
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("somebody calls");
        let mut stream = acceptor.accept(stream).await.ok()?;
        let mut got = vec![0; 16 * 1024];
        let length = stream.read(&mut got).await.ok()?;
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.ok()?;
        got.truncate(length);
        Some(String::from_utf8_lossy(&got).into_owned())
    });
    let secret = folder.join("secret");
    write_secret(&secret);
    let notice = Notice::test("anna", model::Timestamp::UNIX_EPOCH);
    let sent = place(&format!("https://{address}/x"), &secret, trust).send(Uuid::nil(), &notice).await;
    (timeout(PATIENCE, server).await.expect("in time").expect("no panic"), sent)
}

#[tokio::test]
async fn only_a_certificate_that_is_trusted_gets_the_message() {
    let [one, other] = [(); 2].map(|()| {
        let folder = tempfile::tempdir().expect("folder");
        crate::tls::certificate(folder.path());
        folder
    });
    let (got, sent) = send(one.path(), Some(&one.path().join("cert.pem"))).await;
    assert_eq!(sent, Ok(()));
    assert!(got.is_some_and(|got| got.starts_with("POST /x HTTP/1.1\r\n")));
    let (got, sent) = send(one.path(), Some(&other.path().join("cert.pem"))).await;
    assert_eq!((got, sent.map_err(|problem| problem.code)), (None, Err(ProblemCode::PlaceNotTrusted)));
}
