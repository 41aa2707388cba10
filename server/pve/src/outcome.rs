//! What `pvecm create`, `pvecm add` and `pvecm qdevice setup` did, by their words.
//!
//! `pvecm add` ends with exit code 0 even when it failed, so the exit code alone is never proof;
//! and whatever the words say, another member's view must prove it.

use crate::answer::Answer;
use crate::clean::clean_text;
use std::borrow::Cow;

mod create;
mod expected;
mod join;
mod qdevice;
mod qdevice_removal;
pub use create::{CreateOutcome, CreateStage, create, create_stage};
pub use expected::expected;
pub use join::{JoinOutcome, JoinStage, join, join_stage};
pub use qdevice::{QdeviceOutcome, QdeviceStage, qdevice, qdevice_stage};
pub use qdevice_removal::{RemovalOutcome, qdevice_removal};

/// The most reasons that are kept.
const REASONS_MAX: usize = 16;
/// The most lines of a failure's text.
const FAILURE_LINES_MAX: usize = 6;
/// The most lines of one stream that are searched: a whole cluster takes less than two hundred.
const LINES_MAX: usize = 1 << 14;

/// The outputs as lines; too long ones are cut, because their first lines already tell.
struct Words<'a> {
    stdout: Cow<'a, str>,
    stderr: Cow<'a, str>,
}

impl<'a> Words<'a> {
    fn of(answer: Answer<'a>) -> Self {
        let cut = |bytes: &'a [u8]| {
            String::from_utf8_lossy(bytes.get(..bytes.len().min(crate::INPUT_MAX_BYTES)).unwrap_or_default())
        };
        Self { stdout: cut(answer.stdout), stderr: cut(answer.stderr) }
    }

    fn lines(&self) -> impl Iterator<Item = &str> {
        self.stdout.lines().take(LINES_MAX).chain(self.stderr.lines().take(LINES_MAX)).map(str::trim)
    }

    /// The first line that contains one of `signs`, cleaned.
    fn find(&self, signs: &[&str]) -> Option<String> {
        self.lines().find(|line| signs.iter().any(|sign| line.contains(sign))).map(clean_text)
    }

    /// `400 Parameter verification failed.` and the lines behind it that name parameters.
    fn parameter_errors(&self) -> Vec<String> {
        self.lines()
            .skip_while(|line| !line.starts_with("400 Parameter verification failed"))
            .skip(1)
            .take_while(|line| !line.is_empty() && !line.starts_with("pvecm "))
            .take(REASONS_MAX)
            .map(clean_text)
            .collect()
    }

    /// The last lines of standard error, or of standard output where there are none.
    fn failure(&self) -> String {
        let last = |text: &str| {
            let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            let start = lines.len().saturating_sub(FAILURE_LINES_MAX);
            lines.get(start..).unwrap_or_default().iter().map(|line| clean_text(line)).collect::<Vec<_>>().join("\n")
        };
        let text = last(&self.stderr);
        if text.is_empty() { last(&self.stdout) } else { text }
    }

    /// Words by which Perl, systemd and OpenSSH say that something went wrong.
    fn tells_failure(&self) -> bool {
        const SIGNS: [&str; 12] = [
            "failed",
            "unable to",
            "Unable to",
            "Error:",
            "ERROR:",
            "error:",
            "error with",
            "cannot ",
            "can't ",
            "EOF while reading",
            "Navigate out of",
            "Permission denied",
        ];
        self.lines().any(|line| SIGNS.iter().any(|sign| line.contains(sign)))
    }
}
