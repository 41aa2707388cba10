//! Conformance: what each tool prints, and who knows what when.
//!
//! A scenario (`scenarios/*.toml`) is played on a [`side::Side`], the simulated lab or the lab of real parts, and every
//! answer is held against a recording of real nodes. What differs from run to run is hidden in one place
//! ([`normal`]), what may differ is argued in one file (`differences.toml`); a row there that is never used fails.

pub mod compare;
pub mod differences;
pub mod fragments;
pub mod normal;
pub mod order;
pub mod play;
pub mod real;
pub mod recording;
pub mod scenario;
pub mod side;
pub mod simulated;
pub mod words;

use std::path::PathBuf;

/// The folder of this crate, where scenarios and argued differences lie.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// One answer of a program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    pub stdout: String,
    pub stderr: String,
    pub exit: Option<i32>,
}
