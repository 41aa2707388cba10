//! From a node's output to what a page quotes.

use crate::limits::EVIDENCE_LINES_MAX;
use crate::ports::Output;
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
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let mut lines =
        text.lines().chain(errors.lines()).map(|line| EvidenceLine { text: clean_text(line), guilty: false });
    let kept: Vec<EvidenceLine> = lines.by_ref().take(EVIDENCE_LINES_MAX).collect();
    Evidence {
        node: node.to_owned(),
        command: command.display(),
        exit: output.exit,
        at: output.at,
        millis: output.millis,
        cut: lines.next().is_some(),
        lines: kept,
    }
}

/// A fact with its origin.
#[must_use]
pub fn fact<T>(value: T, node: &str, command: &CommandLine, output: &Output) -> Fact<T> {
    Fact { value, node: node.to_owned(), command: command.display(), at: output.at }
}

/// Why an answer is no fact, in the words for people.
#[must_use]
pub fn unreadable(error: &ParseError, node: &str) -> Problem {
    let code = match error.reason {
        pve::Reason::TimedOut => ProblemCode::NodeHangs,
        pve::Reason::TooLong { .. } | pve::Reason::TooMany { .. } => ProblemCode::OutputTooLong,
        pve::Reason::NotInCluster | pve::Reason::CorosyncDown => ProblemCode::NotInCluster,
        pve::Reason::Exit { .. } | pve::Reason::NotInstalled | pve::Reason::NoSuchFile => ProblemCode::CommandFailed,
        _ => ProblemCode::Garbage,
    };
    let mut problem = Problem::new(code).with("node", node).with("what", error.what);
    if let Some(line) = &error.line {
        problem = problem.quoting(line.clone());
    }
    problem
}
