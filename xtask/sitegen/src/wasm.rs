//! From cargo's `.wasm` to `pkg/NAME.js` and `pkg/NAME.wasm`, the names that the page asks for, and the rooms of the
//! console (`app::rooms`) as modules of their own, which are loaded when they are opened.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow, ensure};
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
const RECIPE: &str = "wasm-bindgen 0.2.130, recipe 3";

/// Which modules a room needs besides the first one: room -> names without `.wasm`.
type Rooms = BTreeMap<String, Vec<String>>;

/// The script that loads the rooms; the first module asks for it by this name.
const LOADER: &str = "__wasm_split.js";

/// Where the server reads [`Rooms`].
const ROOMS: &str = "rooms.json";

/// Splits, runs wasm-bindgen, and wasm-opt where there is one; writes the sizes to `sizes.json` in the work folder.
pub fn build(args: &Args, stamps: &mut Stamps, files: &mut BTreeSet<PathBuf>) -> anyhow::Result<Done> {
    let input = std::fs::read(&args.wasm).with_context(|| format!("read {}", args.wasm.display()))?;
    let optimise = args.wasm_opt.as_ref().map(|_| WASM_OPT_FLAGS.join(" ")).unwrap_or_default();
    let made_of = stamp(&[&input, args.name.as_bytes(), RECIPE.as_bytes(), optimise.as_bytes()]);

    let package = args.out.join("pkg");
    let script = package.join(format!("{}.js", args.name));
    let module = package.join(format!("{}.wasm", args.name));
    let rooms = package.join(ROOMS);
    let snippets = package.join("snippets");
    if stamps.fresh("wasm", &made_of, &[&script, &module, &rooms]) {
        let text = std::fs::read(&rooms).with_context(|| format!("read {}", rooms.display()))?;
        files.extend(own_files(&package, &args.name, &serde_json::from_slice(&text)?));
        files.extend(snippet_files(&snippets)?);
        return Ok(Done::Unchanged);
    }

    let parts = split(args, &input)?;
    let bound = bind(args, &parts.first)?;
    let bound_module = bound.join(format!("{}_bg.wasm", args.name));
    let mut modules = vec![bound_module.clone()];
    modules.extend(parts.others);
    let raw = sum(&modules)?;
    if let Some(wasm_opt) = &args.wasm_opt {
        for module in &modules {
            optimise_in_place(wasm_opt, module)?;
        }
    }
    let sizes = json!({ "raw": raw, "optimised": sum(&modules)? });

    std::fs::create_dir_all(&package)?;
    std::fs::rename(&bound_module, &module)?;
    std::fs::rename(bound.join(format!("{}.js", args.name)), &script)?;
    std::fs::rename(parts.folder.join(LOADER), package.join(LOADER))?;
    for other in modules.iter().skip(1) {
        let name = other.file_name().context("a module without a name")?;
        std::fs::rename(other, package.join(name))?;
    }
    std::fs::write(&rooms, serde_json::to_vec_pretty(&parts.rooms)?)?;
    if snippets.exists() {
        std::fs::remove_dir_all(&snippets)?;
    }
    if bound.join("snippets").exists() {
        std::fs::rename(bound.join("snippets"), &snippets)?;
    }
    files.extend(own_files(&package, &args.name, &parts.rooms));
    files.extend(snippet_files(&snippets)?);
    std::fs::write(args.work.join("sizes.json"), sizes.to_string())?;
    stamps.set("wasm", made_of);
    Ok(Done::Made)
}

/// The module in parts, in a folder beside the stamps.
struct Parts {
    folder: PathBuf,
    /// What every page needs; not yet seen by wasm-bindgen.
    first: PathBuf,
    /// Everything else.
    others: Vec<PathBuf>,
    rooms: Rooms,
}

fn split(args: &Args, input: &[u8]) -> anyhow::Result<Parts> {
    let folder = empty_folder(args, "split")?;
    let first = folder.join("first.wasm");
    let main_module = format!("./{}.js", args.name);
    let link_name = format!("./{LOADER}");
    let mut options = wasm_split_cli_support::Options::new(input);
    options.output_dir = &folder;
    options.main_out_path = &first;
    options.main_module = &main_module;
    options.link_name = &link_name;
    let split = wasm_split_cli_support::transform(options).map_err(|error| anyhow!("split the module: {error:#}"))?;
    ensure!(!split.prefetch_map.is_empty(), "the module has no rooms to split off: was it linked with --emit-relocs?");
    let rooms = split.prefetch_map.into_iter().collect();
    Ok(Parts { folder, first, others: split.split_modules, rooms })
}

/// Runs wasm-bindgen into an empty folder beside the stamps and returns that folder.
fn bind(args: &Args, module: &Path) -> anyhow::Result<PathBuf> {
    let folder = empty_folder(args, "bindgen")?;
    Bindgen::new()
        .input_path(module)
        .out_name(&args.name)
        .web(true)?
        .typescript(false)
        // The rooms link to the first module by what the linker exported.
        .keep_lld_exports(true)
        .demangle(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(&folder)
        .context("wasm-bindgen")?;
    Ok(folder)
}

fn empty_folder(args: &Args, name: &str) -> anyhow::Result<PathBuf> {
    let folder = args.work.join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The files that this step puts into the site, without snippets.
fn own_files(package: &Path, name: &str, rooms: &Rooms) -> BTreeSet<PathBuf> {
    let first = [format!("{name}.js"), format!("{name}.wasm"), LOADER.to_owned(), ROOMS.to_owned()];
    let modules = rooms.values().flatten().map(|module| format!("{module}.wasm"));
    first.into_iter().chain(modules).map(|file| package.join(file)).collect()
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

/// Bytes of all of them.
fn sum(modules: &[PathBuf]) -> anyhow::Result<u64> {
    let size =
        |path: &PathBuf| Ok(std::fs::metadata(path).with_context(|| format!("look at {}", path.display()))?.len());
    modules.iter().map(size).sum()
}
