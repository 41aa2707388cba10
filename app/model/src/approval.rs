//! Asking others to agree: a request, what it is bound to, and what may become of it.
//!
//! A request is bound to the digest of its plan and to the digest of the material facts that it rests on. Both are
//! compared when somebody agrees, and again in the transaction that starts the operation and uses the approval up.

mod blast;
mod event;
mod facts;
#[cfg(test)]
mod tests;

pub use blast::Blast;
pub use event::{Court, May, Refused, RequestEvent};
pub use facts::{
    Change, Compared, FactCode, FactLine, GuestList, around, changes, compare, facts_digest, material, still_holds,
};

use crate::clock::is_set_back;
use crate::digest::Digest;
use crate::ids::{ClusterId, OperationId, RequestId};
use crate::plan::Plan;
use crate::policy::{Agreement, Policy};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a request waits at most, in hours.
pub const WAIT_MAX_H: i64 = 24;
/// How long an approval can be used, in minutes, once.
pub const USABLE_MIN: i64 = 15;
/// How long everybody can see a plan coming, and stop it, that one person runs alone, in seconds.
pub const COUNTDOWN_S: i64 = 60;
/// The longest comment on a request, in characters.
pub const COMMENT_MAX_CHARS: usize = 2_000;

/// What an agreement is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Of what shall be done: the plan, or the new policy.
    pub digest: Digest,
    /// Of what it rests on: the material facts, or the policy of now.
    pub facts: Digest,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "subject")]
pub enum Subject {
    Plan {
        plan: Box<Plan>,
        seen: Seen,
        /// Material facts as they were.
        facts: Vec<FactLine>,
        /// What else was so, for people to see what changed.
        around: Vec<FactLine>,
        blast: Blast,
    },
    Policy {
        before: Policy,
        after: Policy,
        seen: Seen,
    },
}

impl Subject {
    #[must_use]
    pub const fn seen(&self) -> &Seen {
        match self {
            Self::Plan { seen, .. } | Self::Policy { seen, .. } => seen,
        }
    }

    #[must_use]
    pub fn plan(&self) -> Option<&Plan> {
        match self {
            Self::Plan { plan, .. } => Some(plan),
            Self::Policy { .. } => None,
        }
    }

    /// The word of what shall be done: that of the plan's intent, or `policy`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        self.plan().map_or("policy", |plan| plan.intent.word())
    }
}

/// How it came to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "agreed")]
pub enum Agreed {
    By {
        by: String,
        at: Timestamp,
        comment: String,
    },
    /// Nobody else: after the countdown that began then, or because there is no other admin.
    Alone {
        since: Timestamp,
    },
}

/// What somebody else says afterwards of what one person did alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    pub by: String,
    pub at: Timestamp,
    pub comment: String,
}

crate::problem::codes!(
    /// Why a request is void (`void_CODE` in the locales).
    VoidCode {
        PlanChanged => "plan_changed",
        FactsChanged => "facts_changed",
        /// Who agreed may not agree any more.
        ApproverLost => "approver_lost",
        ClusterGone => "cluster_gone",
        /// The console ended during the countdown: nobody could see it, or stop it.
        ConsoleEnded => "console_ended",
        /// After the countdown it could not run, and nothing is tried again in front of nobody.
        CouldNotRun => "could_not_run",
    }
);

/// Where a request stands. What is over stays over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum RequestState {
    Waiting,
    Approved {
        by: String,
        at: Timestamp,
        comment: String,
    },
    /// The person who asked runs it alone, and everybody can stop it.
    Counting {
        since: Timestamp,
    },
    Used {
        at: Timestamp,
        agreed: Agreed,
        operation: Option<OperationId>,
        review: Option<Review>,
    },
    Rejected {
        by: String,
        at: Timestamp,
        comment: String,
    },
    Withdrawn {
        at: Timestamp,
    },
    Stopped {
        by: String,
        at: Timestamp,
    },
    Expired {
        at: Timestamp,
    },
    Void {
        at: Timestamp,
        why: VoidCode,
    },
}

impl RequestState {
    pub const WORDS: &'static [&'static str] =
        &["waiting", "approved", "counting", "used", "rejected", "withdrawn", "stopped", "expired", "void"];

    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved { .. } => "approved",
            Self::Counting { .. } => "counting",
            Self::Used { .. } => "used",
            Self::Rejected { .. } => "rejected",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Stopped { .. } => "stopped",
            Self::Expired { .. } => "expired",
            Self::Void { .. } => "void",
        }
    }

    /// Something can still come of it.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Waiting | Self::Approved { .. } | Self::Counting { .. })
    }

    #[must_use]
    pub const fn operation(&self) -> Option<OperationId> {
        match self {
            Self::Used { operation, .. } => *operation,
            _ => None,
        }
    }

    /// One person did it alone, and nobody else has looked at it since.
    #[must_use]
    pub const fn awaits_review(&self) -> bool {
        matches!(self, Self::Used { agreed: Agreed::Alone { .. }, operation: Some(_), review: None, .. })
    }
}

/// A question to others whether something may be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub id: RequestId,
    pub cluster: ClusterId,
    pub cluster_name: String,
    pub subject: Subject,
    /// What the policy asked for then; what counts is what it asks for when somebody decides.
    pub agreement: Agreement,
    /// Account names are unique whatever their case, and never given to somebody else.
    pub requested_by: String,
    pub requested_at: Timestamp,
    pub reason: String,
    pub state: RequestState,
}

impl Request {
    /// When it ends by itself, as it stands; `None` once it is over.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        match &self.state {
            RequestState::Waiting => Some(later(self.requested_at, SignedDuration::from_hours(WAIT_MAX_H))),
            RequestState::Approved { at, .. } => Some(later(*at, SignedDuration::from_mins(USABLE_MIN))),
            RequestState::Counting { since } => {
                Some(later(counted_down(*since), SignedDuration::from_mins(USABLE_MIN)))
            }
            _ => None,
        }
    }

    /// Since when it stands as it stands; `None` once it is over.
    const fn stands_since(&self) -> Option<Timestamp> {
        match &self.state {
            RequestState::Waiting => Some(self.requested_at),
            RequestState::Approved { at, .. } => Some(*at),
            RequestState::Counting { since } => Some(*since),
            _ => None,
        }
    }

    /// Its time is over, whether that has been written down or not. Where the clock was set back nobody knows how much of it is
    /// left, and none is.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.ends_at().is_some_and(|end| now >= end) || self.stands_since().is_some_and(|at| is_set_back(at, now))
    }

    #[must_use]
    pub fn is_of(&self, name: &str) -> bool {
        same_person(&self.requested_by, name)
    }
}

/// The end of a countdown.
#[must_use]
pub fn counted_down(since: Timestamp) -> Timestamp {
    later(since, SignedDuration::from_secs(COUNTDOWN_S))
}

/// Account names are the same whatever their case.
#[must_use]
pub fn same_person(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
