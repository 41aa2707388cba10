//! Command lines out, answers in; pure.
//!
//! Architecture invariants: this crate does no I/O and knows no runtime.
//! [`CommandLine`] has no constructor outside of it, so nothing else can make a line for a node.
//! Every builder has typed arguments, every reader takes any bytes, never panics, and refuses silence as success.

mod answer;
mod clean;
mod command;
mod error;
mod quote;

pub mod bmc;
pub mod cfgtool;
pub mod cmap;
pub mod copies;
pub mod corosync_conf;
pub mod database;
pub mod files;
pub mod ha;
pub mod host;
pub mod host_keys;
pub mod journal;
pub mod midway;
pub mod network;
pub mod outcome;
pub mod packages;
pub mod pmxcfs;
pub mod prerequisites;
pub mod probe;
pub mod pvecm;
pub mod qdevice;
pub mod quorumtool;
pub mod remedy;
pub mod script;
pub mod ssh_keys;
pub mod systemd;
pub mod unit;
pub mod version;

pub use answer::{Answer, INPUT_MAX_BYTES};
pub use clean::{clean_text, clean_text_within};
pub use command::{CommandLine, Effect, Marker, shell_line};
pub use error::{ParseError, Reason};
pub use quote::quote;
