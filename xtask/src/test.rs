//! `cargo xtask test`: every stage in order, timed, stopping at the first that fails.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::setup::Need;
use crate::stages::{self, Context, Stage};
use crate::{say, setup};

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Also the long tests
    #[arg(long)]
    all: bool,
    /// Only the stage of this name; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
}

/// Runs the stages and prints a table; fails when a stage failed.
pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let stages = chosen(stages::all(), &options.only)?;
    let compiler = setup::run(Need::Test, false)?;
    setup::node_packages()?;
    std::fs::create_dir_all(crate::folders::site())?;
    let context = Context { compiler, long: options.all, release: options.all };

    let mut results = Vec::new();
    for stage in &stages {
        say::say(format!("stage {}: {}", stage.name, stage.about));
        let started = Instant::now();
        let result = (stage.run)(&context);
        let failed = result.is_err();
        results.push((stage.name, started.elapsed(), !failed));
        if let Err(error) = result {
            eprintln!("error: stage {}: {error:#}", stage.name);
            break;
        }
    }
    eprint!("\n{}", table(&stages, &results));
    let green = results.iter().all(|(_, _, passed)| *passed);
    Ok(if green { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The stages named in `only`, in their own order; all of them when none is named.
fn chosen(stages: Vec<Stage>, only: &[String]) -> anyhow::Result<Vec<Stage>> {
    for name in only {
        ensure!(
            stages.iter().any(|stage| stage.name == name),
            "there is no stage {name}; there are: {}",
            stages.iter().map(|stage| stage.name).collect::<Vec<_>>().join(", ")
        );
    }
    Ok(stages.into_iter().filter(|stage| only.is_empty() || only.iter().any(|name| name == stage.name)).collect())
}

fn table(stages: &[Stage], results: &[(&str, Duration, bool)]) -> String {
    let mut text = String::new();
    for stage in stages {
        let line = match results.iter().find(|(name, _, _)| *name == stage.name) {
            Some((name, time, passed)) => {
                format!("{name:<12} {:>6} s  {}\n", time.as_secs(), if *passed { "passed" } else { "FAILED" })
            }
            None => format!("{:<12} {:>8}  not run\n", stage.name, "-"),
        };
        text.push_str(&line);
    }
    let total: Duration = results.iter().map(|(_, time, _)| *time).sum();
    text.push_str(&format!("{:<12} {:>6} s\n", "total", total.as_secs()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_keep_their_order_and_unknown_names_are_refused() {
        let names = |only: &[&str]| {
            let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
            chosen(stages::all(), &only).map(|stages| stages.iter().map(|stage| stage.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["unit", "fmt"]).unwrap(), ["fmt", "unit"]);
        assert!(names(&[]).unwrap().len() > 5);
        assert!(names(&["units"]).unwrap_err().to_string().contains("there is no stage units"));
    }

    #[test]
    fn the_table_tells_failed_from_not_run() {
        let stages = chosen(stages::all(), &["fmt".to_owned(), "clippy".to_owned(), "unit".to_owned()]).unwrap();
        let results = [("fmt", Duration::from_secs(1), true), ("clippy", Duration::from_secs(61), false)];
        assert_eq!(
            table(&stages, &results),
            "fmt               1 s  passed\nclippy           61 s  FAILED\nunit                -  not run\ntotal            62 s\n"
        );
    }
}
