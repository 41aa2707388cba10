//! Where checkpoints of the audit go, besides the database.

use async_trait::async_trait;
use model::checkpoint::Checkpoint;

#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct SinkError {
    pub text: String,
}

/// A place that keeps checkpoints: a file, the system's log.
#[async_trait]
pub trait CheckpointSink: Send + Sync + 'static {
    /// For the log.
    fn name(&self) -> &'static str;
    /// # Errors
    /// When it did not arrive there.
    async fn send(&self, checkpoint: &Checkpoint) -> Result<(), SinkError>;
}
