//! The parts of a page that change, each of one type.
//!
//! Leptos makes its whole machinery once more for every closure that it is given. Behind a box it makes it once, and the
//! browser's module stays small: this is why pages say `part(move || …)` where a plain closure would do.

use crate::i18n::{I18n, Locale};
use leptos::prelude::*;

/// Something on a page that is made anew when what it reads changes.
pub type Part = Box<dyn FnMut() -> AnyView + Send>;

/// What stands on a page and follows what `made` reads.
pub fn part<V: IntoAny + 'static>(mut made: impl FnMut() -> V + Send + 'static) -> Part {
    Box::new(move || made().into_any())
}

/// A signal that follows what `made` reads.
pub fn derived<T: Send + Sync + 'static>(made: impl Fn() -> T + Send + Sync + 'static) -> Signal<T> {
    let made: Box<dyn Fn() -> T + Send + Sync> = Box::new(made);
    Signal::derive(made)
}

type Made<T> = Box<dyn Fn(Option<&T>) -> T + Send + Sync>;

/// A signal that follows what `made` reads, and tells only of values that differ.
pub fn memo<T: PartialEq + Send + Sync + 'static>(made: impl Fn(Option<&T>) -> T + Send + Sync + 'static) -> Memo<T> {
    let made: Made<T> = Box::new(made);
    Memo::new(made)
}

/// A text of the locale files as a part of a page; see the macro `word!`.
pub fn word(i18n: I18n, of: fn(Locale) -> &'static str) -> Part {
    part(move || of(i18n.get_locale()))
}

/// A text of the locale files as a signal; see the macro `text!`.
#[must_use]
pub fn word_signal(i18n: I18n, of: fn(Locale) -> &'static str) -> Signal<String> {
    derived(move || of(i18n.get_locale()).to_owned())
}
