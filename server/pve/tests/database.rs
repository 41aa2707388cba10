//! The copy of pmxcfs' database: whole, for root only, and once.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

use pve::CommandLine;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

const DATABASE: &str = "var/lib/pve-cluster/config.db";
const BACKUPS: &str = "var/lib/pve-cluster/backup";

/// Runs it with its files below `root`, where `sqlite3` is this script.
fn run(command: &CommandLine, root: &Path, sqlite3: &str) -> Output {
    let programs = root.join("programs");
    std::fs::create_dir_all(&programs).expect("a folder");
    let program = programs.join("sqlite3");
    std::fs::write(&program, format!("#!/bin/sh\n{sqlite3}\n")).expect("written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("allowed");
    let place =
        |word: &str| if word.starts_with("/var/") { format!("{}{word}", root.display()) } else { word.to_owned() };
    let mut words = command.argv().into_iter().map(place);
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").expect("a path"));
    Command::new(words.next().expect("a program")).args(words).env("PATH", path).output().expect("a shell")
}

fn machine() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(root.path().join("var/lib/pve-cluster")).expect("a folder");
    std::fs::write(root.path().join(DATABASE), "pages").expect("written");
    root
}

fn copies(root: &Path) -> Vec<String> {
    let Ok(found) = std::fs::read_dir(root.join(BACKUPS)) else { return Vec::new() };
    found.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

fn content(file: &Path) -> String {
    let output = Command::new("zcat").arg(file).output().expect("zcat");
    String::from_utf8(output.stdout).expect("text")
}

/// Prints what it was called with and the database, as a dump that is whole.
const WHOLE: &str = "echo \"$1 $3\"; cat \"$2\"; echo; echo 'COMMIT;'";

#[test]
fn a_copy_is_whole_and_for_root_only_and_the_first_one_stays() {
    let root = machine();
    let root = root.path();
    let name = "console-0000000000000000000000000000002a-3.sql.gz";
    let output = run(&pve::database::keep(42, 3), root, WHOLE);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let told = String::from_utf8(output.stdout).expect("text");
    assert!(told.trim_end().ends_with(&format!("{BACKUPS}/{name}")) && told.len() > 64, "{told}");
    assert_eq!(copies(root), [name]);
    let copy = root.join(BACKUPS).join(name);
    assert_eq!(content(&copy), "-readonly .dump\npages\nCOMMIT;\n");
    assert_eq!(copy.metadata().expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(copy.parent().expect("a folder").metadata().expect("there").permissions().mode() & 0o777, 0o700);
    std::fs::write(root.join(DATABASE), "changed by the step").expect("written");
    let again = run(&pve::database::keep(42, 3), root, WHOLE);
    assert_eq!(String::from_utf8(again.stdout).expect("text"), told, "what was there before the step stays");
    assert!(run(&pve::database::keep(42, 4), root, WHOLE).status.success());
    assert_eq!(copies(root).len(), 2, "another step has its own");
}

#[test]
fn a_script_that_runs_again_keeps_another_copy() {
    let root = machine();
    let root = root.path();
    let command = pve::database::keep_another(42, 3);
    let mut told = Vec::new();
    for content in ["pages", "a year later", "and again"] {
        std::fs::write(root.join(DATABASE), content).expect("written");
        let output = run(&command, root, WHOLE);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        told.push(String::from_utf8(output.stdout).expect("text"));
    }
    let name = |number: &str| format!("console-0000000000000000000000000000002a-3{number}.sql.gz");
    let names = ["", ".2", ".3"].map(name);
    let mut found = copies(root);
    found.sort();
    let mut wanted = names.to_vec();
    wanted.sort();
    assert_eq!(found, wanted, "and nothing else is left");
    for ((name, content), told) in names.iter().zip(["pages", "a year later", "and again"]).zip(&told) {
        let copy = root.join(BACKUPS).join(name);
        assert_eq!(self::content(&copy), format!("-readonly .dump\n{content}\nCOMMIT;\n"));
        assert_eq!(copy.metadata().expect("there").permissions().mode() & 0o777, 0o600, "{name}");
        assert!(told.trim_end().ends_with(&format!("{BACKUPS}/{name}")) && told.len() > 64, "{told}");
    }
}

#[test]
fn of_two_runs_at_the_same_time_each_keeps_its_own_copy() {
    let root = machine();
    let root = root.path();
    let first = "console-0000000000000000000000000000002a-3.sql.gz";
    // The other run is done while this one still reads the database.
    let other = format!("echo other >\"${{2%/*}}/backup/{first}\"; {WHOLE}");
    let output = run(&pve::database::keep_another(42, 3), root, &other);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let own = "console-0000000000000000000000000000002a-3.2.sql.gz";
    let mut found = copies(root);
    found.sort();
    assert_eq!(found, [own, first], "and nothing else is left");
    assert_eq!(std::fs::read(root.join(BACKUPS).join(first)).expect("there"), b"other\n");
    assert_eq!(content(&root.join(BACKUPS).join(own)), "-readonly .dump\npages\nCOMMIT;\n");
}

#[test]
fn what_is_not_whole_is_no_copy() {
    for command in [pve::database::keep(42, 0), pve::database::keep_another(42, 0)] {
        for (sqlite3, why) in [
            ("echo 'BEGIN;'; echo 'ROLLBACK; -- due to errors'", "damaged"),
            ("echo 'BEGIN;'; kill -9 $$", "killed"),
            ("echo 'COMMIT;'; exit 1", "failed"),
            ("exit 0", "silent"),
        ] {
            let root = machine();
            let output = run(&command, root.path(), sqlite3);
            assert_eq!(output.status.code(), Some(1), "{why}");
            assert!(String::from_utf8_lossy(&output.stdout).starts_with("no whole copy of"), "{why}: {output:?}");
            assert_eq!(copies(root.path()), [""; 0], "{why}");
        }
        let root = machine();
        std::fs::remove_file(root.path().join(DATABASE)).expect("removed");
        assert_eq!(run(&command, root.path(), WHOLE).status.code(), Some(1), "there is none");
        assert!(!root.path().join(DATABASE).exists(), "none is made by looking");
    }
}
