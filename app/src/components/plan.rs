//! A plan before it runs.

mod diff;
mod export;
mod sheet;

pub use diff::file_change;
pub use export::{ExportPlan, language};
pub use sheet::PlanSheet;
