//! A plan before it runs.

mod export;
mod sheet;

pub use export::{ExportPlan, language};
pub use sheet::PlanSheet;
