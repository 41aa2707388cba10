//! Words that do not belong into the code.

use crate::tree::{File, files, none, rust};
use std::collections::BTreeSet;

/// Put together here, so that this file does not hold what it looks for.
fn forbidden(parts: &[&str]) -> String {
    parts.concat()
}

fn lines_with<'a>(files: &'a [File], word: &'a str) -> impl Iterator<Item = String> + 'a {
    files.iter().flat_map(move |file| {
        let lines = file.text.lines().enumerate().filter(move |(_, line)| line.contains(word));
        lines.map(move |(at, line)| format!("{}:{}: {}", file.path, at + 1, line.trim()))
    })
}

#[test]
fn no_test_is_switched_off() {
    let files = rust();
    let found: Vec<String> = lines_with(&files, &forbidden(&["#[", "ignore"])).collect();
    none("tests that never run", &found);
}

#[test]
fn nothing_is_left_for_later() {
    let mut files = rust();
    for ending in ["mjs", "css", "sql", "toml"] {
        files.extend(self::files(ending));
    }
    let words = [["TO", "DO"], ["X", "XX:"], ["todo", "!("], ["unimplemented", "!("]];
    let mut found = Vec::new();
    for word in words {
        found.extend(lines_with(&files, &forbidden(&word)));
    }
    // A test may say that it asserts what is wrong today.
    files.retain(|file| !file.is_test());
    found.extend(lines_with(&files, &forbidden(&["FIX", "ME"])));
    none("a stub or a note instead of the thing", &found);
}

/// The lab's stand-ins are small synchronous programs and the tasks wait for other programs; everything else has a runtime.
#[test]
fn no_thread_sleeps() {
    let mut files = rust();
    files.retain(|file| !file.is_below("xtask"));
    let found: Vec<String> = lines_with(&files, &forbidden(&["thread::", "sleep"])).collect();
    none("a sleeping thread holds up everything on it", &found);
}

/// Where a runtime's time is paused, sleeping moves the simulated clock and waits for nothing.
#[test]
fn no_test_waits_by_sleeping() {
    let mut files = rust();
    files.retain(|file| file.is_test() && !file.path.contains("/examples/") && !file.is_below("xtask"));
    let paused: BTreeSet<String> = files.iter().filter(|file| file.text.contains("start_paused")).map(folder).collect();
    files.retain(|file| !paused.contains(&folder(file)));
    let found: Vec<String> = lines_with(&files, &forbidden(&["sle", "ep("])).collect();
    none("a test waits for a state, never for a time", &found);
}

fn folder(file: &File) -> String {
    file.path.rsplit_once('/').map_or_else(String::new, |(folder, _)| folder.to_owned())
}

#[test]
fn no_file_names_the_machine_it_was_written_on() {
    let mut all = rust();
    for ending in ["toml", "md", "mjs", "json", "css", "sql"] {
        all.extend(files(ending));
    }
    let mut found = Vec::new();
    for word in
        [&["\"/wo", "rk/"][..], &[" /wo", "rk/"], &["/root/", ".cargo"], &["/root/", ".rustup"], &["/home/", "user/"]]
    {
        found.extend(lines_with(&all, &forbidden(word)));
    }
    none("paths of somebody's machine", &found);
}
