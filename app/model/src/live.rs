//! What the server pushes to the browser.

use crate::ids::OperationId;
use crate::measure::Measurement;
use crate::operation::{Operation, OutputLine};
use crate::preflight::Matrix;
use crate::topology::Snapshot;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

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
    Snapshot(#[serde(with = "shared")] Arc<Snapshot>),
    Matrix(#[serde(with = "shared")] Arc<Matrix>),
    Measurement(#[serde(with = "shared")] Arc<Measurement>),
    Operation(Box<Operation>),
    /// A line that an operation printed.
    Output {
        operation: OperationId,
        line: OutputLine,
    },
}

/// A value that many readers share is written as the value itself.
mod shared {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::sync::Arc;

    pub fn serialize<T: Serialize, S: Serializer>(value: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().serialize(serializer)
    }

    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}
