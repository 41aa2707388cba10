//! What the pages ask the server: server functions (signatures here, work behind [`Backend`]) and what they carry.
//!
//! Server functions are a public API: each checks the session and the role on the server, see `server::authorisation`.

#[cfg(feature = "ssr")]
mod backend;
mod calls;
mod carried;
mod runs;
#[cfg(feature = "ssr")]
mod runs_backend;
mod runs_calls;
mod team;
#[cfg(feature = "ssr")]
mod team_backend;
mod team_calls;
mod wire;

#[cfg(feature = "ssr")]
pub use backend::{Backend, Caller};
pub use calls::*;
pub use carried::*;
pub use runs::*;
#[cfg(feature = "ssr")]
pub use runs_backend::RunsBackend;
pub use runs_calls::*;
pub use team::*;
#[cfg(feature = "ssr")]
pub use team_backend::TeamBackend;
pub use team_calls::*;
pub use wire::{Json, Reading, Wire, read, reading, reading_first};
