//! Small parts that pages are made of. Each shows what it is given and knows nothing of the server.

mod age;
mod agreed;
mod badge;
mod button;
mod code;
mod copy;
mod dialog;
mod field;
mod id;
mod layout;
mod live_badge;
mod notice;
mod plan;
mod source;
mod table;

pub use age::{Age, When, short};
pub use agreed::AgreedAnewRow;
pub use badge::{Badge, Tone};
pub use button::{Button, ButtonKind};
pub use code::{CodeBlock, Lines};
pub use copy::CopyButton;
pub use dialog::Dialog;
pub use field::{Area, Field, Select};
pub use id::fresh_id;
pub use layout::{Card, Empty, FactRow, LiveRegion, PageTitle, Spinner, Tabs};
pub use live_badge::LiveBadge;
pub use notice::{Message, Notice, Refusal};
pub use plan::{ExportPlan, PlanSheet, file_change, language};
pub use source::{Source, SourceOf, address, encode, source_in};
pub use table::{Column, Table};
