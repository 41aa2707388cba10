//! A short fuzz run without a special compiler: recordings, damaged in every way, given to every reader.
//!
//! `fuzz --seconds N [--seed S]`; the seed of a run is printed, an input that breaks a reader is kept beside the target.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a tool of the tests")]

#[path = "../tests/support/readers.rs"]
mod readers;
#[path = "../tests/support/mod.rs"]
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long a run is when nothing else is asked for, in seconds.
const SECONDS: u64 = 20;
/// The most changes of one input.
const CHANGES_MAX: u64 = 12;
/// The longest input, in bytes: readers refuse more than a megabyte at once, and short inputs are quick.
const INPUT_MAX_BYTES: usize = 1 << 16;
/// Bytes that mean something to a format.
const TOKENS: [&[u8]; 20] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"=",
    b",",
    b"\"",
    b"\n\n",
    b"\0",
    b"\xff\xfe",
    b"\x1b]0;t\x07",
    b"\x1b[31m",
    b"<script>",
    b"0x",
    b"-1",
    b"4294967296",
    b"99999999999999999999",
    b"Quorum information\n",
    b"(local)",
];

/// Marsaglia's xorshift64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).expect("a length");
        usize::try_from(self.next() % end).expect("below a length")
    }
}

fn main() -> ExitCode {
    let (seconds, seed) = arguments();
    let corpus: Vec<Vec<u8>> = support::all().into_iter().map(|entry| entry.stdout.into_bytes()).collect();
    println!("fuzz: seed {seed}, {seconds} s, {} recordings", corpus.len());
    let mut random = Random(seed.max(1));
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut runs, mut read) = (0_u64, 0_u64);
    while Instant::now() < end {
        let input = input(&mut random, &corpus);
        let exit = [0, 1, 2, 124, -1][random.below(5)];
        let cuts = [random.below(usize::MAX), random.below(usize::MAX), random.below(usize::MAX)];
        match catch_unwind(AssertUnwindSafe(|| look(&input, exit, &cuts))) {
            Ok(Ok(understood)) => read += understood,
            Ok(Err(what)) => return broken(&input, exit, &what),
            Err(_) => return broken(&input, exit, "a reader panicked"),
        }
        runs += 1;
    }
    println!("fuzz: {runs} inputs, {read} of the answers were understood, nothing broke");
    ExitCode::SUCCESS
}

fn arguments() -> (u64, u64) {
    let words: Vec<String> = std::env::args().collect();
    let number = |name: &str| words.windows(2).find(|pair| pair[0] == name).and_then(|pair| pair[1].parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
    (number("--seconds").unwrap_or(SECONDS), number("--seed").unwrap_or(now))
}

/// Gives an input to every reader; how many understood it, or what is wrong.
fn look(input: &[u8], exit: i32, cuts: &[usize]) -> Result<u64, String> {
    let mut understood = 0;
    for read in readers::read_all(input, b"", exit) {
        understood += u64::from(read.shown.starts_with("Ok("));
        let harmful = ["<script", "\\u{1b}"].iter().any(|sign| read.shown.contains(sign));
        if harmful && !readers::RAW.contains(&read.reader) {
            return Err(format!("{} hands on what a page must not show: {}", read.reader, read.shown));
        }
    }
    if readers::blocks(&[input]) == readers::blocks(&readers::pieces(input, cuts)) {
        Ok(understood)
    } else {
        Err(format!("blocks depend on where the stream is cut: {cuts:?}"))
    }
}

/// One recording with some changes.
fn input(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.next() % CHANGES_MAX {
        change(random, corpus, &mut bytes);
    }
    bytes.truncate(INPUT_MAX_BYTES);
    bytes
}

fn change(random: &mut Random, corpus: &[Vec<u8>], bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len() + 1);
    let end = (at + random.below(64)).min(bytes.len());
    match random.below(7) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 if at < bytes.len() => bytes[at] = u8::try_from(random.below(256)).expect("a byte"),
        2 => drop(bytes.drain(at..end)),
        3 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        4 => bytes.truncate(at),
        5 => {
            let other = &corpus[random.below(corpus.len())];
            let from = random.below(other.len() + 1);
            let part = other[from..].iter().take(512).copied().collect::<Vec<u8>>();
            bytes.splice(at..at, part);
        }
        _ => drop(bytes.splice(at..at, TOKENS[random.below(TOKENS.len())].iter().copied())),
    }
}

fn broken(input: &[u8], exit: i32, what: &str) -> ExitCode {
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let path = folder.join("fuzz-input");
    match std::fs::write(&path, input) {
        Ok(()) => println!("fuzz: exit code {exit}: {what}; the input is in {}", path.display()),
        Err(error) => println!("fuzz: exit code {exit}: {what}; the input could not be kept: {error}; {input:?}"),
    }
    ExitCode::FAILURE
}
