//! From cargo's `.wasm` to `pkg/NAME.js` and `pkg/NAME.wasm`, the names that the page asks for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::json;
use wasm_bindgen_cli_support::Bindgen;

use crate::stamps::{Stamps, stamp};
use crate::{Args, Done};

/// The WebAssembly features that rustc's wasm32 target emits and every supported browser knows, one by one.
/// With `--all-features` binaryen writes imports of a kind that Chromium refuses.
const WASM_OPT_FLAGS: &[&str] = &[
    "-Oz",
    "--enable-bulk-memory",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Counted into every stamp: raise it when this file makes something else out of the same input.
const RECIPE: &str = "wasm-bindgen 0.2.130, recipe 2";

/// Runs wasm-bindgen, and wasm-opt where there is one; writes the sizes to `sizes.json` in the work folder.
pub fn build(args: &Args, stamps: &mut Stamps, files: &mut BTreeSet<PathBuf>) -> anyhow::Result<Done> {
    let input = std::fs::read(&args.wasm).with_context(|| format!("read {}", args.wasm.display()))?;
    let optimise = args.wasm_opt.as_ref().map(|_| WASM_OPT_FLAGS.join(" ")).unwrap_or_default();
    let made_of = stamp(&[&input, args.name.as_bytes(), RECIPE.as_bytes(), optimise.as_bytes()]);

    let package = args.out.join("pkg");
    let script = package.join(format!("{}.js", args.name));
    let module = package.join(format!("{}.wasm", args.name));
    files.insert(script.clone());
    files.insert(module.clone());
    let snippets = package.join("snippets");
    if stamps.fresh("wasm", &made_of, &[&script, &module]) {
        files.extend(snippet_files(&snippets)?);
        return Ok(Done::Unchanged);
    }

    let bound = bind(args)?;
    let bound_module = bound.join(format!("{}_bg.wasm", args.name));
    let raw = size(&bound_module)?;
    if let Some(wasm_opt) = &args.wasm_opt {
        optimise_in_place(wasm_opt, &bound_module)?;
    }
    let sizes = json!({ "raw": raw, "optimised": size(&bound_module)? });
    std::fs::create_dir_all(&package)?;
    std::fs::rename(&bound_module, &module)?;
    std::fs::rename(bound.join(format!("{}.js", args.name)), &script)?;
    if snippets.exists() {
        std::fs::remove_dir_all(&snippets)?;
    }
    if bound.join("snippets").exists() {
        std::fs::rename(bound.join("snippets"), &snippets)?;
    }
    files.extend(snippet_files(&snippets)?);
    std::fs::write(args.work.join("sizes.json"), sizes.to_string())?;
    stamps.set("wasm", made_of);
    Ok(Done::Made)
}

/// Runs wasm-bindgen into an empty folder beside the stamps and returns that folder.
fn bind(args: &Args) -> anyhow::Result<PathBuf> {
    let folder = args.work.join("bindgen");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    Bindgen::new()
        .input_path(&args.wasm)
        .out_name(&args.name)
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(&folder)
        .context("wasm-bindgen")?;
    Ok(folder)
}

/// JavaScript that dependencies bring along; the glue imports it by its path below `pkg/`.
fn snippet_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if folder.is_dir() { crate::assets::files_below(folder) } else { Ok(Vec::new()) }
}

fn optimise_in_place(wasm_opt: &Path, module: &Path) -> anyhow::Result<()> {
    let optimised = module.with_extension("opt.wasm");
    let status = Command::new(wasm_opt)
        .args(WASM_OPT_FLAGS)
        .arg(module)
        .arg("-o")
        .arg(&optimised)
        .status()
        .with_context(|| format!("start {}", wasm_opt.display()))?;
    ensure!(status.success(), "wasm-opt ended with {status}");
    std::fs::rename(&optimised, module)?;
    Ok(())
}

fn size(path: &Path) -> anyhow::Result<u64> {
    Ok(std::fs::metadata(path).with_context(|| format!("look at {}", path.display()))?.len())
}
