//! TLS by the console itself, with a certificate that openssl made.

use crate::process::Console;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

const REQUEST: &str = "[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = console.test
[extensions]
subjectAltName = IP:127.0.0.1
basicConstraints = critical,CA:FALSE
";

pub fn certificate(folder: &Path) {
    std::fs::write(folder.join("request"), REQUEST).expect("request");
    let output = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-config", "request", "-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(folder)
        .output()
        .expect("openssl is part of the test's set-up");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A request over TLS by a client that trusts this certificate only.
fn https(address: SocketAddr, certificate: &Path, request: &str) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).expect("certificate")).expect("trusted");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").expect("name");
    let client = ClientConnection::new(Arc::new(config), name).expect("client");
    let stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("limit");
    let mut stream = StreamOwned::new(client, stream);
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("answered");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_speaks_tls_and_nothing_else_on_its_port() {
    let folder = tempfile::tempdir().expect("folder");
    certificate(folder.path());
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let args = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--tls-cert",
        cert.to_str().expect("path"),
        "--tls-key",
        key.to_str().expect("path"),
    ];
    let console = Console::start(&args, &folder.path().join("data"));
    let address = console.address().await;
    let token = console.stdout.after(&format!("https://{address}/invite/")).await;

    let health = format!("GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let trusted = cert.clone();
    let answer = tokio::task::spawn_blocking(move || https(address, &trusted, &health)).await.expect("asked");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let body = serde_json::json!({ "token": token, "name": "first", "password": "a long enough password" }).to_string();
    let accept = format!(
        "POST /api/accept_invite HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Accept: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = tokio::task::spawn_blocking(move || https(address, &cert, &accept)).await.expect("asked");
    assert!(answer.contains("set-cookie: quorate_session=") && answer.contains("Secure"), "{answer}");

    let plain = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("limit");
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("sent");
        let mut answer = Vec::new();
        // The server may also just hang up.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    });
    assert!(!plain.await.expect("asked").contains("HTTP/1.1 200"), "passwords could travel unprotected");
    assert!(console.stop().await.success());
}
