//! Argued differences: `differences.toml`, the one file that says what may differ, and why.

use std::cell::RefCell;
use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::folder;

/// The shortest reason that is one, in characters.
const WHY_MIN_CHARS: usize = 20;
const LABS: [&str; 2] = ["simulated", "real"];

/// One row.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Name of the scenario's file; `*` stands for anything, here and below.
    pub scenario: String,
    pub command: String,
    /// Which side alone has these lines: `simulated`, `real` or `recorded`; `asked`: the command is not compared at all.
    pub side: String,
    /// The lab that is held against the recordings, where the row is about one of them only.
    #[serde(default)]
    pub lab: Option<String>,
    /// The whole line, normalised.
    pub pattern: String,
    /// Comes and goes with the load of the machine: a run without it does not make the row untrue.
    #[serde(default)]
    pub chance: bool,
    pub why: String,
}

/// What a line answers, and where.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// `simulated` or `real`.
    pub lab: &'a str,
    pub scenario: &'a str,
    pub command: &'a str,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    difference: Vec<Row>,
}

/// All rows, and which of them were needed.
#[derive(Debug)]
pub struct Differences {
    rows: Vec<Row>,
    used: RefCell<BTreeSet<usize>>,
}

impl Differences {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read, or a row has no reason.
    pub fn read() -> anyhow::Result<Self> {
        let path = folder().join("differences.toml");
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Self::of(toml::from_str::<File>(&text)?.difference)
    }

    /// These rows.
    ///
    /// # Errors
    /// A row without a reason or with a side that there is not.
    pub fn of(rows: Vec<Row>) -> anyhow::Result<Self> {
        for row in &rows {
            ensure!(row.why.chars().count() >= WHY_MIN_CHARS, "{row:?} is not argued");
            ensure!(["simulated", "real", "recorded", "asked"].contains(&row.side.as_str()), "{row:?}: which side?");
            let lab = row.lab.as_deref().unwrap_or(LABS[0]);
            ensure!(LABS.contains(&lab), "{row:?}: which lab?");
        }
        Ok(Self { rows, used: RefCell::default() })
    }

    /// Whether this line may stand on that side alone, while this lab is looked at.
    #[must_use]
    pub fn allow(&self, asked: Asked<'_>, side: &str, line: &str) -> bool {
        let Asked { lab, scenario, command } = asked;
        let mut found = false;
        for (at, row) in self.rows.iter().enumerate() {
            if row.side == side
                && row.lab.as_deref().is_none_or(|of| of == lab)
                && matches(&row.scenario, scenario)
                && matches(&row.command, command)
                && matches(&row.pattern, line)
            {
                self.used.borrow_mut().insert(at);
                found = true;
            }
        }
        found
    }

    /// Whether a recorded command is left out as a whole.
    #[must_use]
    pub fn leaves_out(&self, asked: Asked<'_>) -> bool {
        self.allow(asked, "asked", "")
    }

    /// Rows about this lab that none of these scenarios needed: they argue for something that is not so.
    ///
    /// Of the lab of real parts only the rows that name it are its own; all others are the simulated lab's.
    #[must_use]
    pub fn unused(&self, lab: &str, scenarios: &[&str]) -> Vec<Row> {
        let used = self.used.borrow();
        let own = |row: &Row| {
            let of = row.lab.as_deref().unwrap_or(if row.side == "real" { "real" } else { "simulated" });
            of == lab && !row.chance && scenarios.iter().any(|scenario| matches(&row.scenario, scenario))
        };
        let left = self.rows.iter().enumerate().filter(|(at, row)| !used.contains(at) && own(row));
        left.map(|(_, row)| row.clone()).collect()
    }
}

/// `*` stands for any text, everything else for itself.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}
