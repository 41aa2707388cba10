//! Sentences for codes: the tables of `locales/LANGUAGE/codes.json`, and of `room_codes.json` for what only the pages of
//! `rooms` say: a browser loads those with the first room that it opens.
//!
//! Codes come from the server at run time, so they cannot be keys that the compiler checks; a test compares the tables
//! with the lists of the model instead.
//!
//! A sentence may hold `{param}`, `{family:param}` (the parameter is a code itself and gets its own words), and
//! `[a part {param}]` which is left out where a parameter is missing.

#[cfg(feature = "ssr")]
pub mod notice;
pub mod plan;
#[cfg(feature = "ssr")]
pub mod report;
#[cfg(test)]
mod tests;

use crate::i18n::{I18n, Locale, use_i18n};
use model::problem::Problem;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Parameter name -> value.
pub type Params = BTreeMap<String, String>;
type Table = BTreeMap<String, String>;

const EN: &str = include_str!("../locales/en/codes.json");
const FR: &str = include_str!("../locales/fr/codes.json");

static FIRST: OnceLock<Tables> = OnceLock::new();
static ROOMS: OnceLock<Tables> = OnceLock::new();

/// One table of each language.
struct Tables {
    en: Table,
    fr: Table,
}

impl Tables {
    fn read(en: &str, fr: &str) -> Self {
        Self { en: read(en), fr: read(fr) }
    }

    const fn of(&self, locale: Locale) -> &Table {
        match locale {
            Locale::en => &self.en,
            Locale::fr => &self.fr,
        }
    }
}

/// Adds the words that the pages of the rooms need; only rooms call it, so that the texts are in their modules.
pub fn open_rooms() {
    ROOMS.get_or_init(|| {
        Tables::read(include_str!("../locales/en/room_codes.json"), include_str!("../locales/fr/room_codes.json"))
    });
}

/// The words that are known in one language.
#[derive(Clone, Copy)]
struct Known<'a> {
    first: &'a Table,
    rooms: Option<&'a Table>,
}

impl Known<'static> {
    fn of(locale: Locale) -> Self {
        // Nothing is split off where the pages are written, and a word may be wanted before its room is.
        #[cfg(not(target_arch = "wasm32"))]
        open_rooms();
        let first = FIRST.get_or_init(|| Tables::read(EN, FR)).of(locale);
        Self { first, rooms: ROOMS.get().map(|tables| tables.of(locale)) }
    }
}

impl<'a> Known<'a> {
    fn get(self, key: &str) -> Option<&'a String> {
        self.first.get(key).or_else(|| self.rooms?.get(key))
    }
}

/// The sentence of a code: `say(locale, "problem", "unreachable", &params)`. A code without words is shown as it is.
#[must_use]
pub fn say(locale: Locale, family: &str, word: &str, params: &Params) -> String {
    let known = Known::of(locale);
    // The wire writes some words with hyphens; keys have none.
    let key = format!("{family}_{}", word.replace('-', "_"));
    known.get(&key).map_or_else(|| word.to_owned(), |sentence| fill(known, sentence, params))
}

/// The words of a code without parameters.
#[must_use]
pub fn plain(locale: Locale, family: &str, word: &str) -> String {
    say(locale, family, word, &Params::new())
}

/// The sentence of a problem, without its quote.
#[must_use]
pub fn problem(locale: Locale, problem: &Problem) -> String {
    say(locale, "problem", problem.code.as_str(), &problem.params)
}

/// The words in the language of the page; reading them follows a change of the language.
#[derive(Clone, Copy)]
pub struct Words(I18n);

/// The words for components.
#[must_use]
pub fn use_words() -> Words {
    Words(use_i18n())
}

impl Words {
    #[must_use]
    pub fn say(self, family: &str, word: &str, params: &Params) -> String {
        say(self.0.get_locale(), family, word, params)
    }

    #[must_use]
    pub fn plain(self, family: &str, word: &str) -> String {
        plain(self.0.get_locale(), family, word)
    }

    #[must_use]
    pub fn problem(self, one: &Problem) -> String {
        problem(self.0.get_locale(), one)
    }
}

/// A table that cannot be read is empty: codes stay readable, and the test fails.
fn read(text: &str) -> Table {
    serde_json::from_str(text).unwrap_or_default()
}

fn fill(known: Known<'_>, sentence: &str, params: &Params) -> String {
    let mut out = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some(start) = rest.find('[') {
        let (before, after) = rest.split_at(start);
        out.push_str(&fill_part(known, before, params).0);
        let Some((group, tail)) = after.get(1..).and_then(|text| text.split_once(']')) else {
            rest = after;
            break;
        };
        if let (text, true) = fill_part(known, group, params) {
            out.push_str(&text);
        }
        rest = tail;
    }
    out.push_str(&fill_part(known, rest, params).0);
    out
}

/// The filled text, and whether every parameter was there.
fn fill_part(known: Known<'_>, text: &str, params: &Params) -> (String, bool) {
    let mut out = String::with_capacity(text.len());
    let mut complete = true;
    let mut rest = text;
    while let Some((before, (slot, tail))) =
        rest.split_once('{').and_then(|(before, after)| Some((before, after.split_once('}')?)))
    {
        out.push_str(before);
        match value(known, slot, params) {
            Some(value) => out.push_str(&value),
            None => complete = false,
        }
        rest = tail;
    }
    out.push_str(rest);
    (out, complete)
}

fn value(known: Known<'_>, slot: &str, params: &Params) -> Option<String> {
    let Some((family, name)) = slot.split_once(':') else {
        return params.get(slot).cloned();
    };
    let code = params.get(name)?;
    let key = format!("{family}_{}", code.replace('-', "_"));
    // Without the other parameters: a sentence inside a sentence says the general case.
    Some(known.get(&key).map_or_else(|| code.clone(), |sentence| fill(known, sentence, &Params::new())))
}
