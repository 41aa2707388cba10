//! Why an answer could not be read.

use crate::clean::clean_text_within;
use thiserror::Error;

/// The longest excerpt of an answer in an error, in characters.
const EXCERPT_MAX_CHARS: usize = 200;

/// An answer that does not say what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("cannot read {what}: {reason}{}", excerpt(.line))]
pub struct ParseError {
    /// The command or file, as people name it.
    pub what: &'static str,
    /// The line that could not be read or that tells why: cleaned, at most 200 characters.
    pub line: Option<String>,
    pub reason: Reason,
}

/// The kinds of unreadable answers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Reason {
    #[error("the answer is empty")]
    Empty,
    #[error("the answer is longer than {max_bytes} bytes")]
    TooLong { max_bytes: usize },
    #[error("the answer has more than {max_items} items")]
    TooMany { max_items: usize },
    /// The command's time limit on the node ended it (exit 124 or 137).
    #[error("the command did not end within its time limit on the node")]
    TimedOut,
    #[error("the command ended with exit code {code}")]
    Exit { code: i32 },
    /// `Cannot initialize CMAP service` and its kin: corosync does not run here.
    #[error("corosync does not answer on this node")]
    CorosyncDown,
    /// There is no corosync.conf: the node is in no cluster.
    #[error("the node is not part of a cluster")]
    NotInCluster,
    #[error("there is no such file or folder")]
    NoSuchFile,
    /// The program is not installed (exit 127).
    #[error("the program is not installed")]
    NotInstalled,
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{0} cannot be understood")]
    Malformed(&'static str),
}

impl ParseError {
    pub(crate) fn new(what: &'static str, reason: Reason) -> Self {
        Self { what, line: None, reason }
    }

    pub(crate) fn at(what: &'static str, line: &str, reason: Reason) -> Self {
        let line = clean_text_within(line.trim(), EXCERPT_MAX_CHARS);
        Self { what, line: (!line.is_empty()).then_some(line), reason }
    }

    pub(crate) fn missing(what: &'static str, part: &'static str) -> Self {
        Self::new(what, Reason::Missing(part))
    }

    pub(crate) fn malformed(what: &'static str, part: &'static str, line: &str) -> Self {
        Self::at(what, line, Reason::Malformed(part))
    }
}

/// Refuses more items than a format can sensibly have: a cut list would pass for a whole one.
pub(crate) fn at_most(what: &'static str, items: usize, max_items: usize) -> Result<(), ParseError> {
    if items > max_items { Err(ParseError::new(what, Reason::TooMany { max_items })) } else { Ok(()) }
}

fn excerpt(line: &Option<String>) -> String {
    line.as_ref().map(|text| format!(" ({text})")).unwrap_or_default()
}
