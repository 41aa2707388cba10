//! What the engine needs from the outside, and nothing more.

mod node;
mod store;
mod time;

pub use node::{Chunk, Credential, DialError, Dialer, Endpoint, NodeShell, Output, OutputStream, ShellError, Stream};
pub use store::{
    Adoption, ApprovalStore, AuditStore, ClusterStore, DraftStore, EvidenceStore, JournalEntry, OperationStore,
    PinStore, SessionRow, SessionStore, Store, StoreError, StoredUser, UserStore,
};
pub use time::{Clock, Ids};
