//! What the engine needs from the outside, and nothing more.

mod checkpoint;
mod node;
mod overtaking;
mod store;
mod time;

pub use checkpoint::{CheckpointSink, SinkError};
pub use node::{Chunk, Credential, DialError, Dialer, Endpoint, NodeShell, Output, OutputStream, ShellError, Stream};
pub use overtaking::Overtaking;
pub use store::{
    Adoption, ApprovalStore, AuditStore, CheckpointStore, ClusterStore, DraftStore, EvidenceStore, FilterStore,
    JournalEntry, OperationStore, PinStore, SessionRow, SessionStore, Store, StoreError, StoredUser, UserStore,
};
pub use time::{Clock, Ids};
