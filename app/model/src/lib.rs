//! Pure types and pure judgement, shared by the server and the browser.
//!
//! Architecture invariant: this crate knows no runtime, no database, no SSH and no web; it compiles for wasm.
//! It carries codes and parameters; words live in `app/locales`.

pub mod approval;
pub mod audit;
pub mod bmc;
pub mod can;
pub mod capability;
pub mod checkpoint;
pub mod checks;
pub mod clock;
pub mod digest;
pub mod facts;
pub mod host_key;
pub mod ids;
pub mod import;
pub mod inventory;
pub mod joinable;
pub mod keyed;
pub mod links;
pub mod lint;
pub mod live;
pub mod lowering;
pub mod measure;
pub mod midway;
pub mod name;
pub mod notice;
pub mod observation;
pub mod operation;
pub mod plan;
pub mod planner;
pub mod policy;
pub mod preflight;
pub mod problem;
pub mod quorum;
pub mod reading;
pub mod recovery;
pub mod remedy;
pub mod risk;
pub mod role;
pub mod segment;
pub mod topology;
pub mod verify;
pub mod wizard;

pub use jiff::Timestamp;
