//! SSH adapter: russh behind the engine's ports.
//!
//! Architecture invariant: nothing of russh is visible outside of this crate.
//! A machine's host key is checked before anything of ours is sent; an unknown or a changed key ends the dial.
//! One multiplexed connection per machine is kept, a jump host's carries those of the machines behind it; every wait, queue and output has its limit in [`limits`].
//! No key and no credential is logged or printed by `Debug`.

mod backoff;
mod channel;
mod connect;
mod connection;
mod dial;
mod follow;
mod frame;
mod handshake;
mod jump;
mod keys;
pub mod limits;
mod login;
mod pin;
mod refusals;
mod shell;
mod sweep;
mod tap;

pub use connect::{AsyncReadWrite, Connector, TcpConnector};
pub use dial::{Load, SshDialer};
pub use keys::{ConsoleKeySource, KEY_COMMENT, KeyError, generate};
