//! When a node last told that the votes of its side are lowered: what nobody can look at any more is not known.

use super::run::Run;
use super::{AFTER, DETAIL_LAST_SEEN, DETAIL_MOMENT};
use crate::audit::{AuditCode, ChainedEntry};
use crate::observation::{AGE_MEMBERSHIP, AgeLimits};
use crate::operation::Operation;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How long it may be said of votes that they are lowered, because a node has told so.
pub const AGE_LOWERED: AgeLimits = AGE_MEMBERSHIP;

/// A node that told that the votes are lowered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    pub node: String,
    pub at: Timestamp,
}

impl Sighting {
    /// The later of two.
    #[must_use]
    pub fn later(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        one.into_iter().chain(other).max_by_key(|seen| seen.at)
    }
}

/// The last one that stands in an operation's entries, which are in any order.
#[must_use]
pub fn last_written(operation: &Operation, entries: &[ChainedEntry]) -> Option<Sighting> {
    written(&Run::of(operation)?.entries(operation, entries))
}

/// The look after the command, or a later one that was worth an entry.
pub(super) fn written(entries: &[&ChainedEntry]) -> Option<Sighting> {
    entries.iter().filter_map(|one| sighting(one)).max_by_key(|seen| seen.at)
}

fn sighting(one: &ChainedEntry) -> Option<Sighting> {
    let entry = &one.entry;
    let detail = |name: &str| entry.details.get(name).map(String::as_str);
    let at = match entry.code {
        AuditCode::QuorumSeen if detail(DETAIL_MOMENT) == Some(AFTER) => entry.at,
        AuditCode::ExpectedStillLowered | AuditCode::ExpectedUnseen => detail(DETAIL_LAST_SEEN)?.parse().ok()?,
        _ => return None,
    };
    Some(Sighting { node: entry.node.clone()?, at })
}
