//! The adapter against real database files, through the engine's ports.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed, its helpers included")]

mod approvals;
mod archive_killed;
mod archive_tampering;
mod archived;
mod archiving;
mod audit;
mod bmcs;
mod crash;
mod evidence;
mod files;
mod gathered;
mod histories;
mod histories_dice;
mod histories_judge;
mod histories_ports;
mod inventory;
mod listed;
mod notices;
mod operations;
mod outputs;
mod people;
mod policies;
mod second_factors;
mod sessions;
mod support;
mod tampering;
