//! The engine over the real SSH adapter and a real SQLite file, against the simulated nodes.
//!
//! Time is tokio's and stands still while anything can run, so a minute on the nodes takes no minute here; see `fence`.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed, its helpers included")]

mod again;
mod agreeing;
mod answering;
mod approving;
mod building;
mod chaos;
mod chaos_judge;
mod checking;
mod crashes;
mod dangers;
mod database_copy;
mod exporting;
mod faults;
mod fence;
mod giving_up;
mod handing_over;
mod house;
mod hub;
mod import_crashes;
mod importing;
mod jumping;
mod knocking;
mod lapsing;
mod look;
mod measuring;
mod mending;
mod midway;
mod outside;
mod powering;
mod qdevice_host;
mod qdevice_midway;
mod recovering;
mod restarting;
mod seeded;
mod sides;
mod stage;
mod stopping;
mod unruly;
mod watching;
mod wires;
mod withdrawing;
mod works;
