//! A plan before it runs.

mod diff;
mod sheet;

pub use diff::file_change;
pub use sheet::PlanSheet;
