//! A word with its colour and its icon: colour alone never says anything.

use crate::reactive::part;
use leptos::prelude::*;
use model::audit::Outcome;
use model::observation::Freshness;
use model::operation::{OperationState, StepStatus};
use model::preflight::Verdict;
use model::risk::Risk;
use model::topology::{Health, LinkHealth, Membership};

/// What a colour means, everywhere the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Holds.
    Good,
    /// Needs a look.
    Look,
    /// Broken, or destroys.
    Bad,
    /// An action, a choice, something running.
    Act,
    /// Not known.
    Unknown,
    /// Says nothing about good or bad.
    Plain,
}

impl Tone {
    /// The end of the CSS classes `badge-`, `text-` and so on.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Look => "look",
            Self::Bad => "bad",
            Self::Act => "act",
            Self::Unknown => "unknown",
            Self::Plain => "plain",
        }
    }

    #[must_use]
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Look => "▲",
            Self::Bad => "✕",
            Self::Act => "●",
            Self::Unknown => "?",
            Self::Plain => "·",
        }
    }
}

impl Tone {
    /// The same of a fact of this age: what was good needs a look once it is stale, and is not known once it is too old.
    #[must_use]
    pub const fn aged(self, freshness: Freshness) -> Self {
        match (freshness, self) {
            (Freshness::Unknown, _) => Self::Unknown,
            (Freshness::Stale, Self::Good | Self::Act) => Self::Look,
            (_, own) => own,
        }
    }
}

/// Icon and word in a pill.
#[component]
pub fn Badge(#[prop(into)] tone: Signal<Tone>, #[prop(into)] word: Signal<String>) -> impl IntoView {
    view! {
        <span class=move || format!("badge badge-{}", tone.get().word())>
            <span class="badge-icon" aria-hidden="true">{part(move || tone.get().icon())}</span>
            <span>{part(move || word.get())}</span>
        </span>
    }
    .into_any()
}

impl From<Verdict> for Tone {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Good,
            Verdict::Skipped => Self::Plain,
            Verdict::Warn => Self::Look,
            Verdict::Error => Self::Unknown,
            Verdict::Fail => Self::Bad,
        }
    }
}

impl From<Health> for Tone {
    fn from(health: Health) -> Self {
        match health {
            Health::Healthy => Self::Good,
            Health::Degraded => Self::Look,
            Health::NoQuorum | Health::Split => Self::Bad,
            Health::Unknown => Self::Unknown,
        }
    }
}

impl From<Membership> for Tone {
    fn from(membership: Membership) -> Self {
        match membership {
            Membership::Member => Self::Good,
            Membership::Absent | Membership::Isolated => Self::Bad,
            Membership::NotJoined => Self::Plain,
            Membership::Unknown => Self::Unknown,
        }
    }
}

impl From<LinkHealth> for Tone {
    fn from(health: LinkHealth) -> Self {
        match health {
            LinkHealth::Up => Self::Good,
            LinkHealth::OneWay | LinkHealth::Down => Self::Look,
            LinkHealth::Unknown => Self::Unknown,
        }
    }
}

impl From<Risk> for Tone {
    fn from(risk: Risk) -> Self {
        match risk {
            Risk::ReadOnly => Self::Plain,
            Risk::Reversible => Self::Good,
            Risk::Disruptive => Self::Look,
            Risk::Destructive => Self::Bad,
        }
    }
}

impl From<Outcome> for Tone {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success => Self::Good,
            Outcome::Refused => Self::Look,
            Outcome::Failed => Self::Bad,
            Outcome::Started => Self::Act,
            Outcome::Unknown => Self::Unknown,
        }
    }
}

impl From<&OperationState> for Tone {
    fn from(state: &OperationState) -> Self {
        match state {
            OperationState::Proposed => Self::Plain,
            OperationState::Running | OperationState::Pausing { .. } => Self::Act,
            OperationState::Parked { .. } | OperationState::Paused { .. } => Self::Look,
            OperationState::Done => Self::Good,
            OperationState::Failed { .. } => Self::Bad,
            OperationState::Abandoned | OperationState::Overtaken { .. } => Self::Unknown,
        }
    }
}

impl From<&StepStatus> for Tone {
    fn from(status: &StepStatus) -> Self {
        match status {
            StepStatus::Waiting => Self::Plain,
            StepStatus::Started { .. } | StepStatus::Acted { .. } => Self::Act,
            StepStatus::Proven { .. } => Self::Good,
            StepStatus::Failed { .. } => Self::Bad,
            StepStatus::Parked { .. } => Self::Look,
        }
    }
}
