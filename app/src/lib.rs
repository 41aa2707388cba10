//! The console's pages, the same on the server and in the browser.
//!
//! Architecture invariant: this crate knows neither engine, SSH nor store; with `ssr` it reaches the server through
//! one `Arc<dyn api::Backend>` in context.

// A page is one deep type.
#![recursion_limit = "512"]

/// A text of the locale files in the language of the page now: `said!(i18n, pages.votes, votes = 3)`.
macro_rules! said {
    ($i18n:expr, $($key:tt)*) => {{
        let locale = $i18n.get_locale();
        $crate::i18n::td_string!(locale, $($key)*)
    }};
}

/// A text of the locale files as a part of a page: `word!(i18n, pages.sign_in)`; arguments follow as in `t_string!`.
macro_rules! word {
    ($i18n:expr, $($key:ident).+) => {
        $crate::reactive::word($i18n, |locale| $crate::i18n::td_string!(locale, $($key).+))
    };
    ($i18n:expr, $($key:tt)*) => {
        $crate::reactive::part(move || said!($i18n, $($key)*).to_string())
    };
}

/// A text of the locale files as a signal: `text!(i18n, pages.sign_in)`.
macro_rules! text {
    ($i18n:expr, $($key:ident).+) => {
        $crate::reactive::word_signal($i18n, |locale| $crate::i18n::td_string!(locale, $($key).+))
    };
    ($i18n:expr, $($key:tt)*) => {
        $crate::reactive::derived(move || said!($i18n, $($key)*).to_string())
    };
}

pub mod api;
pub mod components;
mod i18n;
pub mod pages;
mod reactive;
mod rooms;
mod routes;
#[cfg(feature = "ssr")]
mod shell;
pub mod state;
pub mod words;

#[cfg(feature = "ssr")]
pub use pages::audit::of_parts as audit_filter;

/// Checked texts of the pages, made from `locales/LANGUAGE/NAMESPACE.json`.
#[allow(
    unused,
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "generated"
)]
mod texts {
    include!(concat!(env!("OUT_DIR"), "/texts.rs"));
}

pub use routes::App;
#[cfg(feature = "ssr")]
pub use shell::shell;
