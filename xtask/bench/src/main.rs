//! `bench NAME...`: measures, and prints one JSON object per line.
//!
//! `observe` runs the console's own SSH against OpenSSH's client on the same simulated nodes in the same run;
//! `events` and `pages` drive the release binary (`QUORATE_BIN`) with its demo nodes, as a browser would.
//! `lab` times the lab of real parts, and needs root.

mod console;
mod dialer;
mod events;
mod http;
mod lab;
mod nodes;
mod observe;
mod pages;
mod report;

use anyhow::bail;

const ALL: [&str; 4] = ["observe", "events", "pages", "lab"];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut names: Vec<String> = std::env::args().skip(1).collect();
    if names.first().is_some_and(|name| name == nodes::CHILD) {
        return nodes::serve(&names).await;
    }
    if names.is_empty() {
        names = ALL.map(str::to_owned).to_vec();
    }
    for name in names {
        match name.as_str() {
            "observe" => observe::run().await?,
            "events" => events::run().await?,
            "pages" => pages::run().await?,
            "lab" => lab::run()?,
            other => bail!("there is no benchmark {other}; there are: wasm, {}", ALL.join(", ")),
        }
    }
    Ok(())
}
