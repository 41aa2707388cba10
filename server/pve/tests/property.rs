//! No reader panics or loops, whatever arrives; nothing harmful gets through the cleaning.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

#[path = "support/readers.rs"]
mod readers;
mod support;

use proptest::prelude::*;
use proptest::sample::Index;
use pve::{Answer, clean_text, clean_text_within};
use readers::{RAW, blocks, pieces, read_all};
use std::sync::LazyLock;

static RECORDED: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut texts: Vec<String> = support::all().into_iter().map(|entry| entry.stdout).collect();
    texts.retain(|text| !text.trim().is_empty());
    texts.sort();
    texts.dedup();
    texts
});

/// Markup, a title for the terminal, a colour, text that runs backwards, nothing visible.
const NASTY: &str = "<script>x\u{1b}]0;owned\u{7}\u{1b}[31m\u{9d}8;;owned\u{9c}\u{202e}\u{200b}\u{0}";
/// How it would show in the `Debug` of a text that was not cleaned.
const HARMFUL: [&str; 7] = ["<", "owned", "\\u{1b}", "\\u{9d}", "\\u{202e}", "\\u{200b}", "\\0"];

/// What comes back must be fit for a page.
fn assert_harmless(text: &str) {
    assert!(!text.contains(['<', '>']), "{text:?}");
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert!(!text.contains(['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}']), "{text:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn arbitrary_bytes_never_panic(
        stdout in prop::collection::vec(any::<u8>(), 0..400),
        stderr in prop::collection::vec(any::<u8>(), 0..80),
        exit in -1..256,
    ) {
        read_all(&stdout, &stderr, exit);
    }

    #[test]
    fn arbitrary_lines_never_panic(stdout in "[ -~\n\t{}:=,'|é\u{0}\u{1b}]{0,300}", exit in 0..3) {
        read_all(stdout.as_bytes(), b"", exit);
    }

    #[test]
    fn damaged_recordings_never_panic(
        which: Index,
        cut: Index,
        holes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..12),
        exit in prop::sample::select(vec![0, 1, 2, 124]),
    ) {
        let mut bytes = which.get(&RECORDED).clone().into_bytes();
        bytes.truncate(1 + cut.index(bytes.len()));
        for (place, byte) in holes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        read_all(&bytes, b"", exit);
    }

    /// A stream may be cut anywhere: what is read does not depend on it.
    #[test]
    fn blocks_do_not_depend_on_their_pieces(
        which in prop::collection::vec(any::<Index>(), 1..4),
        noise in "[ -~\n]{0,60}",
        cuts in prop::collection::vec(any::<usize>(), 0..40),
    ) {
        let mut bytes = noise.clone().into_bytes();
        for which in which {
            bytes.extend_from_slice(which.get(&RECORDED).as_bytes());
            bytes.extend_from_slice(noise.as_bytes());
        }
        prop_assert_eq!(blocks(&[&bytes]), blocks(&pieces(&bytes, &cuts)));
    }

    /// Whatever word of an answer is replaced by something nasty, no reader lets it through.
    #[test]
    fn no_reader_hands_on_markup_or_terminal_sequences(which: Index, holes in prop::collection::vec(any::<Index>(), 1..8)) {
        let mut words: Vec<String> = which.get(&RECORDED).split(' ').map(str::to_owned).collect();
        for hole in holes {
            let at = hole.index(words.len());
            words[at] = format!("{NASTY}{}", words[at]);
        }
        let let_through = let_through(&words.join(" "));
        prop_assert!(let_through.is_none(), "{let_through:?}");
    }

    #[test]
    fn clean_text_is_harmless(text in any::<String>(), hostile in "[<>\u{1b}\\[0-9;m\u{7}\r\n\t\u{202e}\u{200b}a]{0,60}") {
        let all = format!("{text}{hostile}");
        assert_harmless(&clean_text(&all));
        let short = clean_text_within(&all, 10);
        assert_harmless(&short);
        prop_assert!(short.chars().count() <= 11);
    }

    /// Names from a node reach pages: whatever it says, they come out harmless.
    #[test]
    fn names_that_nodes_claim_are_harmless(name in "[<>a-z\u{1b}\u{202e}\"\u{7}]{1,20}") {
        let row = format!(
            "Quorum information\n---\nNodes: 1\nNode ID: 1\nRing ID: {name}\nQuorate: Yes\nExpected votes: 1\n\
             Highest expected: 1\nTotal votes: 1\nQuorum: 1\nFlags: {name}\n\n Nodeid Votes Name\n 1 1 {name} (local)\n"
        );
        if let Ok(status) = pve::quorumtool::quorum(Answer::ok(row.as_bytes())) {
            assert_harmless(&status.ring_id);
            status.flags.iter().for_each(|flag| assert_harmless(flag));
            status.members.iter().for_each(|member| assert_harmless(&member.name));
        }
        let refused = pve::outcome::join(Answer::ok(format!("detected the following error(s):\n* {name}\n").as_bytes()));
        if let pve::outcome::JoinOutcome::Refused { reasons } = refused {
            reasons.iter().for_each(|reason| assert_harmless(reason));
        }
        if let Err(error) = pve::pvecm::api_version(Answer::ok(name.as_bytes())) {
            error.line.iter().for_each(|line| assert_harmless(line));
        }
    }
}

