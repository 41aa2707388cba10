//! Architecture invariant 4: one door for command lines, one for the audit.

use crate::tree::{File, none, root, rust};

/// Programs that run on nodes. Their names in a text of the product mean a command line built by hand.
const PROGRAMS: [&str; 9] = [
    "pvecm ",
    "systemd-run ",
    "systemctl ",
    "journalctl ",
    "corosync-quorumtool ",
    "corosync-cfgtool ",
    "corosync-cmapctl ",
    "ssh-keygen ",
    "bash -c",
];

#[test]
fn a_command_line_has_no_public_part_and_no_public_constructor() {
    let path = root().join("server/pve/src/command.rs");
    let text = std::fs::read_to_string(path).expect("the file of CommandLine");
    let body =
        text.split("pub struct CommandLine {").nth(1).and_then(|rest| rest.split("\n}").next()).expect("the type");
    let open: Vec<String> =
        body.lines().filter(|line| line.trim_start().starts_with("pub")).map(str::to_owned).collect();
    none("public fields", &open);
    let mut makers = Vec::new();
    for file in rust().iter().filter(|file| file.is_below("server/pve/src")) {
        let code = file.code();
        for part in code.split("impl CommandLine {").skip(1) {
            let own = part.split("\n}").next().unwrap_or_default();
            let public = own
                .lines()
                .map(str::trim_start)
                .filter(|line| line.starts_with("pub fn") || line.starts_with("pub const fn"));
            // What takes no `self` makes a new one.
            makers.extend(public.filter(|line| !line.contains("self")).map(|line| format!("{}: {line}", file.path)));
        }
        assert!(
            !code.contains("Default for CommandLine") && !code.contains("for CommandLine {\n    fn from"),
            "{}",
            file.path
        );
    }
    none("anybody could build a command line by", &makers);
}

#[test]
fn nobody_but_pve_writes_commands() {
    let product = |file: &File| {
        // The pages may show a command to people; the crates behind them may not write one.
        let folders = ["server/engine/src", "server/ssh/src", "server/src", "server/store/src", "app/model/src"];
        folders.iter().any(|folder| file.is_below(folder)) && !file.is_test()
    };
    let mut written = Vec::new();
    for file in rust().iter().filter(|file| product(file)) {
        for text in string_literals(&file.code()) {
            if PROGRAMS.iter().any(|program| text.contains(program)) {
                written.push(format!("{}: {text:?}", file.path));
            }
        }
    }
    none("commands are written in crate pve", &written);
}

#[test]
fn only_the_recorder_appends_to_the_audit() {
    let mut calls = Vec::new();
    let mut doors = 0;
    for file in rust().iter().filter(|file| !file.is_test()) {
        if file.is_below("server/store") || file.is_below("server/lab") || file.is_below("xtask") {
            continue;
        }
        let appends = file.code().matches(".append(").count() + file.code().matches("AuditStore::append(").count();
        if file.is_below("server/engine/src/audit") {
            doors += appends;
        } else if appends > 0 {
            calls.push(file.path.clone());
        }
    }
    assert!(doors > 0, "the recorder itself was not found");
    none("only engine::audit appends to the audit (lists grow by extend)", &calls);
}

/// The texts between double quotes; escapes stay as they are written.
fn string_literals(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // A quote as a character: '"'.
            '\'' if chars.peek() == Some(&'"') => {
                chars.next();
            }
            '"' => {
                let mut text = String::new();
                while let Some(c) = chars.next() {
                    match c {
                        '\\' => text.extend(chars.next()),
                        '"' => break,
                        other => text.push(other),
                    }
                }
                found.push(text);
            }
            _ => {}
        }
    }
    found
}

#[test]
fn texts_are_found_among_code() {
    assert_eq!(string_literals(r#"let a = "one \" two"; let q = '"'; f("three")"#), ["one \" two", "three"]);
}
