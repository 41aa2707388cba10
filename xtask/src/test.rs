//! `cargo xtask test`: every stage in order, timed, stopping at the first that fails.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::setup::Need;
use crate::stages::{self, Context, Ended, Stage};
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
    let stages = chosen(stages::all(), &options.only, options.all)?;
    let compiler = setup::run(Need::Test, false)?;
    setup::node_packages()?;
    std::fs::create_dir_all(crate::folders::site())?;
    let context = Context { compiler, long: options.all, release: options.all };

    let mut results = Vec::new();
    for stage in &stages {
        say::say(format!("stage {}: {}", stage.name, stage.about));
        let started = Instant::now();
        let result = (stage.run)(&context);
        if let Err(error) = &result {
            eprintln!("error: stage {}: {error:#}", stage.name);
        }
        let failed = result.is_err();
        results.push((stage.name, started.elapsed(), result.ok()));
        if failed {
            break;
        }
    }
    eprint!("\n{}", table(&stages, &results));
    let green = results.iter().all(|(_, _, ended)| ended.is_some());
    Ok(if green { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The stages named in `only`, in their own order; when none is named all of them, the long ones only where `long` is asked for.
fn chosen(stages: Vec<Stage>, only: &[String], long: bool) -> anyhow::Result<Vec<Stage>> {
    for name in only {
        ensure!(
            stages.iter().any(|stage| stage.name == name),
            "there is no stage {name}; there are: {}",
            stages.iter().map(|stage| stage.name).collect::<Vec<_>>().join(", ")
        );
    }
    let wanted = |stage: &Stage| {
        if only.is_empty() { long || !stage.long } else { only.iter().any(|name| name == stage.name) }
    };
    Ok(stages.into_iter().filter(wanted).collect())
}

/// `None` stands for a stage that failed.
fn table(stages: &[Stage], results: &[(&str, Duration, Option<Ended>)]) -> String {
    let mut text = String::new();
    for stage in stages {
        let line = match results.iter().find(|(name, _, _)| *name == stage.name) {
            Some((name, time, ended)) => {
                let word = match ended {
                    Some(Ended::Passed) => "passed".to_owned(),
                    Some(Ended::LeftOut(what)) => format!("left out: {what}"),
                    None => "FAILED".to_owned(),
                };
                format!("{name:<12} {:>6} s  {word}\n", time.as_secs())
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
            chosen(stages::all(), &only, false).map(|stages| stages.iter().map(|stage| stage.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["unit", "fmt"]).unwrap(), ["fmt", "unit"]);
        assert!(names(&[]).unwrap().len() > 5);
        assert!(!names(&[]).unwrap().contains(&"fallback"), "a long stage runs when it is asked for");
        assert_eq!(names(&["fallback"]).unwrap(), ["fallback"]);
        assert!(chosen(stages::all(), &[], true).unwrap().iter().any(|stage| stage.name == "fallback"));
        assert!(names(&["units"]).unwrap_err().to_string().contains("there is no stage units"));
    }

    #[test]
    fn the_table_tells_failed_from_not_run() {
        let only = ["fmt", "compile", "doc", "unit"].map(str::to_owned);
        let stages = chosen(stages::all(), &only, false).unwrap();
        let left_out = Some(Ended::LeftOut("needs root".to_owned()));
        let results = [
            ("fmt", Duration::from_secs(1), Some(Ended::Passed)),
            ("compile", Duration::from_secs(61), None),
            ("doc", Duration::from_secs(0), left_out),
        ];
        assert_eq!(
            table(&stages, &results),
            "fmt               1 s  passed\ncompile          61 s  FAILED\nunit                -  not run\n\
             doc               0 s  left out: needs root\ntotal            62 s\n"
        );
    }
}
