//! The engine over the real SSH adapter and a real SQLite file, against the simulated nodes.
//!
//! Time is tokio's and stands still while anything can run, so a minute on the nodes takes no minute here; see `fence`.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed, its helpers included")]

mod again;
mod agreeing;
mod agreeing_anew;
mod answering;
mod approving;
mod asking_again;
mod building;
mod changed_keys;
mod chaos;
mod chaos_judge;
mod checking;
mod claims;
mod clock_set;
mod crashes;
mod dangers;
mod database_copy;
mod enough;
mod exporting;
mod faults;
mod fence;
mod giving_up;
mod going_on;
mod grounds;
mod handing_over;
mod house;
mod hub;
mod import_crashes;
mod importing;
mod jumping;
mod knocking;
mod lapsing;
mod lists;
mod look;
mod measuring;
mod mending;
mod midway;
mod outside;
mod policy_moves;
mod powering;
mod qdevice_host;
mod qdevice_midway;
mod recovering;
mod relying;
mod restarting;
mod seeded;
mod settling;
mod sides;
mod stage;
mod stopping;
mod unruly;
mod untold;
mod wall_clock;
mod watching;
mod wires;
mod withdrawing;
mod witnessing;
mod works;
