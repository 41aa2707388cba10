//! What travels about operations that wait for each other.

use model::ids::OperationId;
use model::problem::Problem;
use serde::{Deserialize, Serialize};

/// The operation that has its cluster's only place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub operation: OperationId,
    /// The word of its intent.
    pub intent: String,
    /// The word of its state.
    pub state: String,
    pub proposed_by: String,
    /// Why the caller's request may not end it and take its place; `None` where it may.
    pub may_overtake: Option<Problem>,
}
