//! The lab of real parts as a program; `cargo xtask lab` runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    reallab::main()
}
