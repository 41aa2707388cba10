//! The recordings of real nodes (`server/pve/tests/fixtures`).

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};

use crate::{Answer, folder};

/// One recorded command.
#[derive(Debug, Clone)]
pub struct Entry {
    pub command: String,
    /// The address of the node that it ran on; the lab's name of it in recordings made out of band.
    pub on: String,
    pub answer: Answer,
    /// Recorded out of band: what went to standard error stands among the rest.
    pub merged: bool,
}

fn fixtures() -> PathBuf {
    folder().join("../../server/pve/tests/fixtures")
}

/// All commands of `pve-9.2/NAME.txt`, in order.
///
/// # Errors
/// There is no such recording, or nothing in it.
pub fn read(name: &str) -> anyhow::Result<Vec<Entry>> {
    let path = fixtures().join(format!("pve-9.2/{name}.txt"));
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let entries = entries(&text);
    ensure!(!entries.is_empty(), "{name} records no command");
    Ok(entries)
}

fn entries(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut part = Part::Head;
    for line in text.lines() {
        if let Some((command, on)) = head(line) {
            entries.push(Entry { command, on, answer: Answer::default(), merged: true });
            // Out of band there are no marks: everything is what was printed.
            part = Part::Out;
            continue;
        }
        let Some(entry) = entries.last_mut() else { continue };
        match line {
            "----- stdout" => {
                part = Part::Out;
                entry.merged = false;
            }
            "----- stderr" => part = Part::Err,
            _ if line.starts_with("----- exit ") => {
                let code = line.trim_start_matches("----- exit ").split(' ').next();
                entry.answer.exit = code.and_then(|code| code.parse().ok());
                part = Part::Head;
            }
            _ => match part {
                Part::Out => entry.answer.stdout.push_str(&format!("{line}\n")),
                Part::Err => entry.answer.stderr.push_str(&format!("{line}\n")),
                Part::Head => {}
            },
        }
    }
    entries
}

enum Part {
    Head,
    Out,
    Err,
}

/// `$ command        # on 10.0.1.11, 846 ms`
fn head(line: &str) -> Option<(String, String)> {
    let (command, on) = line.strip_prefix("$ ")?.split_once(" # on ")?;
    let on = on.split([',', ' ']).next()?;
    Some((command.trim().trim_start_matches("timeout 20 ").to_owned(), on.to_owned()))
}

/// What plain corosync 3.1.7 answered: `STATE.NODE.COMMAND.txt` with its exit code beside it.
///
/// # Errors
/// There is no such recording.
pub fn plain(state: &str, node: &str) -> anyhow::Result<Vec<Entry>> {
    let folder = fixtures().join("corosync-3.1.7");
    let prefix = format!("{state}.{node}.");
    let mut entries = Vec::new();
    for file in fs::read_dir(&folder)? {
        let path = file?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(command) = name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(".txt")) else { continue };
        let code = fs::read_to_string(path.with_extension("txt.rc"))?;
        let exit = code.trim().trim_start_matches("exit=").parse().ok();
        let answer = Answer { stdout: fs::read_to_string(&path)?, stderr: String::new(), exit };
        entries.push(Entry {
            command: format!("corosync-{}", command.replace('_', " ")),
            on: node.to_owned(),
            answer,
            merged: false,
        });
    }
    ensure!(!entries.is_empty(), "{state} was not recorded on {node}");
    entries.sort_by(|one, other| one.command.cmp(&other.command));
    Ok(entries)
}

/// Everything that was ever recorded, commands and answers, as one text.
///
/// # Errors
/// A recording cannot be read.
pub fn everything() -> anyhow::Result<String> {
    let mut text = String::new();
    let mut folders = vec![fixtures(), folder().join("transcripts")];
    while let Some(folder) = folders.pop() {
        let Ok(files) = fs::read_dir(&folder) else { continue };
        for file in files {
            let path = file?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|ending| ending != "md") {
                text.push_str(&fs::read_to_string(&path).with_context(|| path.display().to_string())?);
                text.push('\n');
            }
        }
    }
    Ok(text)
}
