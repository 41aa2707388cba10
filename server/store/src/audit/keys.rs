//! Values that are asked for exactly, and signs, as words of the index.

use super::derived::Derived;
use std::borrow::Cow;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Begins every key. They stand in a column of their own, so a person may write such words as well.
const MARK: &str = "qkey";

/// What can be asked for exactly, from what is rare in most logs to what is frequent: lists are gone through in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Operation,
    Node,
    Who,
    Cluster,
    Code,
    Risk,
    Outcome,
}

impl Field {
    pub const ALL: [Self; 7] =
        [Self::Operation, Self::Node, Self::Who, Self::Cluster, Self::Code, Self::Risk, Self::Outcome];

    /// Stored: never changed, and never used again for something else.
    const fn letter(self) -> char {
        match self {
            Self::Operation => 'p',
            Self::Node => 'n',
            Self::Who => 'w',
            Self::Cluster => 'c',
            Self::Code => 'a',
            Self::Risk => 'r',
            Self::Outcome => 'o',
        }
    }

    /// What an entry has there.
    pub fn of<'a>(self, derived: &'a Derived<'_>) -> Option<Value<'a>> {
        Some(match self {
            Self::Operation => Value::Id(derived.operation?.as_uuid()),
            Self::Node => Value::Text(&derived.node.as_ref()?.0),
            Self::Who => Value::Text(&derived.who.0),
            Self::Cluster => Value::Id(derived.cluster?.as_uuid()),
            Self::Code => Value::Word(derived.code.as_str()),
            Self::Risk => Value::Word(derived.risk?.word()),
            Self::Outcome => Value::Word(derived.outcome.word()),
        })
    }

    /// From where on in the order of words its keys stand, and what comes after all of them.
    pub fn range(self) -> (String, String) {
        // No digit in hex comes after it.
        let begin = format!("{MARK}{}", self.letter());
        (begin.clone(), format!("{begin}g"))
    }

    /// The value in hex, so that the index can neither split it nor change its letters.
    pub fn key(self, value: &str) -> String {
        format!("{MARK}{}{}", self.letter(), hex::encode(value))
    }
}

/// What an entry has in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Text(&'a str),
    /// One of those that the console itself has.
    Word(&'static str),
    Id(Uuid),
}

impl<'a> Value<'a> {
    pub fn text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) | Self::Word(text) => Cow::Borrowed(text),
            Self::Id(one) => Cow::Owned(id(one)),
        }
    }
}

/// As it is written everywhere, without the detour through a formatter.
fn id(id: Uuid) -> String {
    id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned()
}

/// All keys of an entry, as the text that is indexed.
pub(super) fn keys(derived: &Derived<'_>) -> String {
    let keys: Vec<String> =
        Field::ALL.into_iter().filter_map(|field| field.of(derived).map(|value| field.key(&value.text()))).collect();
    keys.join(" ")
}

/// Every sign in a text that is neither letter nor digit, once, as words of the index.
pub(super) fn signs(text: &str) -> String {
    let found: BTreeSet<char> = text.chars().filter(|c| !c.is_alphanumeric() && !c.is_whitespace()).collect();
    let words: Vec<String> = found.into_iter().map(sign).collect();
    words.join(" ")
}

/// Its number in Unicode, in hex.
pub(super) fn sign(sign: char) -> String {
    format!("{:x}", u32::from(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_fields_share_a_key() {
        let keys: BTreeSet<String> = Field::ALL.into_iter().map(|field| field.key("Größe 1")).collect();
        assert_eq!(keys.len(), Field::ALL.len());
        for field in Field::ALL {
            let (from, until) = field.range();
            let within = keys.iter().filter(|key| **key >= from && **key < until);
            assert_eq!(within.collect::<Vec<_>>(), [&field.key("Größe 1")], "{field:?}");
        }
        for key in &keys {
            assert!(key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "{key} stays as it is");
        }
    }

    #[test]
    fn an_id_is_written_as_people_ask_for_it() {
        let one = Uuid::from_u128(0x0193_abcd_ef01_7000_8000_0123_4567_89ab);
        assert_eq!(id(one), model::ids::OperationId::from_uuid(one).to_string());
    }

    #[test]
    fn each_sign_is_there_once() {
        assert_eq!(signs("100 % sure, 7 %\n--"), "25 2c 2d");
        assert_eq!(signs("Größe 1"), "");
    }
}
