//! The shape of the code: the invariants of the architecture, and the walls that files and functions do not cross.
//!
//! They read what cargo says of the crates and what stands in the sources, never prose.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed, its helpers included")]

mod crates;
mod doors;
mod functions;
mod readers;
mod sizes;
mod tree;
mod words;
