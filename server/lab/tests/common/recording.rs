//! Reading the recordings, and taking out what differs from run to run.

use super::Ran;

/// One recorded command.
#[derive(Debug, Clone)]
pub struct Entry {
    pub command: String,
    pub address: String,
    pub ran: Ran,
}

/// All entries of `tests/fixtures/NAME.txt`.
pub fn recording(name: &str) -> Vec<Entry> {
    let path = format!("{}/tests/fixtures/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let mut entries: Vec<Entry> = Vec::new();
    let mut part = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("$ ") {
            let (command, on) = rest.split_once("        # on ").unwrap();
            let address = on.split(',').next().unwrap().to_owned();
            entries.push(Entry { command: command.to_owned(), address, ran: Ran::default() });
            part = "";
            continue;
        }
        let Some(entry) = entries.last_mut() else { continue };
        match line {
            "----- stdout" => part = "out",
            "----- stderr" => part = "err",
            _ if line.starts_with("----- exit ") => {
                entry.ran.code = line.trim_start_matches("----- exit ").parse().ok();
                part = "";
            }
            _ if part == "out" => entry.ran.out.push_str(&format!("{line}\n")),
            _ if part == "err" => entry.ran.err.push_str(&format!("{line}\n")),
            _ => {}
        }
    }
    entries
}

/// The recorded run of `command` on `address`, the `nth` one (from 0).
pub fn recorded(name: &str, command: &str, address: &str, nth: usize) -> Ran {
    recording(name)
        .into_iter()
        .filter(|entry| entry.command == command && entry.address == address)
        .nth(nth)
        .unwrap_or_else(|| panic!("{name} has no {command:?} on {address}"))
        .ran
}

/// Replaces only what cannot be the same twice.
pub fn normal(ran: &Ran) -> Ran {
    Ran { out: lines(&ran.out), err: lines(&ran.err), code: ran.code }
}

fn lines(text: &str) -> String {
    let mut out: Vec<String> = text.lines().map(line).collect();
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    out.join("\n")
}

fn line(line: &str) -> String {
    let bare = line.trim_start();
    let key = bare.split(':').next().unwrap_or_default();
    match key {
        "Date" => return "Date: DATE".to_owned(),
        "Last poll call" | "Connected since" => {
            let rest = line.split_once(" (").map_or("", |(_, rest)| rest);
            return format!("{key}: DATE ({rest}");
        }
        // The lowest node id stays, the sequence number goes.
        "Ring ID" => return line.rsplit_once('.').map_or_else(|| line.to_owned(), |(start, _)| format!("{start}.SEQ")),
        // The client's own port is whatever was free.
        "Client address" => {
            return line.rsplit_once(':').map_or_else(|| line.to_owned(), |(at, _)| format!("{at}:PORT"));
        }
        "\"version\"" | "\"starttime\"" | "\"clinfo\"" | "\"vmlist\"" => return format!("{key}: N{}", comma(line)),
        _ => {}
    }
    if line.starts_with("SHA256:") {
        let owner = line.split(' ').nth(1).unwrap_or_default();
        return format!("SHA256:PRINT {owner}");
    }
    if bare.starts_with('|') && bare.ends_with('|') {
        return "|art|".to_owned();
    }
    if let Some((start, rest)) = line.split_once("/backup/config-") {
        let rest = rest.trim_start_matches(|char: char| char.is_ascii_digit());
        return format!("{start}/backup/config-TIME{rest}");
    }
    line.to_owned()
}

fn comma(line: &str) -> &str {
    if line.ends_with(',') { "," } else { "" }
}

/// Compares word by word; the message shows both sides.
pub fn assert_same(what: &str, lab: &Ran, recorded: &Ran) {
    let (lab, recorded) = (normal(lab), normal(recorded));
    assert_eq!(lab.out, recorded.out, "standard output of {what} (left: lab, right: recorded)");
    assert_eq!(lab.err, recorded.err, "standard error of {what} (left: lab, right: recorded)");
    assert_eq!(lab.code, recorded.code, "exit code of {what}");
}
