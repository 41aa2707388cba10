//! The console's pages, the same on the server and in the browser.
//!
//! Architecture invariant: this crate knows neither engine, SSH nor store; with `ssr` it reaches the server through
//! one `Arc<dyn api::Backend>` in context.

// A page is one deep type.
#![recursion_limit = "512"]

/// A text of the locale files as a signal: `text!(i18n, pages.sign_in)`.
macro_rules! text {
    ($i18n:ident, $($key:tt)*) => {
        leptos::prelude::Signal::derive(move || t_string!($i18n, $($key)*).to_string())
    };
}

pub mod api;
pub mod components;
pub mod pages;
mod routes;
#[cfg(feature = "ssr")]
mod shell;
pub mod state;
pub mod words;

/// Checked texts of the pages, made from `locales/LANGUAGE/NAMESPACE.json`.
#[allow(clippy::all, clippy::pedantic, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "generated")]
mod texts {
    include!(concat!(env!("OUT_DIR"), "/texts.rs"));
}

pub use routes::App;
#[cfg(feature = "ssr")]
pub use shell::shell;
pub use texts::i18n;
