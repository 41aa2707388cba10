//! A plan before it runs.

mod sheet;

pub use sheet::PlanSheet;
