//! Makes the site folder: JavaScript glue and WASM, one style sheet, assets, and their compressed siblings.
//!
//! It is a program of its own because `wasm-bindgen-cli-support` takes about a minute to compile:
//! `cargo xtask test` and `lab` need not wait for it.

mod assets;
mod compress;
mod stamps;
mod styles;
mod wasm;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use clap::Parser;

use crate::stamps::Stamps;

/// What to make the site of, and where to put it.
#[derive(Debug, Parser)]
#[command(name = "sitegen")]
struct Args {
    /// The browser part as cargo left it (`frontend.wasm`).
    #[arg(long)]
    wasm: PathBuf,
    /// The site folder; files in it that belong to nothing are removed.
    #[arg(long)]
    out: PathBuf,
    /// A folder outside the site for what must be remembered between two runs.
    #[arg(long)]
    work: PathBuf,
    /// Name of the files in `pkg/`.
    #[arg(long, default_value = "quorate")]
    name: String,
    /// The folder with `main.css` and `assets/`.
    #[arg(long)]
    style: PathBuf,
    /// binaryen's `wasm-opt`; without it the module is left as wasm-bindgen made it.
    #[arg(long)]
    wasm_opt: Option<PathBuf>,
    /// Brotli quality, 0 to 11.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(0..=11))]
    brotli: u8,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    std::fs::create_dir_all(&args.work).with_context(|| format!("create {}", args.work.display()))?;
    let mut stamps = Stamps::open(args.work.join("stamps.json"))?;
    let mut files = BTreeSet::new();

    step("browser part", || wasm::build(&args, &mut stamps, &mut files))?;
    step("styles", || styles::build(&args, &mut stamps, &mut files))?;
    step("assets", || assets::copy(&args, &mut stamps, &mut files))?;
    step("compression", || compress::all(&args, &mut stamps, &mut files))?;
    assets::remove_strangers(&args.out, &files)?;
    stamps.save()
}

/// Whether a step had something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Made,
    Unchanged,
}

fn step(name: &str, work: impl FnOnce() -> anyhow::Result<Done>) -> anyhow::Result<()> {
    let started = Instant::now();
    if work().with_context(|| format!("site: {name}"))? == Done::Made {
        eprintln!("         {name}: {:.1} s", started.elapsed().as_secs_f32());
    }
    Ok(())
}
