//! SQLite adapter behind the engine's ports.
//!
//! One writer, several readers, one file; every change is on disk (WAL, synchronous FULL) before a call returns.
//! Times are kept as microseconds since 1970-01-01 UTC, so what is finer than that is lost, except inside JSON.

mod approvals;
mod archive;
mod audit;
mod bare;
mod bmcs;
mod checkpoints;
mod clusters;
mod codec;
mod drafts;
mod evidence;
mod gathered;
mod guard;
mod invites;
mod nodes;
mod notices;
mod open;
mod operations;
mod pins;
mod second_factors;
mod secrets;
mod sessions;
mod users;

pub use archive::{clear_leftovers, close_segment};
pub use audit::ARCHIVE_FOLDER;
pub use bare::Bare;
pub use open::SqliteStore;
