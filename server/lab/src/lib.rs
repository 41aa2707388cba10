//! Simulated nodes and clusters behind a real SSH server.
//!
//! Nothing here knows how the product reads what a node prints, and the product does not know that a node is simulated:
//! parser and simulator must not share a mistake. Every text comes from the recordings of a real cluster (see
//! `tests/fixtures/README.md`), every value in it from the state of the model.
//!
//! - `cluster`: the pure reference model (membership, votes, pmxcfs, QDevice) with a virtual clock
//! - `node`: one host (disk, cards, keys, units); `shell` and `programs`: what runs on it
//! - `ssh_server`: russh in front of it; `faults`, `scenario`, `inspect`: driving and looking from outside

mod bmc;
mod cluster;
mod error;
mod faults;
mod history;
mod inspect;
mod lab;
mod node;
mod programs;
mod run;
mod scenario;
mod shared;
mod shell;
mod ssh_server;
mod world;

pub use bmc::{BMC_PASSWORD, BMC_USER};
pub use error::LabError;
pub use faults::{Fault, FaultInfo, JoinPoint, QdevicePoint, UnitStart};
pub use history::{Moment, Told, ToldQuorum};
pub use inspect::{Inspection, NodeTruth, Partition, UnitTruth};
pub use lab::{Endpoint, Lab, NodeInfo, Options, PORT};
pub use node::release::Release;
pub use run::Ran;
pub use scenario::{NodeSpec, ROOT_PASSWORD, Scenario};
