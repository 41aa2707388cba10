//! The audit: what a person started or decided, and every command that can change something.

pub mod chain;
pub mod checkpoint;
pub mod segment;

/// Detail of an entry that closes a pair (`CommandFinished`, `OutcomeUnknown`): the index of its `CommandStarted`, in decimal.
///
/// The store pairs by it, see `AuditStore::unpaired`.
pub const DETAIL_STARTED: &str = "started";

mod reader;
mod recorder;

pub use reader::Reader;
pub(crate) use recorder::shown;
pub use recorder::{Person, Recorder, Started};
