//! What an operation that ends in the middle leaves behind: said before somebody ends it, and afterwards.

use super::{Operation, StepStatus};
use crate::plan::Undo;
use serde::{Deserialize, Serialize};

/// How far a step came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Proven; it stays.
    Done,
    /// It was begun: it may have done nothing, half, or all of it.
    Halfway,
    Unbegun,
}

impl Extent {
    pub const WORDS: &'static [&'static str] = &["done", "halfway", "unbegun"];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Halfway => "halfway",
            Self::Unbegun => "unbegun",
        }
    }
}

/// One step of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    pub node: String,
    /// The word of the action.
    pub action: String,
    pub extent: Extent,
    /// How it could be taken back, where there is anything to take back.
    pub undo: Option<Undo>,
}

impl Operation {
    /// Step by step, in their order. What was there already before is not left behind by it.
    #[must_use]
    pub fn left_behind(&self) -> Vec<Left> {
        let steps = self.plan.steps.iter().zip(&self.steps);
        steps
            .filter_map(|(step, status)| {
                let extent = match status {
                    StepStatus::Proven { already: true, .. } => return None,
                    StepStatus::Proven { .. } => Extent::Done,
                    StepStatus::Waiting => Extent::Unbegun,
                    // A step that failed says that it has left nothing half done.
                    StepStatus::Failed { .. } => Extent::Unbegun,
                    StepStatus::Started { .. } | StepStatus::Acted { .. } | StepStatus::Parked { .. } => {
                        Extent::Halfway
                    }
                };
                let undo = (extent != Extent::Unbegun).then(|| step.action.undo());
                let action = step.action.word().to_owned();
                Some(Left { node: step.node_name.clone(), action, extent, undo })
            })
            .collect()
    }

    /// The same for the audit: `pve2: join_cluster halfway; …`
    #[must_use]
    pub fn left_in_words(&self) -> String {
        let line = |one: &Left| format!("{}: {} {}", one.node, one.action, one.extent.word());
        self.left_behind().iter().map(line).collect::<Vec<_>>().join("; ")
    }
}
