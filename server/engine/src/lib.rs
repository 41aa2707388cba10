//! Propose, rule, approve, execute, audit, watch.
//!
//! Architecture invariant: the engine knows neither SSH nor SQL; it reaches both through the traits in `ports`.

pub mod abandon;
pub mod audit;
pub mod context;
pub mod evidence;
pub mod execute;
pub mod hub;
pub mod import;
mod key_changed;
pub mod limits;
pub mod ports;
pub mod preflight;
pub mod propose;
mod remedy;
pub mod render;
pub mod steps;
pub mod survey;
pub mod verify;
pub mod vouch;
pub mod watch;
mod withdraw;
pub mod work;

pub use context::Engine;
