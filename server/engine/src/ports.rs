//! What the engine needs from the outside, and nothing more.

mod agent;
mod checkpoint;
mod evidence;
mod filter;
mod gathered;
mod node;
mod notice;
mod overtaking;
mod second_factor;
mod session;
mod store;
mod time;

pub use agent::{AgentError, BmcAgent, NoAgent, SealedSecret};
pub use checkpoint::{CheckpointSink, SinkError};
pub use evidence::EvidenceStore;
pub use filter::FilterStore;
pub use gathered::GatheredStore;
pub use node::{
    Beyond, Chunk, Credential, DialError, Dialer, Endpoint, NodeShell, Output, OutputStream, ShellError, Stream,
};
pub use notice::{Delivery, Fate, MessagePlace, NoticeStore, Outgoing, PlaceState, Queue};
pub use overtaking::Overtaking;
pub use second_factor::{FactorReset, SecondFactorStore, StoredFactor};
pub use session::{SessionRow, SessionStore, WaitAfter};
pub use store::{
    Adoption, ApprovalStore, AuditStore, BmcStore, CheckpointStore, ClusterStore, DraftStore, JournalEntry,
    OperationStore, PinStore, Store, StoreError, StoredUser, UserStore,
};
pub use time::{Clock, Ids};
