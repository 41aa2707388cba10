//! The tokenizer against POSIX quoting, and against what it must not understand.

use proptest::prelude::*;

use super::token::{Piece, Redirect, parse};

/// Words of the only statement, without variables.
fn words(line: &str) -> Vec<String> {
    let statements = parse(line).unwrap();
    assert_eq!(statements.len(), 1, "{line}");
    let text = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    statements[0].words.iter().map(|word| word.0.iter().map(text).collect()).collect()
}

#[test]
fn quotes_are_those_of_posix() {
    assert_eq!(words("cat /etc/hosts"), ["cat", "/etc/hosts"]);
    assert_eq!(words("printf '%s\\n' \"a b\" c\\ d e'f'\"g\""), ["printf", "%s\\n", "a b", "c d", "efg"]);
    assert_eq!(words("x '' y"), ["x", "", "y"]);
    assert_eq!(words(r"it 'isn'\''t'"), ["it", "isn't"]);
    assert_eq!(words("dpkg-query -f '${Package} $x `y` | * ?'"), ["dpkg-query", "-f", "${Package} $x `y` | * ?"]);
    assert_eq!(words("run --property=Type=exec -- a=b"), ["run", "--property=Type=exec", "--", "a=b"]);
}

#[test]
fn the_line_of_the_sweep() {
    let line = "timeout -k 2 5 cat /etc/pve/.members </dev/null; q=$?; printf '\\n%s %d\\n' q-0f \"$q\"; printf '\\n%s\\n' q-0f >&2";
    let statements = parse(line).unwrap();
    assert_eq!(statements.len(), 4);
    assert_eq!(statements[0].redirects, [Redirect::StdinNull]);
    assert_eq!(statements[1].assignments[0].0, "q");
    assert_eq!(statements[1].assignments[0].1.0, [Piece::Text(String::new()), Piece::Status]);
    assert_eq!(statements[2].words[3].0, [Piece::Variable("q".to_owned())]);
    assert_eq!(statements[3].redirects, [Redirect::StdoutToStderr]);
}

#[test]
fn an_assignment_before_a_command_is_none_of_its_words() {
    let statements = parse("LC_ALL=C timeout 5 true").unwrap();
    assert_eq!(statements[0].assignments[0].0, "LC_ALL");
    assert_eq!(statements[0].words.len(), 3);
}

#[test]
fn the_line_that_people_paste() {
    let statements = parse("install -d -m 700 ~/.ssh && echo 'ssh-ed25519 A b' >> ~/.ssh/authorized_keys2").unwrap();
    assert_eq!(statements.len(), 2);
    assert!(!statements[0].if_succeeded && statements[1].if_succeeded);
    let home = |rest: &str| vec![Piece::Home, Piece::Text(rest.to_owned())];
    assert_eq!(statements[0].words[4].0, home("/.ssh"));
    assert_eq!(statements[1].append.as_ref().unwrap().0, home("/.ssh/authorized_keys2"));
}

#[test]
fn nothing_else_is_understood() {
    for line in [
        "a | b",
        "&& b",
        "a >>",
        "a > /tmp/x",
        "a `b`",
        "a $(b)",
        "ls *",
        "echo ${x}",
        "(a)",
        "a & b",
        "cat < /etc/x",
        "cat 'open",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}

proptest! {
    /// Any argument survives being quoted the way POSIX says.
    #[test]
    fn quoted_arguments_survive(arguments in prop::collection::vec("[ -~]{0,12}", 1..6)) {
        let line: Vec<String> = arguments.iter().map(|one| format!("'{}'", one.replace('\'', "'\\''"))).collect();
        prop_assert_eq!(words(&line.join(" ")), arguments);
    }

    #[test]
    fn no_line_panics(line in "\\PC{0,60}") {
        let _ = parse(&line);
    }
}
