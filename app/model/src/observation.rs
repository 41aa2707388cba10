//! What one node said at one time, and how long that may be believed.

use crate::clock;
use crate::ids::{OperationId, RequestId};
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// A value with where it comes from: node, command, time. The raw output is found by `evidence`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact<T> {
    pub value: T,
    /// Label of the node that said it.
    pub node: String,
    pub command: String,
    pub at: Timestamp,
}

/// The same source for another value.
#[must_use]
pub fn carry<T, U>(fact: &Fact<T>, value: U) -> Fact<U> {
    Fact { value, node: fact.node.clone(), command: fact.command.clone(), at: fact.at }
}

/// How much a fact of some age is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Freshness {
    Fresh,
    /// Shown with its age and marked.
    Stale,
    /// No longer shown as a value.
    Unknown,
}

/// Age limits of a kind of fact, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgeLimits {
    pub stale_s: i64,
    pub unknown_s: i64,
}

/// Membership, quorum and links.
pub const AGE_MEMBERSHIP: AgeLimits = AgeLimits { stale_s: 25, unknown_s: 60 };
/// HA, guests, `.version`, `.members`.
pub const AGE_FILES: AgeLimits = AgeLimits { stale_s: 30, unknown_s: 90 };
/// Versions, disks, certificates.
pub const AGE_SLOW: AgeLimits = AgeLimits { stale_s: 30 * 60, unknown_s: 6 * 60 * 60 };

impl AgeLimits {
    /// What is from the future was told before the clock was set back: how old it is nobody knows.
    #[must_use]
    pub fn judge(self, at: Timestamp, now: Timestamp) -> Freshness {
        let age_s = now.duration_since(at).as_secs();
        if age_s >= self.unknown_s || clock::is_set_back(at, now) {
            Freshness::Unknown
        } else if age_s >= self.stale_s {
            Freshness::Stale
        } else {
            Freshness::Fresh
        }
    }

    /// When the next change of freshness is due, if one is.
    #[must_use]
    pub fn next_change(self, at: Timestamp, now: Timestamp) -> Option<Timestamp> {
        [self.stale_s, self.unknown_s]
            .into_iter()
            .filter_map(|seconds| at.checked_add(Span::new().seconds(seconds)).ok())
            .find(|due| *due > now)
    }
}

/// A line of output; `guilty` marks the one that proves a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceLine {
    pub text: String,
    pub guilty: bool,
}

/// The proof behind a statement: which command on which node printed what, when, and how long it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub node: String,
    pub command: String,
    /// `None` where the command did not come to an end, or the console itself did something.
    pub exit: Option<i32>,
    pub at: Timestamp,
    pub millis: u32,
    pub lines: Vec<EvidenceLine>,
    /// Lines were left out.
    pub cut: bool,
}

/// An answer as it is kept: the same one again only prolongs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptEvidence {
    /// As it was printed first.
    pub evidence: Evidence,
    /// When it was last printed, but for the line with the time.
    pub last_at: Timestamp,
    pub times: u64,
    /// The operation that relied on it.
    pub operation: Option<OperationId>,
    /// The first request for somebody's agreement that rests on it.
    pub request: Option<RequestId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_age_in_two_steps() {
        let at = Timestamp::from_second(1_000).expect("time");
        let later = |s: i64| Timestamp::from_second(1_000 + s).expect("time");
        assert_eq!(AGE_MEMBERSHIP.judge(at, later(24)), Freshness::Fresh);
        assert_eq!(AGE_MEMBERSHIP.judge(at, later(25)), Freshness::Stale);
        assert_eq!(AGE_MEMBERSHIP.judge(at, later(60)), Freshness::Unknown);
        assert_eq!(AGE_MEMBERSHIP.judge(at, later(-60)), Freshness::Fresh, "a clock that was corrected");
        assert_eq!(AGE_MEMBERSHIP.judge(at, later(-61)), Freshness::Unknown, "one that was set back");
        assert_eq!(AGE_MEMBERSHIP.next_change(at, later(3)), Some(later(25)));
        assert_eq!(AGE_MEMBERSHIP.next_change(at, later(25)), Some(later(60)));
        assert_eq!(AGE_MEMBERSHIP.next_change(at, later(61)), None);
    }
}
