//! The parts of the quorate binary: configuration, sign-in, HTTP, wiring, commands.
//!
//! Architecture invariant: this is the only crate that sees all others, and the only one that knows axum.

// The type of the whole page is deep; the compiler counts its layers.
#![recursion_limit = "256"]

pub mod accounts;
pub mod agent;
pub mod audit_export;
pub mod authorisation;
pub mod backend;
mod background;
pub mod checkpoints;
pub mod cli;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod export;
pub mod guesses;
pub mod keys;
pub mod live;
pub mod lock;
pub mod notify;
pub mod passwords;
mod private;
pub mod proxy;
pub mod routes;
pub mod second_factor;
pub mod serve;
pub mod sessions;
pub mod site;
pub mod state;
mod strangers;
pub mod system;
