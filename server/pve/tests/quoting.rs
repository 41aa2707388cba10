//! Quoting is proved by a real `/bin/sh`: what a command line says comes back word for word.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod support;

use proptest::prelude::*;
use std::process::Command;

/// What `sh` makes of a line of words.
fn words_of_shell(line: &str) -> Vec<String> {
    let script = format!("for word in {line}; do printf '%s\\0' \"$word\"; done");
    let output = Command::new("/bin/sh").arg("-c").arg(script).output().expect("a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8 in, UTF-8 out");
    let mut words: Vec<String> = text.split('\0').map(str::to_owned).collect();
    words.pop();
    words
}

fn line_of(words: &[String]) -> String {
    words.iter().map(|word| pve::quote(word).expect("no NUL")).collect::<Vec<_>>().join(" ")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_shell_gives_back_exactly_the_words(words in prop::collection::vec("[^\0]{0,40}", 1..8)) {
        prop_assert_eq!(words_of_shell(&line_of(&words)), words);
    }

    #[test]
    fn hostile_words_stay_words(words in prop::collection::vec("[ '\"$`\\\\;&|<>(){}*?!~#\n\t=%-]{0,20}", 1..8)) {
        prop_assert_eq!(words_of_shell(&line_of(&words)), words);
    }

    #[test]
    fn a_nul_byte_is_refused(before in "[^\0]{0,10}", after in "[^\0]{0,10}") {
        prop_assert_eq!(pve::quote(&format!("{before}\0{after}")), None);
    }
}

#[test]
fn plain_words_stay_readable() {
    for word in ["pvecm", "--link0", "10.0.1.11,priority=5", "root@10.0.1.12", "/etc/pve/.members", "fd00::1", "+%s.%N"]
    {
        assert_eq!(pve::quote(word).as_deref(), Some(word));
    }
    assert_eq!(pve::quote("").as_deref(), Some("''"));
    assert_eq!(pve::quote("it's").as_deref(), Some(r"'it'\''s'"));
    assert_eq!(pve::quote("é").as_deref(), Some("'é'"));
}
