//! What the pages ask the server: server functions (signatures here, work behind [`Backend`]) and what they carry.
//!
//! Server functions are a public API: each checks the session and the role on the server, see `server::authorisation`.

mod access;
#[cfg(feature = "ssr")]
mod access_backend;
mod access_calls;
#[cfg(feature = "ssr")]
mod backend;
mod calls;
mod carried;
mod messages;
#[cfg(feature = "ssr")]
mod messages_backend;
mod messages_calls;
mod power;
#[cfg(feature = "ssr")]
mod power_backend;
mod power_calls;
mod runs;
#[cfg(feature = "ssr")]
mod runs_backend;
mod runs_calls;
mod team;
#[cfg(feature = "ssr")]
mod team_backend;
mod team_calls;
mod wire;

pub use access::*;
#[cfg(feature = "ssr")]
pub use access_backend::AccessBackend;
pub use access_calls::*;
#[cfg(feature = "ssr")]
pub use backend::{Backend, Caller};
pub use calls::*;
pub use carried::*;
pub use messages::*;
#[cfg(feature = "ssr")]
pub use messages_backend::MessagesBackend;
pub use messages_calls::*;
pub use power::*;
#[cfg(feature = "ssr")]
pub use power_backend::PowerBackend;
pub use power_calls::*;
pub use runs::*;
#[cfg(feature = "ssr")]
pub use runs_backend::RunsBackend;
pub use runs_calls::*;
pub use team::*;
#[cfg(feature = "ssr")]
pub use team_backend::TeamBackend;
pub use team_calls::*;
pub use wire::{Json, Reading, Wire, read, reading, reading_first};
