//! From a node's output to what a page quotes, and to what is kept.

mod reading;
mod writer;

pub use reading::readings;
pub use writer::EvidenceWriter;

use crate::limits::{EVIDENCE_LINES_MAX, EVIDENCE_MAX_BYTES};
use crate::ports::Output;
use jiff::{SignedDuration, Timestamp};
use model::observation::{Evidence, EvidenceLine, Fact};
use model::problem::{Problem, ProblemCode};
use pve::{Answer, CommandLine, ParseError, clean_text};

/// The parser's view of an output. A command that was killed by a signal counts as ended by its limit.
#[must_use]
pub fn answer(output: &Output) -> Answer<'_> {
    Answer::new(&output.stdout, &output.stderr, output.exit.unwrap_or(137))
}

/// The quotable form of one answer: cleaned, cut, with node, command, time.
#[must_use]
pub fn evidence(node: &str, command: &CommandLine, output: &Output) -> Evidence {
    let mut whole = kept(node, command, output);
    whole.cut |= whole.lines.len() > EVIDENCE_LINES_MAX;
    whole.lines.truncate(EVIDENCE_LINES_MAX);
    whole
}

/// The form of one answer that is kept: cleaned, and long enough for everything that a healthy node prints.
#[must_use]
pub fn kept(node: &str, command: &CommandLine, output: &Output) -> Evidence {
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let (lines, cut) = bounded(text.lines().chain(errors.lines()));
    Evidence {
        node: node.to_owned(),
        command: command.display(),
        exit: output.exit,
        at: output.at,
        millis: output.millis,
        lines,
        cut,
    }
}

/// A follower's block in the form that is kept.
#[must_use]
pub fn block(node: &str, command: &CommandLine, text: &str, at: Timestamp) -> Evidence {
    let (lines, cut) = bounded(text.lines());
    Evidence { node: node.to_owned(), command: command.display(), exit: None, at, millis: 0, lines, cut }
}

/// What the console did by itself and what came of it, in the form that is kept.
#[must_use]
pub(crate) fn of_console(
    console: &str,
    what: String,
    lines: &[String],
    (began, ended): (Timestamp, Timestamp),
) -> Evidence {
    let (lines, cut) = bounded(lines.iter().map(String::as_str));
    let millis = u32::try_from(ended.duration_since(began).as_millis()).unwrap_or(0);
    Evidence { node: console.to_owned(), command: what, exit: None, at: ended, millis, lines, cut }
}

fn bounded<'a>(lines: impl Iterator<Item = &'a str>) -> (Vec<EvidenceLine>, bool) {
    let (mut kept, mut bytes) = (Vec::new(), 0_usize);
    for line in lines {
        let text = clean_text(line);
        bytes = bytes.saturating_add(text.len()).saturating_add(1);
        if bytes > EVIDENCE_MAX_BYTES {
            return (kept, true);
        }
        kept.push(EvidenceLine { text, guilty: false });
    }
    (kept, false)
}

/// A fact with its origin, and the time at which it was asked for: a slow answer may describe any moment since.
#[must_use]
pub fn fact<T>(value: T, node: &str, command: &CommandLine, output: &Output) -> Fact<T> {
    Fact { value, node: node.to_owned(), command: command.display(), at: asked(output.at, output.millis) }
}

/// When a question was asked whose answer was complete at `at`.
#[must_use]
pub fn asked(at: Timestamp, millis: u32) -> Timestamp {
    at.checked_sub(SignedDuration::from_millis(millis.into())).unwrap_or(at)
}

/// Why an answer is no fact, in the words for people.
#[must_use]
pub fn unreadable(error: &ParseError, node: &str) -> Problem {
    let code = match error.reason {
        pve::Reason::TimedOut => ProblemCode::NodeHangs,
        pve::Reason::TooLong { .. } | pve::Reason::TooMany { .. } => ProblemCode::OutputTooLong,
        pve::Reason::NotInCluster => ProblemCode::NotInCluster,
        // There is a cluster: to create one here would be the wrong advice.
        pve::Reason::CorosyncDown => ProblemCode::CorosyncDown,
        pve::Reason::Exit { .. } | pve::Reason::NotInstalled | pve::Reason::NoSuchFile => ProblemCode::CommandFailed,
        _ => ProblemCode::Garbage,
    };
    let mut problem = Problem::new(code).with("node", node).with("what", error.what);
    if let Some(line) = &error.line {
        problem = problem.quoting(line.clone());
    }
    problem
}
