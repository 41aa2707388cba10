//! `cargo xtask bench`: the one benchmark command.
//!
//! Results are JSON objects, one a line on standard output: `name`, `value`, `unit`, `samples`, `target` and
//! `met` where there is one, and `rival` and `ratio` (times better than the rival) where another program ran in the same run.

use std::io::{BufRead as _, BufReader};
use std::process::{ExitCode, Stdio};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use crate::site::{Lints, Profile, Site};
use crate::{cargo, demo, folders, site};

/// What a browser may have to load of WASM before the first page wakes up, in bytes after brotli. The rooms of the
/// console (`app::rooms`) are loaded when they are opened, and are printed beside it.
const WASM_BUDGET: u64 = 350 * 1024;

/// Benchmarks that do not run the console, and so need neither its site nor its release binary.
const WITHOUT_CONSOLE: [&str; 3] = ["audit", "lab", "observe"];

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Which benchmarks; all when none is named (`wasm` is built in, the others are in the package `bench`)
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// JSON objects instead of a table
    #[arg(long)]
    json: bool,
}

/// Runs the named benchmarks and prints their results; a budget that is exceeded makes the command fail.
pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let (built_in, others) = split(&options.names, has_package())?;
    let mut within_budget = Ok(());
    let console = others.as_ref().is_some_and(|names| needs_console(names));
    if built_in || console {
        // The other benchmarks run the release binary, which has the site inside.
        let site = site::build(Profile::Release, Lints::Silent)?;
        if built_in {
            print(&wasm_results(&site), options.json);
            within_budget = wasm_within_budget(&site);
        }
    }
    if let Some(names) = others {
        from_package(&names, console, options.json)?;
    }
    within_budget.map(|()| ExitCode::SUCCESS)
}

/// Fails when the module is larger than its budget.
pub fn wasm_within_budget(site: &Site) -> anyhow::Result<()> {
    ensure!(
        site.brotli <= WASM_BUDGET,
        "the browser part has {} KiB after brotli, above its budget of {} KiB",
        site.brotli.div_ceil(1024),
        WASM_BUDGET / 1024
    );
    Ok(())
}

/// Whether the built-in benchmark runs, and which of the package's: `Some(empty)` means all of them.
fn split(names: &[String], has_package: bool) -> anyhow::Result<(bool, Option<Vec<String>>)> {
    if names.is_empty() {
        return Ok((true, has_package.then(Vec::new)));
    }
    let others: Vec<String> = names.iter().filter(|name| *name != "wasm").cloned().collect();
    if let (Some(name), false) = (others.first(), has_package) {
        bail!("there is no benchmark {name}; there is: wasm");
    }
    Ok((others.len() < names.len(), (!others.is_empty()).then_some(others)))
}

fn has_package() -> bool {
    folders::root().join("xtask/bench/Cargo.toml").is_file()
}

fn wasm_results(site: &Site) -> Vec<Value> {
    let result = |name: &str, bytes: u64| json!({ "name": name, "value": bytes, "unit": "bytes", "samples": 1 });
    let mut results = vec![result("wasm-raw", site.raw), result("wasm-optimised", site.optimised)];
    results.push(result("wasm-brotli", site.brotli));
    // What the pages of a room load besides.
    results.extend(site.rooms.iter().map(|(room, bytes)| result(&format!("wasm-brotli-room-{room}"), *bytes)));
    results
}

/// No name means all of them.
fn needs_console(names: &[String]) -> bool {
    names.is_empty() || names.iter().any(|name| !WITHOUT_CONSOLE.contains(&name.as_str()))
}

/// Runs the package `bench`, around the release binary where one is measured. Each result is printed when it is there: one
/// that fails takes none of those before it along.
fn from_package(names: &[String], console: bool, as_json: bool) -> anyhow::Result<()> {
    let mut command = cargo::cargo();
    command.args(["run", "--quiet", "--release", "--package", "bench", "--"]).args(names);
    if console {
        command.env("QUORATE_BIN", demo::release_binary()?);
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().context("cargo")?;
    let lines = child.stdout.take().context("no output")?;
    for line in BufReader::new(lines).lines() {
        print(&parsed(&line?)?, as_json);
    }
    ensure!(child.wait()?.success(), "a benchmark failed; see above");
    Ok(())
}

fn parsed(lines: &str) -> anyhow::Result<Vec<Value>> {
    lines.lines().map(|line| serde_json::from_str(line).with_context(|| format!("not a result: {line}"))).collect()
}

fn print(results: &[Value], as_json: bool) {
    for result in results {
        if as_json {
            println!("{result}");
        } else {
            println!("{}", row(result));
        }
    }
}

fn row(result: &Value) -> String {
    let text = |name: &str| match result.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let mut row =
        format!("{:<24} {:>12} {:<6} ({} samples)", text("name"), text("value"), text("unit"), text("samples"));
    if result.get("rival").is_some() {
        row.push_str(&format!("  {} times better than {}", text("ratio"), text("rival")));
    }
    if let Some(met) = result.get("met").and_then(Value::as_bool) {
        row.push_str(&format!("  {} ({})", if met { "met" } else { "MISSED" }, text("target")));
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    #[test]
    fn a_module_above_its_budget_fails() {
        let rooms = BTreeMap::from([("watch".to_owned(), WASM_BUDGET)]);
        let site = |brotli| Site { folder: PathBuf::new(), raw: 0, optimised: 0, brotli, rooms: rooms.clone() };
        wasm_within_budget(&site(WASM_BUDGET)).unwrap();
        let error = wasm_within_budget(&site(WASM_BUDGET + 1)).unwrap_err().to_string();
        assert!(error.contains("351 KiB") && error.contains("350 KiB"), "{error}");
    }

    #[test]
    fn names_are_sent_where_they_belong() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(split(&[], false).unwrap(), (true, None));
        assert_eq!(split(&[], true).unwrap(), (true, Some(vec![])));
        assert_eq!(split(&names(&["wasm"]), true).unwrap(), (true, None));
        assert_eq!(split(&names(&["pages"]), true).unwrap(), (false, Some(names(&["pages"]))));
        assert_eq!(split(&names(&["pages", "wasm"]), true).unwrap(), (true, Some(names(&["pages"]))));
        assert!(split(&names(&["pages"]), false).is_err());
    }

    #[test]
    fn the_lab_is_measured_without_a_console() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(!needs_console(&names(&["lab"])));
        assert!(needs_console(&[]) && needs_console(&names(&["lab", "pages"])));
    }

    #[test]
    fn results_are_read_and_shown_with_their_rival() {
        let results = parsed(
            "{\"name\":\"observe\",\"value\":12,\"unit\":\"ms\",\"samples\":200,\"rival\":\"ssh\",\"ratio\":3.5}",
        )
        .unwrap();
        assert!(
            row(&results[0]).ends_with("12 ms     (200 samples)  3.5 times better than ssh"),
            "{}",
            row(&results[0])
        );
        let missed =
            json!({ "name": "x", "value": 3, "unit": "s", "samples": 1, "target": "at most 2 s", "met": false });
        assert!(row(&missed).ends_with("(1 samples)  MISSED (at most 2 s)"), "{}", row(&missed));
        assert!(parsed("warming up").is_err());
    }
}
