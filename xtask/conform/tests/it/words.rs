//! No word can change without being noticed: the comparison itself is put to the test.

use crate::play_all;
use conform::compare::{Pair, compare};
use conform::differences::Differences;
use conform::{Answer, normal};
use std::collections::BTreeSet;

/// Not a word of any program.
const STRANGE: &str = "zq";
/// Words of dates: hidden, as they differ from run to run.
const TIMES: [&str; 19] = [
    "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
    "Oct", "Nov", "Dec",
];

#[tokio::test(start_paused = true)]
async fn every_word_of_every_answer_counts() {
    let differences = Differences::read().expect("the argued differences");
    let (mut tried, mut hidden) = (0_usize, BTreeSet::new());
    let mut seen = BTreeSet::new();
    for (name, report) in play_all(&differences).await {
        for compared in report.compared {
            // The same answer needs no second look.
            if !seen.insert((compared.command.clone(), compared.ours.stdout.clone(), compared.ours.stderr.clone())) {
                continue;
            }
            for (at, changed) in changes(&compared.ours) {
                let pair = Pair {
                    scenario: &name,
                    command: &compared.command,
                    side: "simulated",
                    answer: &changed,
                    other_side: "recorded",
                    other: &compared.theirs,
                };
                tried += 1;
                if compare(pair, &differences).is_empty() {
                    hidden.insert((compared.command.clone(), at));
                }
            }
        }
    }
    println!("{tried} words changed, {} of them hidden", hidden.len());
    assert!(tried > 3_000, "{tried} words only");
    let words: Vec<&(String, String)> = hidden.iter().filter(|(_, word)| is_word(word)).collect();
    assert!(words.is_empty(), "changed words that nobody would notice: {words:#?}");
}

/// The answer with one word changed, for each word of it: the word and the answer.
fn changes(answer: &Answer) -> Vec<(String, Answer)> {
    let mut out = Vec::new();
    for stderr in [false, true] {
        let text = if stderr { &answer.stderr } else { &answer.stdout };
        for (at, word) in word_starts(text).into_iter().filter(|(at, _)| !is_art(text, *at)) {
            let mut changed = text.clone();
            changed.replace_range(at..at + word.len(), STRANGE);
            let mut other = answer.clone();
            *(if stderr { &mut other.stderr } else { &mut other.stdout }) = changed;
            out.push((word.to_owned(), other));
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
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    line.starts_with('|') && line.ends_with('|')
}

/// Only numbers and dates may be hidden.
fn is_word(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    bare.chars().any(char::is_alphabetic) && !TIMES.contains(&bare) && !bare.chars().any(|c| c.is_ascii_digit())
}

#[test]
fn only_values_of_the_right_shape_are_hidden() {
    let same = |command: &str, one: &str, other: &str| normal::lines(command, one) == normal::lines(command, other);
    let date = "Date:             Sun Nov 22 07:18:07 2026";
    assert!(same("pvecm status", date, "Date:             Mon Nov 23 09:00:00 2026"));
    assert!(!same("pvecm status", date, "Date:             yesterday"));
    assert!(same("pvecm status", "Ring ID:          1.9", "Ring ID:          1.1d"));
    assert!(!same("pvecm status", "Ring ID:          1.9", "Ring ID:          2.9"), "the lowest node counts");
    assert!(!same("pvecm status", "Total votes:      3", "Total votes:      2"));
    let stat = "stats.knet.node2.link0.connected (u8) = ";
    assert!(!same("corosync-cmapctl -m stats", &format!("{stat}1"), &format!("{stat}0")));
    let rx = "stats.knet.node2.link0.rx_data_bytes (u64) = ";
    assert!(same("corosync-cmapctl -m stats", &format!("{rx}1"), &format!("{rx}4711")));
    assert!(!same("corosync-cmapctl -m stats", &format!("{rx}1"), &format!("{rx}many")));
}
