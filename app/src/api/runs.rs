//! What travels about operations that wait for each other.

use model::ids::OperationId;
use model::problem::Problem;
use serde::{Deserialize, Serialize};

/// The end of the operation that has a cluster's place, for one that the policy asks nobody about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    pub operation: OperationId,
    /// Why it cannot be waited for.
    pub reason: String,
}

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
