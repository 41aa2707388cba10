//! A difference is allowed where it is argued, and nowhere else.

use conform::Answer;
use conform::compare::{Pair, compare};
use conform::differences::{Differences, Row, matches};

fn row(side: &str, pattern: &str, why: &str) -> Row {
    let any = || "*".to_owned();
    Row {
        scenario: any(),
        command: "a *".to_owned(),
        side: side.to_owned(),
        pattern: pattern.to_owned(),
        lab: None,
        chance: false,
        why: why.to_owned(),
    }
}

fn answer(stdout: &str) -> Answer {
    Answer { stdout: stdout.to_owned(), stderr: String::new(), exit: Some(0) }
}

fn differ(ours: &str, theirs: &str, differences: &Differences) -> usize {
    let (answer, other) = (answer(ours), answer(theirs));
    let pair = Pair {
        scenario: "s",
        command: "a b",
        side: "simulated",
        answer: &answer,
        other_side: "recorded",
        other: &other,
    };
    compare(pair, differences).len()
}

#[test]
fn a_row_allows_its_lines_on_its_side_only_and_must_be_needed() {
    let why = "real nodes have a service that the model lacks";
    let differences =
        Differences::of(vec![row("recorded", "extra *", why), row("simulated", "never *", why)]).expect("rows");
    assert_eq!(differ("one\ntwo\n", "one\nextra 5\ntwo\n", &differences), 0);
    assert_eq!(differ("one\nextra 5\ntwo\n", "one\ntwo\n", &differences), 1, "the other side may not");
    assert_eq!(differ("one\n", "one\nmore\n", &differences), 1);
    let unused = differences.unused("simulated", &["s"]);
    assert_eq!(unused.iter().map(|row| row.pattern.as_str()).collect::<Vec<_>>(), ["never *"]);
    let chance = Row { chance: true, ..row("simulated", "never *", why) };
    let differences = Differences::of(vec![chance]).expect("rows");
    assert!(differences.unused("simulated", &["s"]).is_empty(), "what comes and goes need not come");
}

#[test]
fn a_row_without_a_reason_is_refused() {
    assert!(Differences::of(vec![row("recorded", "*", "because")]).is_err());
    assert!(Differences::of(vec![row("elsewhere", "*", "a side that there is not, at length")]).is_err());
}

#[test]
fn patterns_match_whole_lines() {
    for (pattern, text, expected) in [
        ("a", "a", true),
        ("a", "ab", false),
        ("a*", "ab", true),
        ("*b", "ab", true),
        ("a*c*e", "abcde", true),
        ("a*x", "ab", false),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }
}
