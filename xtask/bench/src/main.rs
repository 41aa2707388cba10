//! `bench NAME...`: measures, and prints one JSON object per line.
//!
//! `observe` runs the console's own SSH against OpenSSH's client and ansible-core on the same real nodes in the same run.
//! `watch`, `events` and `preflight` drive the release binary (`QUORATE_BIN`) on real nodes, the last two on simulated
//! ones too, `pages` with its demo nodes. `audit` fills a database with a million entries. `lab` times the lab of real parts. What needs real nodes needs root.

mod audit;
mod browser;
mod console;
mod dialer;
mod events;
mod lab;
mod nodes;
mod observe;
mod pages;
mod place;
mod preflight;
mod report;
mod rivals;
mod served;
mod tellers;
mod usage;
mod watch;

use anyhow::{Context as _, bail};
use std::path::Path;

const ALL: [&str; 7] = ["observe", "watch", "events", "preflight", "pages", "audit", "lab"];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut names: Vec<String> = std::env::args().skip(1).collect();
    if names.first().is_some_and(|name| name == nodes::CHILD) {
        return nodes::serve(&names).await;
    }
    if names.first().is_some_and(|name| name == place::INSIDE) {
        return inside(&names).await;
    }
    if names.is_empty() {
        names = ALL.map(str::to_owned).to_vec();
    }
    for name in names {
        match name.as_str() {
            "observe" => observe::run()?,
            "watch" => watch::run()?,
            "events" => events::run().await?,
            "preflight" => preflight::run().await?,
            "pages" => pages::run().await?,
            "audit" => audit::run().await?,
            "lab" => lab::run()?,
            other => bail!("there is no benchmark {other}; there are: wasm, {}", ALL.join(", ")),
        }
    }
    Ok(())
}

/// The part of a benchmark in the network of the lab's console: `--inside PART LAB_PROGRAM [ANSIBLE]`.
async fn inside(args: &[String]) -> anyhow::Result<()> {
    let lab = Path::new(args.get(2).context("which lab?")?);
    match args.get(1).map(String::as_str) {
        Some("observe") => observe::inside(lab, args.get(3).map(Path::new)).await,
        Some("watch") => watch::inside(lab).await,
        Some("events") => events::inside(lab).await,
        Some("preflight") => preflight::inside(lab, args.get(3).map(Path::new)).await,
        other => bail!("there is no such part: {other:?}"),
    }
}
