//! Light or dark: chosen by the person, else by the system.

use super::cookie;
use leptos::prelude::*;

/// Cookie that keeps the choice.
const COOKIE: &str = "quorate_theme";
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
    Theme::from_word(&cookie::of_request(COOKIE)?)
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
    cookie::keep(COOKIE, theme.map(Theme::word));
}
