//! A plan on its way: proposed, running, parked, done. Illegal events are errors, not surprises.

mod left;
mod overtake;

pub use left::{Extent, Left};

use crate::digest::Digest;
use crate::ids::{ClusterId, OperationId};
use crate::plan::Plan;
use crate::problem::Problem;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where an operation stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum OperationState {
    /// Written down, about to take the cluster's place.
    Proposed,
    Running,
    /// Stopped where only a person can say how to go on.
    Parked {
        step: u16,
        problem: Problem,
    },
    Done,
    Failed {
        step: u16,
        problem: Problem,
    },
    /// Given up by a person; what it did stays.
    Abandoned,
    /// Running, and at somebody's wish it stops before its next step.
    Pausing {
        by: String,
        at: Timestamp,
    },
    /// Stopped at somebody's wish, before this step has begun.
    Paused {
        step: u16,
        by: String,
        at: Timestamp,
    },
    /// Ended by another operation that could not wait for it; what it did stays, and it never goes on.
    Overtaken {
        by: OperationId,
        /// The word of the other one's intent.
        intent: String,
        who: String,
        reason: String,
        at: Timestamp,
    },
}

impl OperationState {
    /// True while it holds the cluster's only place for a state-changing operation.
    #[must_use]
    pub const fn holds_cluster(&self) -> bool {
        matches!(self, Self::Running | Self::Parked { .. } | Self::Pausing { .. } | Self::Paused { .. })
    }

    /// True while its steps are being carried out.
    #[must_use]
    pub const fn is_carried_out(&self) -> bool {
        matches!(self, Self::Running | Self::Pausing { .. })
    }

    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Done | Self::Failed { .. } | Self::Abandoned | Self::Overtaken { .. })
    }

    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Running => "running",
            Self::Parked { .. } => "parked",
            Self::Done => "done",
            Self::Failed { .. } => "failed",
            Self::Abandoned => "abandoned",
            Self::Pausing { .. } => "pausing",
            Self::Paused { .. } => "paused",
            Self::Overtaken { .. } => "overtaken",
        }
    }

    pub const WORDS: &'static [&'static str] =
        &["proposed", "running", "parked", "done", "failed", "abandoned", "pausing", "paused", "overtaken"];
}

/// Where one step stands, as its journal entries say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "status")]
pub enum StepStatus {
    Waiting,
    /// On disk before anything reaches the node.
    Started {
        at: Timestamp,
    },
    /// The act came back; the proof is still missing.
    Acted {
        at: Timestamp,
    },
    Proven {
        at: Timestamp,
        already: bool,
    },
    Failed {
        at: Timestamp,
        problem: Problem,
    },
    Parked {
        at: Timestamp,
        problem: Problem,
    },
}

impl StepStatus {
    /// When the journal said so.
    #[must_use]
    pub const fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Waiting => None,
            Self::Started { at }
            | Self::Acted { at }
            | Self::Proven { at, .. }
            | Self::Failed { at, .. }
            | Self::Parked { at, .. } => Some(*at),
        }
    }

    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Started { .. } => "started",
            Self::Acted { .. } => "acted",
            Self::Proven { already: false, .. } => "proven",
            Self::Proven { already: true, .. } => "already",
            Self::Failed { .. } => "failed",
            Self::Parked { .. } => "parked",
        }
    }

    pub const WORDS: &'static [&'static str] =
        &["waiting", "started", "acted", "proven", "already", "failed", "parked"];
}

/// What the journal records of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum StepEvent {
    Started,
    Acted,
    Proven { already: bool },
    Failed { problem: Problem },
    Parked { problem: Problem },
}

/// An event that does not follow from the status: the journal or the executor is broken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{event} cannot follow {status}")]
pub struct IllegalEvent {
    pub status: &'static str,
    pub event: &'static str,
}

