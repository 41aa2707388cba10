//! The words that the simulator is made of: every constant part of its texts must have been printed by something real.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

use crate::folder;

/// Parts of the simulator that print.
const FOLDERS: [&str; 2] = ["server/lab/src/programs", "server/lab/src/cluster"];

/// A constant part of a text, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    pub file: String,
    pub text: String,
}

/// Fragments that no recording has, by the reason why they may be there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argued {
    pub reason: Vec<Reason>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    pub why: String,
    pub fragments: Vec<String>,
}

/// Reads `fragments.toml`.
///
/// # Errors
/// It cannot be read.
pub fn argued() -> anyhow::Result<BTreeMap<String, String>> {
    let path = folder().join("fragments.toml");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let argued: Argued = toml::from_str(&text)?;
    let pairs = argued.reason.into_iter().flat_map(|reason| {
        let why = reason.why;
        reason.fragments.into_iter().map(move |fragment| (fragment, why.clone()))
    });
    Ok(pairs.collect())
}

/// Every constant fragment of every string in the simulator's printing parts.
///
/// # Errors
/// The sources cannot be read.
pub fn of_the_simulator() -> anyhow::Result<Vec<Fragment>> {
    let root = folder().join("../..");
    let mut found = Vec::new();
    for folder in FOLDERS {
        for file in fs::read_dir(root.join(folder))? {
            let path = file?.path();
            if path.file_name().is_some_and(|name| name != "tests.rs") {
                found.extend(of_file(&path)?);
            }
        }
    }
    found.sort_by(|one, other| (&one.file, &one.text).cmp(&(&other.file, &other.text)));
    found.dedup();
    Ok(found)
}

fn of_file(path: &Path) -> anyhow::Result<Vec<Fragment>> {
    let code = fs::read_to_string(path)?;
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let texts = literals(code).into_iter().flat_map(|literal| fragments(&literal));
    Ok(texts.map(|text| Fragment { file: file.clone(), text }).collect())
}

/// The strings of Rust code with their escapes resolved; comments are skipped.
#[must_use]
pub fn literals(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '/' if chars.peek() == Some(&'/') => {
                chars.by_ref().find(|c| *c == '\n');
            }
            // A character: a quote in it begins no string.
            '\'' => {
                let mut ahead = chars.clone();
                let first = ahead.next();
                let escaped = first == Some('\\');
                let end = if escaped { ahead.nth(1) } else { ahead.next() };
                if end == Some('\'') {
                    chars = ahead;
                }
            }
            '"' => found.push(literal(&mut chars)),
            _ => {}
        }
    }
    found
}

fn literal(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut text = String::new();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                // A line that goes on: what is indented behind it is not part of the text.
                Some('\n') => while chars.next_if(|c| c.is_whitespace()).is_some() {},
                other => text.extend(other),
            },
            c => text.push(c),
        }
    }
    text
}

/// The parts between placeholders and line ends that have words in them.
#[must_use]
pub fn fragments(literal: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = literal.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' if chars.next_if_eq(&'{').is_some() => push(&mut parts, '{'),
            '}' if chars.next_if_eq(&'}').is_some() => push(&mut parts, '}'),
            '{' => {
                chars.by_ref().find(|c| *c == '}');
                parts.push(String::new());
            }
            '\n' => parts.push(String::new()),
            c => push(&mut parts, c),
        }
    }
    let parts = parts.into_iter().map(|part| part.trim().to_owned());
    parts.filter(|part| part.chars().filter(|c| c.is_alphabetic()).count() > 1).collect()
}

fn push(parts: &mut [String], c: char) {
    if let Some(last) = parts.last_mut() {
        last.push(c);
    }
}
