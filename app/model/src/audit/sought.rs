//! What a question asks of words and of outputs, and why it cannot be asked as it stands.

use super::AuditFilter;
use crate::problem::{Problem, ProblemCode};
use thiserror::Error;

/// Words of a question in one field at most. Those that follow are refused: left out in silence they would make the answer a
/// larger one.
pub const WORDS_MAX: usize = 8;

/// Why a question cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unasked {
    #[error("words are {max} at most, and these are {count}", max = WORDS_MAX)]
    TooManyWords { count: usize },
    #[error("output has {max} words at most, and these are {count}", max = WORDS_MAX)]
    TooMuchOutput { count: usize },
    /// Outputs stand in no index.
    #[error("output is looked for within a period alone: say from and until")]
    NoPeriod,
}

impl Unasked {
    /// The part of the filter that is at fault.
    #[must_use]
    pub const fn part(self) -> &'static str {
        match self {
            Self::TooManyWords { .. } => "words",
            Self::TooMuchOutput { .. } | Self::NoPeriod => "output",
        }
    }
}

impl From<Unasked> for Problem {
    fn from(unasked: Unasked) -> Self {
        match unasked {
            Unasked::TooManyWords { count } | Unasked::TooMuchOutput { count } => {
                Self::new(ProblemCode::FilterWords).with("count", count).with("max", WORDS_MAX)
            }
            Unasked::NoPeriod => ProblemCode::FilterPeriod.into(),
        }
    }
}

impl AuditFilter {
    /// What an output must have; `None` where outputs are not asked for.
    #[must_use]
    pub fn sought(&self) -> Option<Sought> {
        self.output.as_deref().and_then(Sought::of)
    }

    /// # Errors
    /// Why it cannot be asked as it stands.
    pub fn check(&self) -> Result<(), Unasked> {
        let count = self.words.iter().flat_map(|words| words.split_whitespace()).count();
        if count > WORDS_MAX {
            return Err(Unasked::TooManyWords { count });
        }
        let Some(Sought(parts)) = self.sought() else { return Ok(()) };
        if parts.len() > WORDS_MAX {
            return Err(Unasked::TooMuchOutput { count: parts.len() });
        }
        if self.from.is_some() && self.until.is_some() { Ok(()) } else { Err(Unasked::NoPeriod) }
    }
}

/// What an output must have: every word, anywhere in it, be it a part of a longer one, in upper or lower case. What stands between
/// double quotes is one of them as a whole; its blanks are blanks of any kind and number, ends of lines too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought(Vec<String>);

impl Sought {
    /// `None` where nothing but blanks is asked.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut quoted = false;
        for part in text.split('"') {
            if quoted {
                parts.push(plain(part));
            } else {
                parts.extend(part.split_whitespace().map(plain));
            }
            quoted = !quoted;
        }
        parts.retain(|part| !part.is_empty());
        if parts.is_empty() {
            // Nothing but quotes: they themselves.
            parts.extend(text.split_whitespace().map(str::to_owned));
        }
        (!parts.is_empty()).then_some(Self(parts))
    }

    #[must_use]
    pub fn is_in(&self, output: &str) -> bool {
        let output = plain(output);
        self.0.iter().all(|part| output.contains(part))
    }
}

/// Without its case, and with one blank where there are some.
fn plain(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn words_stand_anywhere_and_a_phrase_as_a_whole() {
        let output = "Quorate:          No\nTotal votes:      1\nQuorum: 2 Activity blocked\nGröße \"x\"";
        for (text, found) in [
            ("quorate", true),
            ("BLOCKED quorate", true),
            ("block", true),
            ("blocked not-there", false),
            ("\"activity blocked\"", true),
            ("\"blocked activity\"", false),
            ("\"quorate: no total\"", true),
            ("votes \"quorate: no\"", true),
            ("votes \"quorate: yes\"", false),
            ("GRÖSSE", false),
            ("GRÖßE", true),
            ("%", false),
            ("q_orate", false),
            // A quote that is not closed holds the rest; nothing but quotes is looked for as it is.
            ("\"activity bl", true),
            ("\"", true),
            ("\"\"", false),
        ] {
            let sought = Sought::of(text).unwrap_or_else(|| panic!("{text} asks for something"));
            assert_eq!(sought.is_in(output), found, "{text}");
        }
        assert_eq!((Sought::of(""), Sought::of(" \n ")), (None, None));
    }

    #[test]
    fn what_is_too_much_or_without_an_end_is_not_asked() {
        let at = Some(Timestamp::UNIX_EPOCH);
        let words = |count: usize| Some(vec!["word"; count].join(" "));
        let filter = |words: Option<String>, output: Option<String>, (from, until)| AuditFilter {
            words,
            output,
            from,
            until,
            ..AuditFilter::default()
        };
        for (filter, answer) in [
            (AuditFilter::default(), Ok(())),
            (filter(words(8), None, (None, None)), Ok(())),
            (filter(words(9), None, (None, None)), Err(Unasked::TooManyWords { count: 9 })),
            (filter(None, words(8), (at, at)), Ok(())),
            (filter(None, words(9), (at, at)), Err(Unasked::TooMuchOutput { count: 9 })),
            (filter(None, Some("\"a b c d e f g h i\"".into()), (at, at)), Ok(())),
            (filter(None, words(1), (at, None)), Err(Unasked::NoPeriod)),
            (filter(None, words(1), (None, at)), Err(Unasked::NoPeriod)),
            (filter(None, Some("  ".into()), (None, None)), Ok(())),
        ] {
            assert_eq!(filter.check(), answer, "{filter:?}");
        }
        let problem = Problem::from(Unasked::TooManyWords { count: 9 });
        assert_eq!((problem.params["count"].as_str(), problem.params["max"].as_str()), ("9", "8"));
        for unasked in [Unasked::TooManyWords { count: 9 }, Unasked::TooMuchOutput { count: 9 }, Unasked::NoPeriod] {
            assert!(unasked.to_string().starts_with(unasked.part()), "{unasked}");
        }
    }
}
