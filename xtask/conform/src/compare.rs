//! One answer against another.

use crate::differences::{Asked, Differences};
use crate::{Answer, normal};

/// The two sides of a comparison and what both answered.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    pub scenario: &'a str,
    pub command: &'a str,
    /// `simulated` or `real`.
    pub side: &'a str,
    pub answer: &'a Answer,
    /// `recorded`, or `real` where two labs are compared.
    pub other_side: &'a str,
    pub other: &'a Answer,
}

impl<'a> Pair<'a> {
    fn asked(self) -> Asked<'a> {
        Asked { lab: self.side, scenario: self.scenario, command: self.command }
    }
}

/// What differs beyond what is argued; nothing when the two agree.
#[must_use]
pub fn compare(pair: Pair<'_>, differences: &Differences) -> Vec<String> {
    let mut out = Vec::new();
    // A shell that prefixes its own words does so on both sides; each stream is compared for itself.
    for (stream, ours, theirs) in [
        ("standard output", &pair.answer.stdout, &pair.other.stdout),
        ("standard error", &pair.answer.stderr, &pair.other.stderr),
    ] {
        let ours = kept(pair, pair.side, ours, differences);
        let theirs = kept(pair, pair.other_side, theirs, differences);
        out.extend(first_difference(pair, stream, &ours, &theirs));
    }
    if pair.answer.exit != pair.other.exit {
        out.push(format!(
            "{}: {}: exit code {:?} {}, {:?} {}",
            pair.scenario, pair.command, pair.answer.exit, pair.side, pair.other.exit, pair.other_side
        ));
    }
    out
}

fn kept(pair: Pair<'_>, side: &str, text: &str, differences: &Differences) -> Vec<String> {
    let lines = normal::lines(pair.command, text).into_iter();
    lines.filter(|line| !differences.allow(pair.asked(), side, line)).collect()
}

fn first_difference(pair: Pair<'_>, stream: &str, ours: &[String], theirs: &[String]) -> Option<String> {
    let at = ours.iter().zip(theirs).position(|(one, other)| one != other);
    let at = at.unwrap_or_else(|| ours.len().min(theirs.len()));
    let (one, other) = (ours.get(at), theirs.get(at));
    (one != other).then(|| {
        format!(
            "{}: {}: {stream}, line {}:\n    {:<9} {one:?}\n    {:<9} {other:?}",
            pair.scenario,
            pair.command,
            at + 1,
            pair.side,
            pair.other_side
        )
    })
}
