//! Who ran `pvecm expected`: one run with everybody and everything around it, put together from what is stored.
//!
//! What safety.md asks of the record: requester, approver, reason, a proof of death per node, the quorum before and after, how
//! long the votes stayed lowered, and what raised them.

mod run;
mod sighting;
#[cfg(test)]
mod tests;

pub use run::{lowered_side, may_be_lowered_since};
pub use sighting::{AGE_LOWERED, Sighting, last_written};

use self::run::{Run, is_refused};
use crate::approval::{Agreed, Request, RequestState, Review};
use crate::audit::{AuditCode, AuditEntry, ChainedEntry, Outcome};
use crate::ids::{ClusterId, OperationId, RequestId};
use crate::observation::Freshness;
use crate::operation::{Operation, OperationState};
use crate::plan::Consequence;
use crate::segment::Unread;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Details of `AuditCode::QuorumSeen`: at which moment it was looked at.
pub const DETAIL_MOMENT: &str = "moment";
/// Of those and of `AuditCode::ExpectedRestored`: whether that side had a quorum then, [`YES`] or [`NO`].
pub const DETAIL_QUORATE: &str = "quorate";
pub const YES: &str = "yes";
pub const NO: &str = "no";
/// Who knocked at each absent node and heard nothing, right before the command.
pub const DETAIL_SILENT_TO: &str = "silent_to";
/// Who could not knock, or not everywhere, and why.
pub const DETAIL_UNASKED: &str = "unasked";
/// Of entries about votes that were lowered: when a node last told that they are.
pub const DETAIL_LAST_SEEN: &str = "last_seen";
/// Of the entry that somebody went on with an operation: that they agreed to it by that.
pub const DETAIL_AGREED: &str = "agreed";
/// What stands there.
pub const ANEW: &str = "anew";
/// Right before the command.
pub const BEFORE: &str = "before";
/// When the proof was there.
pub const AFTER: &str = "after";

/// The quorum as a node told it around the command, word for word in the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuorumSeen {
    pub at: Timestamp,
    /// The entry that holds it.
    pub entry: u64,
    pub quorate: bool,
    pub expected: u32,
    pub votes: u32,
    pub quorum: u32,
    /// Names, separated by commas.
    pub members: String,
    /// What `corosync-quorumtool` printed.
    pub printed: String,
    /// Who knocked at each absent node and heard nothing; empty where nobody had to, or it was not written down.
    pub silent_to: String,
    /// Who could not.
    pub unasked: String,
}

/// Somebody who agreed to an operation once more, by going on with it after the first agreement had grown too old.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedAnew {
    pub by: String,
    pub at: Timestamp,
}

/// Those who agreed anew, the first of them first. Entries in any order.
#[must_use]
pub fn agreed_anew<'a>(entries: impl IntoIterator<Item = &'a ChainedEntry>) -> Vec<AgreedAnew> {
    let is_agreement = |one: &&ChainedEntry| {
        one.entry.code == AuditCode::OperationResumed
            && one.entry.details.get(DETAIL_AGREED).is_some_and(|word| word == ANEW)
    };
    let mut all: Vec<&ChainedEntry> = entries.into_iter().filter(is_agreement).collect();
    all.sort_by_key(|one| one.index);
    all.into_iter().map(|one| AgreedAnew { by: one.entry.who.clone(), at: one.entry.at }).collect()
}

/// How it came that it could run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedTo {
    pub request: RequestId,
    pub requested_by: String,
    pub requested_at: Timestamp,
    pub agreed: Agreed,
    /// What somebody else said afterwards, where one person did it alone.
    pub review: Option<Review>,
}

/// What became of the votes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "fate")]
pub enum Fate {
    /// It has not come to the command yet.
    Underway,
    /// The command was not run, or corosync refused it.
    Never,
    /// The command was begun, and nothing proves what came of it.
    Unclear { since: Timestamp },
    /// Nobody has told that they rose.
    Lowered {
        since: Timestamp,
        /// When the console said that they had not risen for too long.
        alarmed: Option<Timestamp>,
        /// False where the console does not know the cluster any more, so that nobody would see them rise.
        watched: bool,
        /// The last time that a node told so: before it is too old they are lowered, afterwards nobody knows.
        seen: Option<Sighting>,
    },
    Restored {
        since: Timestamp,
        at: Timestamp,
        alarmed: Option<Timestamp>,
        /// The entry that says so.
        entry: u64,
        expected: Option<u32>,
        /// Whether the side had a quorum then; `None` where nobody wrote it down.
        #[serde(default)]
        quorate: Option<bool>,
        /// Members that were absent when the votes were lowered; none where they were raised by hand, or by corosync itself
        /// when it started or read its configuration again.
        returned: Vec<String>,
    },
}

