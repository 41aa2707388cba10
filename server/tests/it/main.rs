//! The server as browsers and operators meet it: the real router over a real database, the real binary, simulated nodes.

#![recursion_limit = "256"]
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed, its helpers included")]

mod alone;
mod app;
mod approvals;
mod archives;
mod audit_export;
mod authorisation;
mod bmc;
mod canary;
mod checkpoints;
mod checks;
mod claims;
mod classed;
mod client;
mod commands;
mod csrf;
mod dropped;
mod evidence;
mod expected_page;
mod exports;
mod forgetting;
mod growing;
mod handover;
mod headers;
mod hostile;
mod import;
mod invites;
mod killed;
mod live;
mod logs;
mod mending;
mod nodes;
mod notify;
mod open_tab;
mod pages;
mod process;
mod repairs;
mod request_page;
mod roles;
mod second_factor;
mod second_factor_lost;
mod second_factor_policy;
mod secrets;
mod sessions;
mod sign_in;
mod stopping;
mod tls;
mod unreviewed;
mod world;
