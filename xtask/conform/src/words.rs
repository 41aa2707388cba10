//! The comparison itself put to the test: no word of an answer can change without being noticed.

use std::collections::BTreeSet;

use crate::compare::{Pair, compare};
use crate::differences::{Asked, Differences};
use crate::play::Compared;
use crate::{Answer, normal};

/// Not a word of any program.
const STRANGE: &str = "zq";
/// The lab whose programs are not ours.
const REAL: &str = "real";
/// Words of dates: hidden, as they differ from run to run.
const TIMES: [&str; 19] = [
    "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
    "Oct", "Nov", "Dec",
];

/// What became of changed words.
#[derive(Debug, Default)]
pub struct Tried {
    pub words: usize,
    /// Command and word where nothing was noticed; numbers and dates are not among them.
    pub unnoticed: BTreeSet<(String, String)>,
}

impl Tried {
    /// Changes each word of each answer of a lab, one at a time.
    pub fn try_all(&mut self, lab: &str, scenario: &str, compared: &[Compared], differences: &Differences) {
        let mut seen = BTreeSet::new();
        for one in compared {
            // The same answer needs no second look.
            if !seen.insert((&one.command, &one.ours.stdout, &one.ours.stderr)) {
                continue;
            }
            for (word, line, changed) in changes(&one.ours) {
                // What a real program says beside what is compared is argued line by line, whatever its words are.
                if lab == REAL && is_argued(one, scenario, &line, differences) {
                    continue;
                }
                let pair = Pair {
                    scenario,
                    command: &one.command,
                    side: lab,
                    answer: &changed,
                    other_side: "recorded",
                    other: &one.theirs,
                };
                self.words += 1;
                if is_word(&word) && compare(pair, differences).is_empty() {
                    self.unnoticed.insert((one.command.clone(), word));
                }
            }
        }
    }
}

fn is_argued(one: &Compared, scenario: &str, line: &str, differences: &Differences) -> bool {
    let asked = Asked { lab: REAL, scenario, command: &one.command };
    normal::lines(&one.command, line).iter().all(|line| differences.allow(asked, REAL, line))
}

/// The answer with one word changed, for each word of it: the word, the line that it stood in, and the answer.
fn changes(answer: &Answer) -> Vec<(String, String, Answer)> {
    let mut out = Vec::new();
    for stderr in [false, true] {
        let text = if stderr { &answer.stderr } else { &answer.stdout };
        for (at, word) in word_starts(text).into_iter().filter(|(at, _)| !is_art(text, *at)) {
            let mut changed = text.clone();
            changed.replace_range(at..at + word.len(), STRANGE);
            let mut other = answer.clone();
            *(if stderr { &mut other.stderr } else { &mut other.stdout }) = changed;
            out.push((word.to_owned(), line_at(text, at).to_owned(), other));
        }
    }
    out
}

fn word_starts(text: &str) -> Vec<(usize, &str)> {
    let words = text.split(|c: char| c.is_whitespace()).filter(|word| !word.is_empty());
    words.map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word)).collect()
}

/// Random art has no words.
fn is_art(text: &str, at: usize) -> bool {
    let line = line_at(text, at);
    line.starts_with('|') && line.ends_with('|')
}

fn line_at(text: &str, at: usize) -> &str {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    text.get(start..).unwrap_or_default().lines().next().unwrap_or_default()
}

/// Only numbers and dates may be hidden.
fn is_word(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    bare.chars().any(char::is_alphabetic) && !TIMES.contains(&bare) && !bare.chars().any(|c| c.is_ascii_digit())
}
