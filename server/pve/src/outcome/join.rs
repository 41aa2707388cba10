//! `pvecm add`.

use super::{LINES_MAX, REASONS_MAX, Words};
use crate::answer::Answer;
use crate::clean::clean_text;

/// How far a join has come, in the order of the words on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JoinStage {
    /// Checks, root's key, the request to the member.
    Request,
    /// `copy corosync auth key`: the member has added the node to corosync.conf.
    CopiedKey,
    /// `stopping pve-cluster service`
    StoppingPveCluster,
    /// `backup old database to '...'`
    Backup,
    /// `waiting for quorum...`: `pvecm` would wait here without end.
    WaitingForQuorum,
    /// `waiting for quorum...OK`
    QuorumOk,
    /// `(re)generate node files`, `merge authorized SSH keys`
    NodeFiles,
    /// `generate new node certificate`
    Certificate,
    /// `successfully added node 'NAME' to cluster.`
    Done,
}

/// What a join did, as far as its own words tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoinOutcome {
    Joined {
        name: String,
    },
    /// A check refused it; nothing was changed.
    Refused {
        reasons: Vec<String>,
    },
    /// It said that it failed; from [`JoinStage::CopiedKey`] on, the cluster may already have the node.
    Failed {
        stage: JoinStage,
        text: String,
    },
    /// It ended without a word about success or failure.
    Unclear {
        stage: JoinStage,
    },
}

/// Reads everything that one `pvecm add` printed.
#[must_use]
pub fn join(answer: Answer<'_>) -> JoinOutcome {
    let words = Words::of(answer);
    if let Some(name) = words.stdout.lines().take(LINES_MAX).find_map(joined_name) {
        return JoinOutcome::Joined { name: clean_text(name) };
    }
    let stage = words.stdout.lines().take(LINES_MAX).filter_map(join_stage).max().unwrap_or(JoinStage::Request);
    let reasons = refusals(&words);
    if stage == JoinStage::Request && !reasons.is_empty() {
        return JoinOutcome::Refused { reasons };
    }
    if !answer.timed_out() && (words.tells_failure() || answer.exit != 0) {
        return JoinOutcome::Failed { stage, text: words.failure() };
    }
    JoinOutcome::Unclear { stage }
}

/// The stage that a line of standard output begins; lines may still lack their end.
#[must_use]
pub fn join_stage(line: &str) -> Option<JoinStage> {
    let line = line.trim();
    let stage = if joined_name(line).is_some() {
        JoinStage::Done
    } else if line.starts_with("copy corosync auth key") {
        JoinStage::CopiedKey
    } else if line.starts_with("stopping pve-cluster service") {
        JoinStage::StoppingPveCluster
    } else if line.starts_with("backup old database") {
        JoinStage::Backup
    } else if line.starts_with("waiting for quorum") {
        if line.ends_with("OK") { JoinStage::QuorumOk } else { JoinStage::WaitingForQuorum }
    } else if line.starts_with("(re)generate node files") || line.starts_with("merge authorized SSH keys") {
        JoinStage::NodeFiles
    } else if line.starts_with("generate new node certificate") || line.starts_with("generated new node certificate") {
        JoinStage::Certificate
    } else if line.starts_with("Request addition of this node") || line.starts_with("Generating public/private") {
        JoinStage::Request
    } else {
        return None;
    };
    Some(stage)
}

fn joined_name(line: &str) -> Option<&str> {
    line.trim().strip_prefix("successfully added node '")?.strip_suffix("' to cluster.")
}

/// `detected the following error(s):` and its list, wrong parameters, and the folder that it must not start in.
fn refusals(words: &Words<'_>) -> Vec<String> {
    let mut reasons: Vec<String> = words
        .lines()
        .skip_while(|line| !line.starts_with("detected the following error(s)"))
        .skip(1)
        .filter_map(|line| line.strip_prefix("* "))
        .take(REASONS_MAX)
        .map(clean_text)
        .collect();
    reasons.extend(words.parameter_errors());
    if reasons.is_empty() {
        reasons.extend(words.find(&["Navigate out of /etc/pve", "Check if node may join a cluster failed"]));
    }
    reasons
}