impl Fate {
    /// Whether a node told a moment ago that the votes are lowered. What was seen once says nothing of now.
    #[must_use]
    pub fn is_seen(&self, now: Timestamp) -> bool {
        matches!(self, Self::Lowered { seen: Some(seen), .. } if AGE_LOWERED.judge(seen.at, now) != Freshness::Unknown)
    }

    /// For how many seconds the votes were lowered, until now where nobody has told that they rose; `None` where they never
    /// were, or nobody knows.
    #[must_use]
    pub fn seconds(&self, now: Timestamp) -> Option<i64> {
        match self {
            Self::Underway | Self::Never | Self::Unclear { .. } => None,
            Self::Lowered { since, .. } => Some(now.duration_since(*since).as_secs().max(0)),
            Self::Restored { since, at, .. } => Some(at.duration_since(*since).as_secs().max(0)),
        }
    }
}

/// One entry that belongs to a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryLine {
    pub index: u64,
    pub at: Timestamp,
    pub code: AuditCode,
    pub who: String,
    pub outcome: Outcome,
}

/// One run of `pvecm expected`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lowering {
    pub operation: OperationId,
    pub cluster: ClusterId,
    pub cluster_name: String,
    /// The node that the command ran on.
    pub node: String,
    pub command: String,
    pub votes: u32,
    /// Names of the side that went on.
    pub members: Vec<String>,
    pub asked_by: String,
    /// When the agreement was asked for, or, without one, when it was run.
    pub asked_at: Timestamp,
    pub reason: String,
    /// `None` where the policy asked nobody.
    pub agreed: Option<AgreedTo>,
    /// On whose word it went on after that had grown too old.
    pub agreed_anew: Vec<AgreedAnew>,
    /// For each node that was written off, who says how that it is dead.
    pub proofs: Vec<Consequence>,
    pub state: OperationState,
    /// `None` where nobody wrote it down.
    pub before: Option<QuorumSeen>,
    pub after: Option<QuorumSeen>,
    pub fate: Fate,
    /// Oldest first.
    pub entries: Vec<EntryLine>,
}

/// Runs, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lowerings {
    pub runs: Vec<Lowering>,
    /// Cursor of the next page; `None` on the last.
    pub next: Option<u64>,
    /// Archived parts of the audit that could not be read: runs and entries in them are not told here.
    #[serde(default)]
    pub unread: Vec<Unread>,
}

/// What is stored about one operation.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    pub operation: &'a Operation,
    /// The request that started it.
    pub request: Option<&'a Request>,
    /// Its entries of the audit, in any order.
    pub entries: &'a [ChainedEntry],
    /// The console still knows the cluster.
    pub watched: bool,
    /// What a node told of lowered votes since the console started.
    pub seen: Option<&'a Sighting>,
}

/// One run; `None` for an operation that lowers no votes.
#[must_use]
pub fn lowering(stored: &Stored<'_>) -> Option<Lowering> {
    let operation = stored.operation;
    let run = Run::of(operation)?;
    let entries = run.entries(operation, stored.entries);
    let step = operation.plan.steps.get(usize::from(run.step));
    let proofs = operation.plan.consequences.iter();
    let is_of = |one: &&Consequence| one.params.get("node").is_some_and(|node| run.gone.contains(&node.as_str()));
    Some(Lowering {
        operation: operation.id,
        cluster: operation.cluster,
        cluster_name: name_of(stored.request, &entries).unwrap_or_else(|| operation.plan.target.clone()),
        node: step.map(|step| step.node_name.clone()).unwrap_or_default(),
        command: step.map(|step| step.commands.join("\n")).unwrap_or_default(),
        votes: run.votes,
        members: run.members.clone(),
        asked_by: operation.proposed_by.clone(),
        // The operation is made when the agreement is used.
        asked_at: stored.request.map_or(operation.proposed_at, |request| request.requested_at),
        reason: operation.reason.clone(),
        agreed: stored.request.and_then(agreed_to),
        agreed_anew: agreed_anew(entries.iter().copied()),
        proofs: proofs.filter(is_of).cloned().collect(),
        state: operation.state.clone(),
        before: before(&entries),
        after: entries.iter().find_map(|one| seen(one, AFTER)),
        fate: fate(stored, &run, &entries),
        entries: entries.into_iter().map(line).collect(),
    })
}

