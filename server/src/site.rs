//! The browser's part, inside the binary.

use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, Response, StatusCode};
use leptos::WasmSplitManifest;
use leptos::prelude::{ArcStoredValue, LeptosOptions};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "$QUORATE_SITE_DIR"]
struct Site;

/// Bytes of the digest that make the version in the address.
const VERSION_BYTES: usize = 8;

/// The script that loads the rooms of the console.
const LOADER: &str = "__wasm_split.js";

/// Every file's digest, and so another one for every build.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut names: Vec<_> = Site::iter().collect();
    names.sort();
    let digest =
        names.iter().filter_map(|name| Some((name, Site::get(name)?))).fold(Sha256::new(), |digest, (name, file)| {
            digest.chain_update(name.as_bytes()).chain_update(file.metadata.sha256_hash())
        });
    hex::encode(digest.finalize().get(..VERSION_BYTES).unwrap_or_default())
});

/// The folder of the browser's part in addresses. It has the version in it: a page that was opened before the console was
/// replaced never gets a module that does not fit its own, and a browser never asks twice for a file.
#[must_use]
pub fn folder() -> String {
    format!("pkg/{}", *VERSION)
}

/// What Leptos must know to name the files.
#[must_use]
pub fn options() -> LeptosOptions {
    LeptosOptions::builder().output_name("quorate").site_pkg_dir(folder()).build()
}

/// Which modules each room needs, so that a page can ask for them before its first module runs.
#[must_use]
pub fn rooms() -> WasmSplitManifest {
    let rooms: HashMap<String, Vec<String>> =
        Site::get("pkg/rooms.json").and_then(|file| serde_json::from_slice(&file.data).ok()).unwrap_or_default();
    WasmSplitManifest(ArcStoredValue::new((format!("/{}", folder()), rooms, LOADER.to_owned())))
}

/// `GET /pkg/{version}/{*file}`
pub async fn package(Path((version, file)): Path<(String, String)>, headers: HeaderMap) -> Response<Body> {
    if version != *VERSION {
        return status(StatusCode::NOT_FOUND);
    }
    // The address changes with the content.
    serve(&format!("pkg/{file}"), &headers, "public, max-age=31536000, immutable")
}

/// `GET /favicon.svg`
pub async fn favicon(headers: HeaderMap) -> Response<Body> {
    // Its name does not change with the content, so a browser asks whether its copy is still good.
    serve("favicon.svg", &headers, "no-cache")
}

/// True when the binary was built together with the site.
#[must_use]
pub fn is_there() -> bool {
    Site::get("pkg/quorate.js").is_some()
}

fn serve(name: &str, headers: &HeaderMap, keep: &'static str) -> Response<Body> {
    let brotli =
        headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("br"));
    let packed = brotli.then(|| Site::get(&format!("{name}.br"))).flatten();
    let encoded = packed.is_some();
    let Some(file) = packed.or_else(|| Site::get(name)) else { return status(StatusCode::NOT_FOUND) };
    let tag = format!("\"{}\"", hex::encode(file.metadata.sha256_hash().get(..16).unwrap_or_default()));
    if headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()) == Some(tag.as_str()) {
        return status(StatusCode::NOT_MODIFIED);
    }
    let mut response = Response::builder()
        .header(CONTENT_TYPE, kind(name))
        .header(CACHE_CONTROL, keep)
        .header(VARY, "accept-encoding")
        .header(ETAG, tag);
    if encoded {
        response = response.header(CONTENT_ENCODING, "br");
    }
    response.body(Body::from(file.data.into_owned())).unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR))
}

fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}
