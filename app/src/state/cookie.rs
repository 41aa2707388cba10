//! Choices that a browser keeps: the server reads them, so that the first paint is right.

/// A year, in seconds.
#[cfg(not(feature = "ssr"))]
const MAX_AGE_S: u32 = 365 * 24 * 60 * 60;

/// The value in the request being answered.
#[cfg(feature = "ssr")]
#[must_use]
pub fn of_request(name: &str) -> Option<String> {
    let parts = leptos::prelude::use_context::<http::request::Parts>()?;
    let header = parts.headers.get(http::header::COOKIE)?.to_str().ok()?;
    let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(own, _)| *own == name).map(|(_, value)| value.to_owned()).next()
}

/// Keeps a word of our own, or forgets it.
#[cfg(not(feature = "ssr"))]
pub fn keep(name: &str, word: Option<&str>) {
    let (word, age) = word.map_or(("", 0), |word| (word, MAX_AGE_S));
    let cookie = format!("{name}={word}; Path=/; Max-Age={age}; SameSite=Lax");
    // A browser that keeps no cookies asks again the next time, which harms nobody.
    let _ = js_sys::Reflect::set(&leptos::prelude::document(), &"cookie".into(), &cookie.into());
}

/// There is nobody to keep anything on the server.
#[cfg(feature = "ssr")]
pub const fn keep(_name: &str, _word: Option<&str>) {}
