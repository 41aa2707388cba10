//! Reads the recordings in `tests/fixtures` (see its README for where they come from).
#![allow(dead_code, clippy::expect_used, clippy::panic, reason = "helpers of tests, each test file uses its part")]

use pve::Answer;
use std::fs;
use std::path::{Path, PathBuf};

/// One command of a recording with what it answered.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// File and line, for messages.
    pub place: String,
    /// As recorded, without its remarks.
    pub command: String,
    pub stdout: String,
    pub stderr: String,
    pub exit: i32,
}

impl Recorded {
    pub fn answer(&self) -> Answer<'_> {
        Answer::new(self.stdout.as_bytes(), self.stderr.as_bytes(), self.exit)
    }
}

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

pub fn text(path: &str) -> String {
    let path = fixtures().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every recorded command there is.
pub fn all() -> Vec<Recorded> {
    let mut out = Vec::new();
    for path in files("pve-9.2") {
        out.extend(entries(&path));
    }
    for folder in folders("bundles") {
        for path in files(&folder) {
            out.extend(entries(&path));
        }
    }
    out.extend(plain_corosync());
    out
}

/// The commands of one file in the order of recording.
pub fn entries(path: &str) -> Vec<Recorded> {
    let text = text(path);
    let mut starts: Vec<(usize, usize, &str)> = Vec::new();
    let mut offset = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if let Some(command) = head(line) {
            starts.push((number + 1, offset, command));
        }
        offset += line.len();
    }
    let ends = starts.iter().skip(1).map(|(_, start, _)| *start).chain([text.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|((number, start, command), end)| {
            let block = &text[*start..end];
            let body = block.split_once('\n').map_or("", |(_, body)| body);
            recorded(format!("{path}:{number}"), command, body)
        })
        .collect()
}

/// The first entry of a file with this command.
pub fn entry(path: &str, command: &str) -> Recorded {
    nth(path, command, 0)
}

pub fn nth(path: &str, command: &str, index: usize) -> Recorded {
    let found = entries(path).into_iter().filter(|entry| entry.command == command).nth(index);
    found.unwrap_or_else(|| panic!("{path} has no {command} number {index}"))
}

/// Plain corosync: one file for one answer, its exit code beside it.
pub fn plain(name: &str, command: &str) -> Recorded {
    let path = format!("corosync-3.1.7/{name}.{}.txt", command.trim_start_matches("corosync-").replace(' ', "_"));
    let code = text(&format!("{path}.rc"));
    let exit = code.trim().trim_start_matches("exit=").parse().expect("an exit code");
    Recorded { command: command.to_owned(), stdout: text(&path), stderr: String::new(), exit, place: path }
}

fn plain_corosync() -> Vec<Recorded> {
    let mut out = Vec::new();
    for path in files("corosync-3.1.7") {
        let name = path.rsplit('/').next().expect("a name");
        if let Some(stem) = name.strip_suffix(".txt").filter(|stem| stem.matches('.').count() == 2) {
            let (state, command) = stem.split_at(stem.rfind('.').expect("a point"));
            let command = format!("corosync-{}", command.trim_start_matches('.').replace('_', " "));
            out.push(plain(state, &command));
        }
    }
    for name in ["corosync.conf.3node", "corosync.conf.qdevice"] {
        let path = format!("corosync-3.1.7/{name}");
        out.push(recorded(path.clone(), "cat /etc/corosync/corosync.conf", &text(&path)));
    }
    for name in ["expected1_isolated.txt", "expected1_majority.txt"] {
        out.push(expected(&format!("corosync-3.1.7/{name}")));
    }
    let whole = [("qdevice-tool.txt", "corosync-qdevice-tool -sv"), ("quorumtool_-h.txt", "corosync-quorumtool -h")];
    for (name, command) in whole {
        let path = format!("corosync-3.1.7/{name}");
        out.push(recorded(path.clone(), command, &text(&path)));
    }
    out
}

/// `corosync-quorumtool -e 1`: what it said, then `exit=N`.
fn expected(path: &str) -> Recorded {
    let text = text(path);
    let (said, code) = text.trim_end().rsplit_once("exit=").expect("an exit code");
    Recorded {
        place: path.to_owned(),
        command: "corosync-quorumtool -e 1".to_owned(),
        stdout: String::new(),
        stderr: said.to_owned(),
        exit: code.parse().expect("an exit code"),
    }
}

/// Every file below the folder of recordings, by its path there.
pub fn every_file() -> Vec<String> {
    let mut folders = vec![String::new()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(fixtures().join(&folder)).expect("a folder of recordings") {
            let entry = entry.expect("an entry");
            let path = format!("{folder}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                folders.push(format!("{path}/"));
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// `$ command  # on ADDRESS, N ms`, `# t=+1s   $ command   # on ...`, `== FILE`
fn head(line: &str) -> Option<&str> {
    let line = line.trim_end();
    let rest = match line.strip_prefix("# t=") {
        Some(rest) => rest.split_once(' ')?.1.trim_start(),
        None => line,
    };
    if let Some(file) = rest.strip_prefix("== ") {
        return Some(file.trim());
    }
    let command = rest.strip_prefix("$ ")?;
    Some(command.split(" # on ").next()?.trim())
}

fn recorded(place: String, command: &str, body: &str) -> Recorded {
    let mut out = Recorded {
        place,
        command: command.strip_prefix("timeout 5 ").unwrap_or(command).to_owned(),
        stdout: String::new(),
        stderr: String::new(),
        exit: 0,
    };
    let mut to_stderr = false;
    for line in body.split_inclusive('\n') {
        let bare = line.trim_end_matches('\n');
        let number = |text: &str| text.split_whitespace().next().and_then(|word| word.parse().ok());
        if bare == "----- stdout" {
            continue;
        } else if bare == "----- stderr" {
            to_stderr = true;
        } else if let Some(code) = bare.strip_prefix("----- exit ").and_then(number) {
            out.exit = code;
            return out;
        } else if let Some((before, code)) = bare.rsplit_once("[exit ") {
            out.stdout.push_str(before);
            out.exit = code.trim_end_matches(']').parse().expect("an exit code");
            return out;
        } else if to_stderr {
            out.stderr.push_str(line);
        } else {
            out.stdout.push_str(line);
        }
    }
    out
}

fn files(folder: &str) -> Vec<String> {
    names(folder, false)
}

fn folders(folder: &str) -> Vec<String> {
    names(folder, true)
}

fn names(folder: &str, wanted_folder: bool) -> Vec<String> {
    let mut out: Vec<String> = fs::read_dir(fixtures().join(folder))
        .expect("a folder of recordings")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().is_dir() == wanted_folder && entry.file_name() != "FAULT")
        .map(|entry| format!("{folder}/{}", entry.file_name().to_string_lossy()))
        .collect();
    out.sort();
    out
}
