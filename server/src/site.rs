//! The browser's part, inside the binary.

use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, Response, StatusCode};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "$QUORATE_SITE_DIR"]
struct Site;

/// `GET /pkg/{*file}`
pub async fn package(Path(file): Path<String>, headers: HeaderMap) -> Response<Body> {
    serve(&format!("pkg/{file}"), &headers)
}

/// `GET /favicon.svg`
pub async fn favicon(headers: HeaderMap) -> Response<Body> {
    serve("favicon.svg", &headers)
}

/// True when the binary was built together with the site.
#[must_use]
pub fn is_there() -> bool {
    Site::get("pkg/quorate.js").is_some()
}

fn serve(name: &str, headers: &HeaderMap) -> Response<Body> {
    let brotli =
        headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("br"));
    let packed = brotli.then(|| Site::get(&format!("{name}.br"))).flatten();
    let encoded = packed.is_some();
    let Some(file) = packed.or_else(|| Site::get(name)) else { return status(StatusCode::NOT_FOUND) };
    let tag = format!("\"{}\"", hex::encode(file.metadata.sha256_hash().get(..16).unwrap_or_default()));
    if headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()) == Some(tag.as_str()) {
        return status(StatusCode::NOT_MODIFIED);
    }
    // Names do not change with the content, so a browser asks whether its copy is still good.
    let mut response = Response::builder()
        .header(CONTENT_TYPE, kind(name))
        .header(CACHE_CONTROL, "no-cache")
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
