//! Propose, rule, approve, execute, audit, watch.
//!
//! Architecture invariant: the engine knows neither SSH nor SQL; it reaches both through the traits in `ports`.

pub mod abandon;
pub mod approvals;
pub mod audit;
pub mod bmc;
mod claims;
pub mod context;
pub mod evidence;
pub mod execute;
mod executors;
pub mod export;
mod gathered;
pub mod hub;
pub mod import;
mod key_changed;
pub mod limits;
mod lowered;
mod measure;
pub mod midway;
pub mod notify;
pub mod overtake;
mod pause;
pub mod ports;
pub mod preflight;
pub mod propose;
pub mod recovery;
mod remedy;
pub mod render;
mod served;
pub mod steps;
pub mod survey;
mod turns;
pub mod verify;
pub mod vouch;
pub mod watch;
mod withdraw;
pub mod work;

pub use context::Engine;