/// The same inside the word that every other line begins with, which is where keys stand.
#[test]
fn no_reader_hands_on_what_is_in_a_key() {
    for recorded in RECORDED.iter() {
        for first in 0..2 {
            let lines = recorded.lines().enumerate().map(|(at, line)| {
                let word = line.len() - line.trim_start().len();
                // Behind the first letter: what asks how a line begins still takes it.
                let inside = line[word..].chars().next().map(|letter| word + letter.len_utf8());
                let inside = inside.filter(|_| at % 2 == first);
                inside.map_or_else(|| line.to_owned(), |at| format!("{}{NASTY}{}", &line[..at], &line[at..]))
            });
            let let_through = let_through(&lines.collect::<Vec<_>>().join("\n"));
            assert!(let_through.is_none(), "{let_through:?}");
        }
    }
}

/// The first reader that hands on something harmful of an answer, and what it hands on.
fn let_through(answer: &str) -> Option<(&'static str, String)> {
    let harmful = |shown: &str| HARMFUL.iter().any(|sign| shown.contains(sign));
    let reads = read_all(answer.as_bytes(), NASTY.as_bytes(), 0).into_iter();
    let mut read = reads.filter(|read| !RAW.contains(&read.reader));
    read.find(|read| harmful(&read.shown)).map(|read| (read.reader, read.shown))
}

#[test]
fn terminal_sequences_vanish_and_words_stay() {
    assert_eq!(clean_text("\u{1b}[1;31mred\u{1b}[0m text"), "red text");
    assert_eq!(clean_text("\u{1b}]0;title\u{7}text \u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\"), "text link");
    assert_eq!(clean_text("\u{1b}Pq#0\u{1b}\\a\u{9d}0;x\u{9c}b\u{9b}31mc"), "abc");
    assert_eq!(clean_text("no end \u{1b}]0;title\nnext line"), "no end  next line");
    assert_eq!(clean_text("a\r\nb\tc"), "a  b c");
    assert_eq!(clean_text("<script>"), "‹script›");
    assert_eq!(clean_text("un nœud d'été — ノード"), "un nœud d'été — ノード");
}

#[test]
fn too_much_is_refused_whoever_reads_it() {
    let much = vec![b'a'; pve::INPUT_MAX_BYTES + 1];
    let reason = pve::Reason::TooLong { max_bytes: pve::INPUT_MAX_BYTES };
    assert_eq!(pve::files::content(Answer::ok(&much)).map_err(|error| error.reason), Err(reason.clone()));
    assert_eq!(pve::pmxcfs::members(Answer::ok(&much)).map_err(|error| error.reason), Err(reason.clone()));
    let text = String::from_utf8_lossy(&much);
    assert_eq!(pve::corosync_conf::read(&text).map_err(|error| error.reason), Err(reason));
    read_all(&much, &much, 0);
}

#[test]
fn silence_is_never_success() {
    for text in [&b""[..], b"\n", b"  \n\n"] {
        let answer = Answer::ok(text);
        assert!(pve::version::short(answer).is_err());
        assert!(pve::version::packages(answer).is_err());
        assert!(pve::host::node_name(answer).is_err());
        assert!(pve::host::clock_time(answer).is_err());
        assert!(pve::host::time(answer).is_err());
        assert!(pve::network::addresses(answer).is_err());
        assert!(pve::network::interfaces(answer).is_err());
        assert!(pve::network::routes(answer).is_err());
        assert!(pve::files::one_word(answer).is_err());
        assert!(pve::files::digests(answer).is_err());
        assert!(pve::packages::installed(answer).is_err());
        assert!(pve::pmxcfs::members(answer).is_err());
        assert!(pve::pmxcfs::guests(answer).is_err());
        assert!(pve::corosync_conf::conf(answer).is_err());
        assert!(pve::pvecm::cluster_status(answer).is_err());
        assert!(pve::quorumtool::quorum(answer).is_err());
        assert!(pve::quorumtool::members(answer).is_err());
        assert!(pve::cfgtool::link_rows(answer).is_err());
        assert!(pve::cfgtool::link_lines(answer).is_err());
        assert!(pve::cmap::entries(answer).is_err());
        assert!(pve::qdevice::qdevice(answer).is_err());
        assert!(pve::systemd::states(answer).is_err());
        assert!(pve::unit::state(answer).is_err());
        assert!(pve::probe::report(answer).is_err());
    }
}
