//! A plan in words: what stands beside its commands where it leaves the console.

use serde::{Deserialize, Serialize};

/// Sentences in one language, without line breaks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    /// What it is, what it is not, and what will happen.
    pub head: Vec<String>,
    /// For each step: where it runs, what it does, what proves it, how it is taken back.
    pub steps: Vec<Vec<String>>,
}
