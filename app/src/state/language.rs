//! The language of the page: chosen by the person, else by the browser.

use super::cookie;
use crate::texts::i18n::Locale;
use leptos::prelude::*;
use leptos_i18n::Locale as _;
use leptos_meta::Html;

/// Cookie that keeps the choice.
const COOKIE: &str = "quorate_language";

/// The language of the page as pages see it; reading it follows a change.
#[derive(Debug, Clone, Copy)]
pub struct I18n(RwSignal<Locale>);

impl I18n {
    #[must_use]
    pub fn get_locale(self) -> Locale {
        self.0.get()
    }

    /// Changes every text at once and remembers the choice.
    pub fn choose(self, locale: Locale) {
        cookie::keep(COOKIE, Some(locale.as_str()));
        self.0.set(locale);
    }
}

/// The language of the page.
#[must_use]
pub fn use_i18n() -> I18n {
    use_context().unwrap_or_else(|| I18n(RwSignal::new(current())))
}

/// Gives the pages inside their language, and the document its `lang`.
#[component]
pub fn Languages(children: Children) -> impl IntoView {
    let i18n = I18n(RwSignal::new(current()));
    provide_context(i18n);
    view! {
        {children()}
        <Html attr:lang=move || i18n.get_locale().as_str()/>
    }
}

/// What the document was written in.
#[cfg(not(feature = "ssr"))]
fn current() -> Locale {
    let written = document().document_element().and_then(|root| root.get_attribute("lang"));
    written.and_then(|lang| lang.parse().ok()).unwrap_or_default()
}

/// What the request asks for: the person's choice, else what the browser prefers.
#[cfg(feature = "ssr")]
fn current() -> Locale {
    let chosen = cookie::of_request(COOKIE).and_then(|word| word.parse().ok());
    let preferred = || {
        let parts = use_context::<http::request::Parts>()?;
        preferred(parts.headers.get(http::header::ACCEPT_LANGUAGE)?.to_str().ok()?)
    };
    chosen.or_else(preferred).unwrap_or_default()
}

/// The language that `Accept-Language` prefers among ours (RFC 9110, 12.5.4): the greatest weight, then the first.
#[cfg(feature = "ssr")]
fn preferred(header: &str) -> Option<Locale> {
    let mut best: Option<(f32, Locale)> = None;
    for range in header.split(',') {
        let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
        let weight =
            parameters.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.parse().ok()).unwrap_or(0.0);
        let language = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
        let Ok(locale) = language.parse::<Locale>() else { continue };
        if weight > best.map_or(0.0, |(known, _)| known) {
            best = Some((weight, locale));
        }
    }
    best.map(|(_, locale)| locale)
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_weight_wins_then_the_first() {
        for (header, expected) in [
            ("fr", Some(Locale::fr)),
            ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", Some(Locale::fr)),
            ("de, en-GB;q=0.4, fr;q=0.6", Some(Locale::fr)),
            ("EN-us,fr", Some(Locale::en)),
            ("fr;q=0, en;q=0.1", Some(Locale::en)),
            ("fr;q=nonsense", None),
            ("de, *", None),
            ("", None),
        ] {
            assert_eq!(preferred(header), expected, "{header}");
        }
    }
}
