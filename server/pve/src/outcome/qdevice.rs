//! `pvecm qdevice setup`.

use super::{LINES_MAX, Words};
use crate::answer::Answer;

/// How far the set-up has come, by its `INFO:` lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QdeviceStage {
    /// Checks, root's key to the qnetd host.
    Request,
    /// `initializing qnetd server`
    Qnetd,
    /// `copying CA cert and initializing on all nodes`
    Nodes,
    /// `generating cert request` to `copy and import pk12 cert to all nodes`
    Certificate,
    /// `add QDevice to cluster configuration`: corosync.conf has the device.
    Config,
    /// `start and enable corosync qdevice daemon on node '...'`
    Daemons,
    /// `Reloading corosync.conf...` / `Done`
    Reloaded,
}

/// What the set-up did, as far as its own words tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QdeviceOutcome {
    SetUp,
    /// A check refused it; nothing was changed.
    Refused {
        reasons: Vec<String>,
    },
    Failed {
        stage: QdeviceStage,
        text: String,
    },
    Unclear {
        stage: QdeviceStage,
    },
}

/// The words of the checks that `pvecm` makes before it changes anything.
const REFUSALS: [&str; 5] = [
    "QDevice already configured",
    "All nodes must be online",
    "odd node count",
    "is this node part of a cluster?",
    "cluster not ready",
];

/// Reads everything that one `pvecm qdevice setup` printed.
#[must_use]
pub fn qdevice(answer: Answer<'_>) -> QdeviceOutcome {
    let words = Words::of(answer);
    let stage = words.stdout.lines().take(LINES_MAX).filter_map(qdevice_stage).max().unwrap_or(QdeviceStage::Request);
    let reload_failed = words.find(&["ERROR from reload"]).is_some();
    if stage == QdeviceStage::Reloaded && answer.exit == 0 && !reload_failed {
        return QdeviceOutcome::SetUp;
    }
    let mut reasons = words.parameter_errors();
    reasons.extend(words.find(&REFUSALS));
    if stage == QdeviceStage::Request && !reasons.is_empty() {
        return QdeviceOutcome::Refused { reasons };
    }
    if !answer.timed_out() && (answer.exit != 0 || words.tells_failure()) {
        return QdeviceOutcome::Failed { stage, text: words.failure() };
    }
    QdeviceOutcome::Unclear { stage }
}

/// The stage that a line of standard output begins.
#[must_use]
pub fn qdevice_stage(line: &str) -> Option<QdeviceStage> {
    let line = line.trim();
    if line == "Done" {
        return Some(QdeviceStage::Reloaded);
    }
    let info = line.strip_prefix("INFO: ")?;
    if info.starts_with("initializing qnetd server") {
        Some(QdeviceStage::Qnetd)
    } else if info.starts_with("copying CA cert and initializing") {
        Some(QdeviceStage::Nodes)
    } else if info.starts_with("add QDevice to cluster configuration") {
        Some(QdeviceStage::Config)
    } else if info.starts_with("start and enable corosync qdevice daemon") {
        Some(QdeviceStage::Daemons)
    } else if info.contains("cert") || info.contains("CRT") {
        Some(QdeviceStage::Certificate)
    } else {
        None
    }
}