fn name_of(request: Option<&Request>, entries: &[&ChainedEntry]) -> Option<String> {
    let asked = request.map(|request| request.cluster_name.clone());
    asked.or_else(|| entries.iter().find_map(|one| one.entry.cluster_name.clone()))
}

fn agreed_to(request: &Request) -> Option<AgreedTo> {
    let RequestState::Used { agreed, review, .. } = &request.state else { return None };
    Some(AgreedTo {
        request: request.id,
        requested_by: request.requested_by.clone(),
        requested_at: request.requested_at,
        agreed: agreed.clone(),
        review: review.clone(),
    })
}

fn line(one: &ChainedEntry) -> EntryLine {
    let AuditEntry { at, code, who, outcome, .. } = &one.entry;
    EntryLine { index: one.index, at: *at, code: *code, who: who.clone(), outcome: *outcome }
}

fn first(entries: &[&ChainedEntry], code: AuditCode) -> Option<(u64, Timestamp)> {
    entries.iter().find(|one| one.entry.code == code).map(|one| (one.index, one.entry.at))
}

/// The last look before the command; a step that was begun again has looked again.
fn before(entries: &[&ChainedEntry]) -> Option<QuorumSeen> {
    let began = first(entries, AuditCode::CommandStarted).map_or(u64::MAX, |(index, _)| index);
    entries.iter().rev().filter(|one| one.index < began).find_map(|one| seen(one, BEFORE))
}

fn seen(one: &ChainedEntry, moment: &str) -> Option<QuorumSeen> {
    let entry = &one.entry;
    let detail = |name: &str| entry.details.get(name);
    if entry.code != AuditCode::QuorumSeen || detail(DETAIL_MOMENT).map(String::as_str) != Some(moment) {
        return None;
    }
    let number = |name: &str| detail(name).and_then(|text| text.parse().ok());
    Some(QuorumSeen {
        at: entry.at,
        entry: one.index,
        quorate: detail(DETAIL_QUORATE).is_some_and(|word| word == YES),
        expected: number("expected")?,
        votes: number("votes")?,
        quorum: number("quorum")?,
        members: detail("members").cloned().unwrap_or_default(),
        printed: entry.output.clone().unwrap_or_default(),
        silent_to: detail(DETAIL_SILENT_TO).cloned().unwrap_or_default(),
        unasked: detail(DETAIL_UNASKED).cloned().unwrap_or_default(),
    })
}

fn fate(stored: &Stored<'_>, run: &Run<'_>, entries: &[&ChainedEntry]) -> Fate {
    let operation = stored.operation;
    let afterwards = |since| lowered(stored, since, &run.members, entries);
    let command = first(entries, AuditCode::CommandStarted);
    let is_restored = entries.iter().any(|one| one.entry.code == AuditCode::ExpectedRestored);
    match (&operation.state, run.proven(operation, entries), command) {
        (state, _, _) if is_refused(state) => Fate::Never,
        (_, Some(since), _) => afterwards(since),
        // However it ended: what was seen of the votes later tells.
        (_, _, Some((_, since))) if is_restored => afterwards(since),
        (_, _, Some((_, since))) => Fate::Unclear { since },
        (state, _, None) if state.is_over() => Fate::Never,
        (_, _, None) => Fate::Underway,
    }
}

fn lowered(stored: &Stored<'_>, since: Timestamp, members: &[String], entries: &[&ChainedEntry]) -> Fate {
    let alarmed = first(entries, AuditCode::ExpectedStillLowered).map(|(_, at)| at);
    let Some(risen) = entries.iter().find(|one| one.entry.code == AuditCode::ExpectedRestored) else {
        let seen = Sighting::later(sighting::written(entries), stored.seen.cloned());
        return Fate::Lowered { since, alarmed, watched: stored.watched, seen };
    };
    let detail = |name: &str| risen.entry.details.get(name);
    let now = detail("members").map(String::as_str).unwrap_or_default();
    let now = now.split(", ").filter(|name| !name.is_empty());
    Fate::Restored {
        since,
        at: risen.entry.at,
        alarmed,
        entry: risen.index,
        expected: detail("expected").and_then(|text| text.parse().ok()),
        quorate: detail(DETAIL_QUORATE).map(|word| word == YES),
        returned: now.filter(|name| !members.iter().any(|one| one == name)).map(str::to_owned).collect(),
    }
}
