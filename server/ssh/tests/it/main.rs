//! The adapter against real OpenSSH on loopback, and against scripted servers in this process.
#![allow(clippy::expect_used, clippy::panic, reason = "a failed expectation is a failed test")]

mod openssh;
mod openssh_faults;
mod openssh_follow;
mod openssh_jump;
mod openssh_sweep;
mod parts;
mod scripted;
mod scripted_dial;
mod scripted_shell;
mod sshd;