impl StepStatus {
    /// The status after an event.
    ///
    /// A step may start again after `Started` and `Parked`: after a crash it is probed first.
    ///
    /// # Errors
    /// When the event is impossible in this status.
    pub fn after(&self, event: &StepEvent, at: Timestamp) -> Result<Self, IllegalEvent> {
        match (self, event) {
            (Self::Waiting | Self::Started { .. } | Self::Acted { .. } | Self::Parked { .. }, StepEvent::Started) => {
                Ok(Self::Started { at })
            }
            (Self::Started { .. }, StepEvent::Acted) => Ok(Self::Acted { at }),
            (Self::Started { .. }, StepEvent::Proven { already: true }) => Ok(Self::Proven { at, already: true }),
            (Self::Acted { .. }, StepEvent::Proven { already: false }) => Ok(Self::Proven { at, already: false }),
            (Self::Started { .. } | Self::Acted { .. }, StepEvent::Failed { problem }) => {
                Ok(Self::Failed { at, problem: problem.clone() })
            }
            (Self::Started { .. } | Self::Acted { .. }, StepEvent::Parked { problem }) => {
                Ok(Self::Parked { at, problem: problem.clone() })
            }
            _ => Err(IllegalEvent { status: self.word(), event: event.word() }),
        }
    }
}

impl StepEvent {
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Acted => "acted",
            Self::Proven { .. } => "proven",
            Self::Failed { .. } => "failed",
            Self::Parked { .. } => "parked",
        }
    }
}

/// One line that a running step printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputLine {
    /// Grows by one per line within the operation.
    pub seq: u64,
    pub step: u16,
    pub at: Timestamp,
    pub error: bool,
    /// Cleaned of control characters.
    pub text: String,
}

/// An operation with everything that a page shows of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    pub id: OperationId,
    pub cluster: ClusterId,
    pub plan: Plan,
    pub digest: Digest,
    pub reason: String,
    pub proposed_by: String,
    pub proposed_at: Timestamp,
    pub state: OperationState,
    pub steps: Vec<StepStatus>,
    pub finished_at: Option<Timestamp>,
}

impl Operation {
    /// When its journal last said anything: of two answers about one operation the later one counts.
    #[must_use]
    pub fn touched_at(&self) -> Timestamp {
        let steps = self.steps.iter().filter_map(StepStatus::at);
        steps.chain(self.finished_at).fold(self.proposed_at, Timestamp::max)
    }

    /// Whether an answer that came another way may replace what the stream told.
    ///
    /// The journal moves before the state does, so at the same moment an end counts more than what leads to it.
    #[must_use]
    pub fn is_as_new_as(&self, known: &Self) -> bool {
        let (own, other) = (self.touched_at(), known.touched_at());
        own > other || (own == other && !known.state.is_over())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::ProblemCode;

    #[test]
    fn a_step_goes_one_way() {
        let at = Timestamp::UNIX_EPOCH;
        let started = StepStatus::Waiting.after(&StepEvent::Started, at).expect("start");
        let acted = started.after(&StepEvent::Acted, at).expect("act");
        let proven = acted.after(&StepEvent::Proven { already: false }, at).expect("proof");
        assert!(proven.after(&StepEvent::Started, at).is_err(), "what is proven does not start again");
        assert!(StepStatus::Waiting.after(&StepEvent::Acted, at).is_err(), "nothing acts before it is on disk");
        assert!(
            started.after(&StepEvent::Proven { already: false }, at).is_err(),
            "no proof of an act that is not recorded"
        );
        assert!(acted.after(&StepEvent::Proven { already: true }, at).is_err());
    }

    #[test]
    fn after_a_crash_a_step_may_start_again() {
        let at = Timestamp::UNIX_EPOCH;
        let started = StepStatus::Started { at };
        assert!(started.after(&StepEvent::Started, at).is_ok());
        let parked =
            started.after(&StepEvent::Parked { problem: ProblemCode::OutcomeUnknown.into() }, at).expect("park");
        assert!(parked.after(&StepEvent::Started, at).is_ok());
        let failed = started.after(&StepEvent::Failed { problem: ProblemCode::JoinRefused.into() }, at).expect("fail");
        assert!(failed.after(&StepEvent::Started, at).is_err());
    }
}
