//! What came back for one command, and the checks that every reader makes first.

use crate::error::{ParseError, Reason};
use std::borrow::Cow;

/// The longest standard output or error that a reader looks at, in bytes.
pub const INPUT_MAX_BYTES: usize = 1 << 20;

/// `timeout` ended the command.
const EXIT_TIMED_OUT: i32 = 124;
/// `timeout -k` had to kill the command.
const EXIT_KILLED: i32 = 137;
/// `timeout` or the shell did not find the program.
const EXIT_NOT_FOUND: i32 = 127;

/// One command's answer, borrowed from whoever ran it.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    pub stdout: &'a [u8],
    pub stderr: &'a [u8],
    /// The exit code as the node reported it.
    pub exit: i32,
}

impl<'a> Answer<'a> {
    #[must_use]
    pub const fn new(stdout: &'a [u8], stderr: &'a [u8], exit: i32) -> Self {
        Self { stdout, stderr, exit }
    }

    /// An answer with exit code 0 and nothing on standard error.
    #[must_use]
    pub const fn ok(stdout: &'a [u8]) -> Self {
        Self::new(stdout, b"", 0)
    }

    /// True where the command's time limit on the node ended it.
    #[must_use]
    pub const fn timed_out(&self) -> bool {
        matches!(self.exit, EXIT_TIMED_OUT | EXIT_KILLED)
    }

    /// Standard output as text; bytes that are not UTF-8 become U+FFFD.
    ///
    /// Refuses too long an answer, an ended time limit, and the known words of an absent corosync.
    pub(crate) fn text(&self, what: &'static str) -> Result<Cow<'a, str>, ParseError> {
        if self.stdout.len() > INPUT_MAX_BYTES || self.stderr.len() > INPUT_MAX_BYTES {
            return Err(ParseError::new(what, Reason::TooLong { max_bytes: INPUT_MAX_BYTES }));
        }
        if self.timed_out() {
            return Err(ParseError::new(what, Reason::TimedOut));
        }
        Ok(String::from_utf8_lossy(self.stdout))
    }

    /// As [`Self::text`], and the exit code must be one of `allowed` and something must have been printed.
    pub(crate) fn printed(&self, what: &'static str, allowed: &[i32]) -> Result<Cow<'a, str>, ParseError> {
        let text = self.text(what)?;
        let silent = text.trim().is_empty();
        if !allowed.contains(&self.exit) || (silent && self.exit != 0) {
            return Err(self.failure(what));
        }
        if silent {
            // Exit 0 without a word is not an answer; what stands on standard error may tell why.
            return Err(ParseError::at(what, &self.stderr_text(), Reason::Empty));
        }
        Ok(text)
    }

    /// Why the command failed, by its known words and then by its exit code.
    pub(crate) fn failure(&self, what: &'static str) -> ParseError {
        let stderr = self.stderr_text();
        let stdout = String::from_utf8_lossy(self.stdout);
        let says = |words: &str| stderr.contains(words) || stdout.contains(words);
        let reason = if self.timed_out() {
            Reason::TimedOut
        } else if says("is this node part of a cluster?") {
            Reason::NotInCluster
        } else if says("Cannot initialize CMAP service")
            || says("Could not initialize corosync configuration API")
            || says("Failed to initialize the cmap API")
            || says("Cannot initialise QUORUM service")
            || says("Cannot initialize QUORUM service")
        {
            Reason::CorosyncDown
        } else if says("No such file or directory") {
            Reason::NoSuchFile
        } else if self.exit == EXIT_NOT_FOUND {
            Reason::NotInstalled
        } else {
            Reason::Exit { code: self.exit }
        };
        let line = last_words(&stderr).or_else(|| last_words(&stdout)).unwrap_or_default();
        ParseError::at(what, line, reason)
    }

    pub(crate) fn stderr_text(&self) -> Cow<'a, str> {
        let end = self.stderr.len().min(INPUT_MAX_BYTES);
        String::from_utf8_lossy(self.stderr.get(..end).unwrap_or_default())
    }
}

fn last_words(text: &str) -> Option<&str> {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty())
}
