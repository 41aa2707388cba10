//! `pvecm create`.

use super::{LINES_MAX, Words};
use crate::answer::Answer;

/// How far creating has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CreateStage {
    /// Checks, root's key.
    Request,
    /// `Corosync Cluster Engine Authentication key generator.`
    AuthKey,
    /// `Writing corosync config to /etc/pve/corosync.conf`
    Config,
    /// `Restart corosync and cluster filesystem`
    Restart,
}

/// What creating did, as far as its own words tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateOutcome {
    Created,
    /// A check refused it; nothing was changed.
    Refused {
        reasons: Vec<String>,
    },
    Failed {
        stage: CreateStage,
        text: String,
    },
    Unclear {
        stage: CreateStage,
    },
}

/// Reads everything that one `pvecm create` printed.
#[must_use]
pub fn create(answer: Answer<'_>) -> CreateOutcome {
    let words = Words::of(answer);
    let stage = words.stdout.lines().take(LINES_MAX).filter_map(create_stage).max().unwrap_or(CreateStage::Request);
    if stage == CreateStage::Restart && answer.exit == 0 {
        return CreateOutcome::Created;
    }
    let mut reasons = words.parameter_errors();
    reasons.extend(words.find(&["cluster config '/etc/pve/corosync.conf' already exists"]));
    if stage == CreateStage::Request && !reasons.is_empty() {
        return CreateOutcome::Refused { reasons };
    }
    if !answer.timed_out() && (answer.exit != 0 || words.tells_failure()) {
        return CreateOutcome::Failed { stage, text: words.failure() };
    }
    CreateOutcome::Unclear { stage }
}

/// The stage that a line of standard output begins.
#[must_use]
pub fn create_stage(line: &str) -> Option<CreateStage> {
    let line = line.trim();
    if line.starts_with("Corosync Cluster Engine Authentication key generator") {
        Some(CreateStage::AuthKey)
    } else if line.starts_with("Writing corosync config to") {
        Some(CreateStage::Config)
    } else if line.starts_with("Restart corosync and cluster filesystem") {
        Some(CreateStage::Restart)
    } else if line.starts_with("Generating public/private") {
        Some(CreateStage::Request)
    } else {
        None
    }
}
