//! What can be switched from outside: deaths, cuts, lies.

mod apply;
mod list;
mod network;

use serde::Serialize;

pub use faults::{Fault, JoinPoint, QdevicePoint, UnitStart};

/// A switch as a panel shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaultInfo {
    /// Stable, e.g. `cut-link/pve2/1`.
    pub id: String,
    /// The node it is about; `None` for the whole lab.
    pub node: Option<String>,
    /// What it is, e.g. `cut-link`.
    pub kind: &'static str,
    /// Whether the fault is there now.
    pub active: bool,
    /// What to inject to change that.
    pub switch: Fault,
}
