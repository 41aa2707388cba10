//! `conform [SCENARIO...]`: plays scenarios on the lab of real parts and holds its answers against the recordings, and
//! against the simulated lab's. Needs root; `reallab` and `standin` lie beside this program.
#![allow(clippy::print_stdout, reason = "a tool that tells what it found")]

use std::process::ExitCode;
use std::time::Instant;

use anyhow::ensure;
use conform::compare::{Pair, compare};
use conform::differences::{Asked, Differences};
use conform::play::{Report, Told, play};
use conform::real::Real;
use conform::scenario::{Scenario, names};
use conform::simulated::Simulated;
use conform::words::Tried;

/// Set by the tests' long run: every scenario is played.
const LONG_TESTS: &str = "QUORATE_LONG_TESTS";
/// What every change is held against.
const QUICK: [&str; 2] = ["healthy", "stop-and-start"];

fn main() -> ExitCode {
    match asked_for().and_then(|names| real(&names)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conform: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn asked_for() -> anyhow::Result<Vec<String>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if !words.is_empty() {
        return Ok(words);
    }
    if std::env::var_os(LONG_TESTS).is_some() {
        return names();
    }
    Ok(QUICK.map(str::to_owned).to_vec())
}

fn real(names: &[String]) -> anyhow::Result<()> {
    let played = play_each(names);
    let removed = Real::down();
    played?;
    removed
}

fn play_each(names: &[String]) -> anyhow::Result<()> {
    let differences = Differences::read()?;
    let (mut problems, mut tried) = (Vec::new(), Tried::default());
    for name in names {
        let started = Instant::now();
        let scenario = Scenario::read(name)?;
        match one(name, &scenario, &differences) {
            Ok((report, found)) => {
                let (compared, told) = (report.compared.len(), report.told.len());
                println!(
                    "{name}: {compared} answers compared with recordings, {told} with the simulated lab, {} differ, {} s",
                    report.problems.len() + found.len(),
                    started.elapsed().as_secs()
                );
                tried.try_all("real", name, &report.compared, &differences);
                let found: Vec<String> = report.problems.into_iter().chain(found).collect();
                found.iter().for_each(|problem| println!("{problem}"));
                problems.extend(found);
            }
            Err(error) => {
                println!("{name}: {error:#}");
                problems.push(name.clone());
            }
        }
    }
    println!("{} words changed to see whether it is noticed", tried.words);
    ensure!(problems.is_empty(), "{} differences", problems.len());
    ensure!(tried.unnoticed.is_empty(), "changed words that nobody would notice: {:#?}", tried.unnoticed);
    let every = crate::names()?.iter().all(|name| names.contains(name));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut unused = differences.unused("real", &names);
    // What is argued for every scenario need not come up in each.
    unused.retain(|row| every || !row.scenario.contains('*'));
    ensure!(unused.is_empty(), "argued, and not so: {unused:#?}");
    Ok(())
}

fn one(name: &str, scenario: &Scenario, differences: &Differences) -> anyhow::Result<(Report, Vec<String>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let side = Real::up(scenario)?;
    let report = runtime.block_on(play(name, scenario, &side, differences))?;
    let found = match report.told.is_empty() {
        true => Vec::new(),
        false => against(name, &simulated(name, scenario, differences)?.told, &report.told, differences),
    };
    Ok((report, found))
}

/// The same scenario on the simulated lab, in its own time.
fn simulated(name: &str, scenario: &Scenario, differences: &Differences) -> anyhow::Result<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    runtime.block_on(async {
        let side = Simulated::new(scenario)?;
        let report = play(name, scenario, &side, differences).await;
        side.lab.shutdown().await;
        report
    })
}

/// The answers of both labs to the suite's questions, step by step.
fn against(name: &str, simulated: &[Told], real: &[Told], differences: &Differences) -> Vec<String> {
    let mut problems = Vec::new();
    for (one, other) in simulated.iter().zip(real) {
        if differences.leaves_out(Asked { lab: "real", scenario: name, command: &one.question }) {
            continue;
        }
        let pair = Pair {
            scenario: name,
            command: &one.question,
            side: "real",
            answer: &other.answer,
            other_side: "simulated",
            other: &one.answer,
        };
        let found = compare(pair, differences).into_iter();
        problems.extend(found.map(|problem| format!("step {}, {}: {problem}", one.step + 1, one.node)));
    }
    problems
}
