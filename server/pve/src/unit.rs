//! Transient units: long commands that outlive the connection.
//!
//! The unit's name is the key that lets a command start only once (`systemd-run(1)`, `systemctl show`).

use crate::answer::Answer;
use crate::command::{CommandLine, LARGE_OUTPUT_MAX_BYTES};
use crate::error::ParseError;
use model::facts::UnitState;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

const WHAT: &str = "systemctl show";
/// The longest name of a unit without `.service`, in characters.
const NAME_MAX_CHARS: usize = 100;
/// The properties that [`state`] reads.
const PROPERTIES: &str = "LoadState,ActiveState,SubState,Result,ExecMainStatus,ExecMainCode";
/// How much of a unit's endless output is read at its end, in bytes.
const LAST_OUTPUT_BYTES: u32 = 1 << 16;
/// The exit code that stands for a unit whose own code is not known.
const CODE_UNKNOWN: i32 = -1;

/// The name of a transient unit without `.service`: `a-z`, `0-9` and `-`, beginning with a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitName(String);

/// The name has characters that a unit of this product never has, or is empty or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a unit name: a-z, 0-9 and -, at most {NAME_MAX_CHARS} characters")]
pub struct BadUnitName;

impl UnitName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the unit's standard output is kept on the node until [`remove_output`].
    #[must_use]
    pub fn stdout_path(&self) -> String {
        format!("/run/{}.out", self.0)
    }

    #[must_use]
    pub fn stderr_path(&self) -> String {
        format!("/run/{}.err", self.0)
    }
}

impl FromStr for UnitName {
    type Err = BadUnitName;

    fn from_str(text: &str) -> Result<Self, BadUnitName> {
        let fits = text.len() <= NAME_MAX_CHARS
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if fits { Ok(Self(text.to_owned())) } else { Err(BadUnitName) }
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How starting a unit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    Started,
    /// A unit of this name exists already: the command was started before and must not be started again.
    Already,
}

/// Reads the answer of [`CommandLine::as_unit`].
///
/// # Errors
/// Everything but success and the known words of a second start.
pub fn started(answer: Answer<'_>) -> Result<Started, ParseError> {
    const WHAT: &str = "systemd-run";
    answer.text(WHAT)?;
    if answer.exit == 0 {
        return Ok(Started::Started);
    }
    if answer.stderr_text().contains("was already loaded or has a fragment file") {
        return Ok(Started::Already);
    }
    Err(answer.failure(WHAT))
}

/// Asks for the state of a unit.
#[must_use]
pub fn show(unit: &UnitName) -> CommandLine {
    CommandLine::reads("systemctl").args(["show", "-p", PROPERTIES]).arg(format!("{unit}.service"))
}

/// Reads the answer of [`show`].
///
/// # Errors
/// An answer without `LoadState` or `ActiveState`.
pub fn state(answer: Answer<'_>) -> Result<UnitState, ParseError> {
    let text = answer.printed(WHAT, &[0])?;
    let properties = crate::systemd::properties(&text);
    let get = |name: &str| properties.get(name).map(String::as_str);
    let load = get("LoadState").ok_or_else(|| ParseError::missing(WHAT, "LoadState"))?;
    let active = get("ActiveState").ok_or_else(|| ParseError::missing(WHAT, "ActiveState"))?;
    let code = get("ExecMainStatus").and_then(|text| text.parse().ok()).unwrap_or(CODE_UNKNOWN);
    if load == "not-found" {
        return Ok(UnitState::NotFound);
    }
    match (active, get("SubState")) {
        ("active", Some("exited")) => Ok(UnitState::Exited { code }),
        ("active" | "activating" | "deactivating" | "reloading", _) => Ok(UnitState::Running),
        // A plain non-zero exit is an answer of the program; everything else ended it from outside.
        ("failed", _) if get("Result") == Some("exit-code") && code > 0 => Ok(UnitState::Exited { code }),
        ("failed", _) => Ok(UnitState::Failed { code }),
        ("inactive", _) if get("Result") == Some("success") => Ok(UnitState::Exited { code }),
        ("inactive", _) => Ok(UnitState::Failed { code }),
        _ => Err(ParseError::malformed(WHAT, "ActiveState", active)),
    }
}

/// One of a unit's two output files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    Stdout,
    Stderr,
}

/// Reads a unit's output from byte `offset` on, counted from 0; a missing file is exit 1.
#[must_use]
pub fn read_output(unit: &UnitName, output: Output, offset: u64) -> CommandLine {
    CommandLine::reads("tail")
        .arg("-c")
        .arg(format!("+{}", offset.saturating_add(1)))
        .arg(path(unit, output))
        .output_max(LARGE_OUTPUT_MAX_BYTES)
}

/// Reads the last [`LAST_OUTPUT_BYTES`] of a unit's output, where it printed more than can be read.
#[must_use]
pub fn read_last_output(unit: &UnitName, output: Output) -> CommandLine {
    CommandLine::reads("tail").arg("-c").arg(LAST_OUTPUT_BYTES.to_string()).arg(path(unit, output))
}

/// The bytes that [`read_output`] brought; empty where there is nothing new.
///
/// # Errors
/// A missing file or an ended time limit.
pub fn new_output(answer: Answer<'_>) -> Result<Vec<u8>, ParseError> {
    const WHAT: &str = "tail";
    answer.text(WHAT)?;
    if answer.exit == 0 { Ok(answer.stdout.to_vec()) } else { Err(answer.failure(WHAT)) }
}

/// Ends a unit that is over (or must be over), so that systemd forgets it.
#[must_use]
pub fn stop(unit: &UnitName) -> CommandLine {
    CommandLine::changes("systemctl").arg("stop").arg(format!("{unit}.service"))
}

/// Forgets a failed unit.
#[must_use]
pub fn reset_failed(unit: &UnitName) -> CommandLine {
    CommandLine::changes("systemctl").arg("reset-failed").arg(format!("{unit}.service"))
}

/// Removes a unit's two output files.
#[must_use]
pub fn remove_output(unit: &UnitName) -> CommandLine {
    CommandLine::changes("rm").arg("-f").arg(unit.stdout_path()).arg(unit.stderr_path())
}

fn path(unit: &UnitName, output: Output) -> String {
    match output {
        Output::Stdout => unit.stdout_path(),
        Output::Stderr => unit.stderr_path(),
    }
}
