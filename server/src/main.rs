//! The quorate binary.

#![recursion_limit = "256"]

use clap::Parser;
use server::cli::{self, Cli};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    cli::run(Cli::parse()).await
}
