//! The end of an operation that another one does not wait for.

use model::audit::AuditEntry;
use model::ids::OperationId;
use model::operation::OperationState;

/// What is written in the transaction that starts the other one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overtaking {
    pub operation: OperationId,
    /// As it was looked at; another state by now is a conflict.
    pub from: OperationState,
    /// `Overtaken`.
    pub to: OperationState,
    pub audit: AuditEntry,
}
