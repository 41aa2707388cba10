//! Light or dark: chosen by the person, else by the system.

use leptos::prelude::*;

/// Cookie that keeps the choice; the server reads it, so that the first paint is right.
pub const COOKIE: &str = "quorate_theme";
/// A year, in seconds.
const COOKIE_MAX_AGE_S: u32 = 365 * 24 * 60 * 60;

/// A choice against the system's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    Light,
    Dark,
}

impl Theme {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Light, Self::Dark].into_iter().find(|theme| theme.word() == word)
    }
}

/// The theme in the cookie of the request being answered.
#[cfg(feature = "ssr")]
#[must_use]
pub fn of_request() -> Option<Theme> {
    let parts = use_context::<http::request::Parts>()?;
    let header = parts.headers.get(http::header::COOKIE)?.to_str().ok()?;
    header
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .and_then(|(_, word)| Theme::from_word(word))
}

/// The theme that the document has; `None` follows the system.
#[must_use]
pub fn current() -> Option<Theme> {
    #[cfg(feature = "ssr")]
    return of_request();
    #[cfg(not(feature = "ssr"))]
    document().document_element()?.get_attribute("data-theme").and_then(|word| Theme::from_word(&word))
}

/// Changes the document at once and remembers the choice; `None` follows the system again.
pub fn choose(theme: Option<Theme>) {
    let Some(root) = document().document_element() else { return };
    // An attribute that cannot be set leaves the colours as they are, which harms nobody.
    let _ = match theme {
        Some(theme) => root.set_attribute("data-theme", theme.word()),
        None => root.remove_attribute("data-theme"),
    };
    let cookie = match theme {
        Some(theme) => format!("{COOKIE}={}; Path=/; Max-Age={COOKIE_MAX_AGE_S}; SameSite=Lax", theme.word()),
        None => format!("{COOKIE}=; Path=/; Max-Age=0; SameSite=Lax"),
    };
    let _ = js_sys::Reflect::set(&document(), &"cookie".into(), &cookie.into());
}
