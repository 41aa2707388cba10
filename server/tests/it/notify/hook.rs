//! An HTTP server that takes messages, and says what the test wants it to say.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::ports::MessagePlace;
use server::config::{self, Language};
use server::notify::webhook::{DELIVERY, Webhook};
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub const SECRET: &str = "canary-that-signs-4b1d9e02c7-and-is-long";
/// Of the address; like those of chat services it opens a door.
pub const PATH: &str = "canary-path-77e1";

/// What was sent to the hook, and what it says next.
#[derive(Clone)]
pub struct Hook {
    got: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    count: watch::Sender<usize>,
    /// Answers, the last one again and again; a text is where it points to. The code 0 is no answer at all.
    says: Arc<Mutex<Vec<(u16, String)>>>,
    pub address: SocketAddr,
    folder: Arc<TempDir>,
}

impl Hook {
    pub async fn listen(says: &[(u16, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let hook = Self {
            got: Arc::default(),
            count: watch::Sender::new(0),
            says: Arc::new(Mutex::new(says.iter().map(|(code, to)| (*code, (*to).to_owned())).collect())),
            address: listener.local_addr().expect("an address"),
            folder: Arc::new(tempfile::tempdir().expect("folder")),
        };
        write_secret(&hook.secret_file());
        let router = Router::new().fallback(take).with_state(hook.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        hook
    }

    pub fn got(&self) -> Vec<(HeaderMap, String)> {
        self.got.lock().expect("no panic").clone()
    }

    /// Returns once so many have come.
    pub async fn wait_for(&self, count: usize) {
        let mut seen = self.count.subscribe();
        tokio::time::timeout(super::PATIENCE, seen.wait_for(|seen| *seen >= count))
            .await
            .expect("in time")
            .expect("open");
    }

    /// Of each that came.
    pub fn ids(&self) -> Vec<String> {
        self.got().iter().map(|(headers, _)| headers[DELIVERY].to_str().expect("text").to_owned()).collect()
    }

    pub fn url(&self) -> String {
        format!("http://{}/{PATH}?team=1", self.address)
    }

    pub fn secret_file(&self) -> PathBuf {
        self.folder.path().join("hook.secret")
    }

    pub fn place(&self) -> Arc<dyn MessagePlace> {
        place(&self.url(), &self.secret_file(), None)
    }
}

pub fn place(url: &str, secret_file: &Path, trust: Option<&Path>) -> Arc<dyn MessagePlace> {
    let (secret_file, trust) = (secret_file.to_owned(), trust.map(Path::to_owned));
    let config = config::Webhook { url: url.to_owned(), secret_file, trust, insecure: false };
    Arc::new(Webhook::new(&config, Language::En).expect("a hook"))
}

pub fn write_secret(path: &Path) {
    std::fs::write(path, format!("{SECRET}\n")).expect("written");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("chmod");
}

async fn take(State(hook): State<Hook>, headers: HeaderMap, body: Bytes) -> Response {
    hook.got.lock().expect("no panic").push((headers, String::from_utf8_lossy(&body).into_owned()));
    let (code, to) = {
        let mut says = hook.says.lock().expect("no panic");
        if says.len() > 1 { says.remove(0) } else { says.first().cloned().expect("an answer") }
    };
    hook.count.send_modify(|count| *count += 1);
    if code == 0 {
        std::future::pending::<()>().await;
    }
    let status = StatusCode::from_u16(code).expect("a status");
    if to.is_empty() { status.into_response() } else { (status, [(header::LOCATION, to)]).into_response() }
}

/// HMAC-SHA256 as RFC 2104 writes it, made here once more: block size 64 bytes, ipad 0x36, opad 0x5c.
pub fn signature(secret: &str, message: &str) -> String {
    let mut key = [0_u8; 64];
    let bytes = secret.as_bytes();
    assert!(bytes.len() <= 64, "a longer key would have to be hashed first");
    key[..bytes.len()].copy_from_slice(bytes);
    let padded = |pad: u8| key.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    hex::encode(Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize())
}
