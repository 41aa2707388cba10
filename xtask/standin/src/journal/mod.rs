//! The node's journal: what arrives at `/dev/log` and what init itself says, one JSON object a line.

pub mod reader;
pub mod writer;
