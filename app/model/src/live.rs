//! What the server pushes to the browser.

use crate::ids::OperationId;
use crate::operation::{Operation, OutputLine};
use crate::preflight::Matrix;
use crate::topology::Snapshot;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One message of a cluster's stream. Sequence numbers grow per cluster and survive neither a restart nor a gap:
/// a browser that misses one gets the whole state again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveEvent {
    pub seq: u64,
    pub at: Timestamp,
    pub what: Live,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "live", content = "data")]
pub enum Live {
    Snapshot(Box<Snapshot>),
    Matrix(Box<Matrix>),
    Operation(Box<Operation>),
    /// A line that an operation printed.
    Output {
        operation: OperationId,
        line: OutputLine,
    },
}
