//! `chaos`: random faults on real OpenSSH and corosync while a console watches. Needs root; `reallab` and `standin` lie
//! beside this program, and the console does unless `QUORATE_BIN` is one. `QUORATE_CHAOS_SEED` repeats a run.
//!
//! Everything that the screen showed with a node and a time is held against what a witness heard from that node's own
//! tools then, and against its journal; and within one sweep after all nodes agree again, so does the console.
#![allow(clippy::print_stdout, reason = "a tool that tells what it found")]

mod console;
mod judge;
mod kinds;
mod lab;
mod turns;
mod witness;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use model::live::LiveEvent;
use model::topology::{Agreement, Contact, Health};
use tokio::sync::mpsc::UnboundedReceiver;

use console::Console;
use judge::{Screen, Truth};
use kinds::{Shape, Turn};
use lab::Lab;
use turns::{Random, Turns};
use witness::{Heard, Seen, Witness};

/// Set by the tests' long run.
const LONG_TESTS: &str = "QUORATE_LONG_TESTS";
const SEED: &str = "QUORATE_CHAOS_SEED";
const FAULTS: usize = 10;
const FAULTS_LONG: usize = 30;
/// Between two turns, in milliseconds.
const PAUSE_MAX_MS: u64 = 2_000;
/// The namespace of the lab in which the console runs.
const NAMESPACE: &str = "/run/netns/ql-console";
/// The argument of this program inside of that namespace.
const INSIDE: &str = "inside";
/// All nodes agree again, and the console has dialled each of them.
const BACK_WITHIN: Duration = Duration::from_secs(120);
/// A sweep of 10 s, and what it takes on a busy machine.
const AGREES_WITHIN: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let result = if std::env::args().nth(1).as_deref() == Some(INSIDE) { inside() } else { outside() };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chaos: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Makes the lab, runs the rest in the console's network, and leaves nothing.
fn outside() -> anyhow::Result<()> {
    let given = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
    let drawn = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
    let seed = given.unwrap_or_else(drawn);
    println!("{SEED}={seed}");
    let result = lab::up(Shape::of(seed)).and_then(|()| in_its_network(seed));
    let removed = lab::down();
    result.and(removed)
}

fn in_its_network(seed: u64) -> anyhow::Result<()> {
    let own = std::env::current_exe()?;
    // Not `ip netns exec`: that hides the control groups by which nodes are started and frozen.
    let mut command = Command::new("nsenter");
    command.arg(format!("--net={NAMESPACE}")).arg(own).arg(INSIDE).env(SEED, seed.to_string());
    let status = command.status();
    ensure!(status.context("nsenter")?.success(), "see above");
    Ok(())
}

#[tokio::main]
async fn inside() -> anyhow::Result<()> {
    let seed: u64 = std::env::var(SEED).context(SEED)?.parse().context(SEED)?;
    let shape = Shape::of(seed);
    let lab = lab::look()?;
    // The console is asked about nothing that the witness came too late for.
    let witness = Witness::start(&lab);
    settled(&witness, shape).await?;
    let console = Console::start(&lab).await?;
    let mut watch = Watch { stream: console.stream().await?, screen: Screen::default() };
    watch.until("the console agrees", BACK_WITHIN, |screen| agrees(screen, shape)).await?;
    let names = lab.nodes.iter().map(|node| node.name.clone()).collect();
    let mut turns = Turns::new(names, shape, Random::new(seed));
    let count = if std::env::var_os(LONG_TESTS).is_some() { FAULTS_LONG } else { FAULTS };
    while turns.begun() < count {
        let turn = turns.next()?;
        watch.take(turns.begun(), turn).await?;
        let pause = turns.random().below(PAUSE_MAX_MS);
        watch.watch_for(Duration::from_millis(pause)).await;
    }
    for end in turns.ends() {
        watch.take(count, end).await?;
    }
    let drawn: Vec<String> = turns.counts().iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    println!("of each kind: {}", drawn.join(", "));
    let back = Instant::now();
    let both = |screen: &Screen| reached(screen, shape) && agree(&witness, shape);
    watch.until("the nodes agree, and are reached", BACK_WITHIN, both).await?;
    println!("all nodes agree after {:.1} s", back.elapsed().as_secs_f64());
    let back = Instant::now();
    watch.until("the console agrees too", AGREES_WITHIN, |screen| agrees(screen, shape)).await?;
    println!("the console agrees after {:.1} s more", back.elapsed().as_secs_f64());
    verdict(watch.screen, witness, &lab)
}

/// Waits until the nodes of the new lab have found each other on every link.
async fn settled(witness: &Witness, shape: Shape) -> anyhow::Result<()> {
    let end = Instant::now() + BACK_WITHIN;
    while !agree(witness, shape) {
        ensure!(Instant::now() < end, "the nodes of the lab have not settled within {} s", BACK_WITHIN.as_secs());
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

struct Watch {
    stream: UnboundedReceiver<LiveEvent>,
    screen: Screen,
}

impl Watch {
    async fn watch_for(&mut self, span: Duration) {
        let end = tokio::time::Instant::now() + span;
        while let Ok(Some(event)) = tokio::time::timeout_at(end, self.stream.recv()).await {
            self.screen.take(event);
        }
        self.screen.grows_old(Timestamp::now());
    }

    async fn until(&mut self, what: &str, limit: Duration, holds: impl Fn(&Screen) -> bool) -> anyhow::Result<()> {
        let end = Instant::now() + limit;
        while !holds(&self.screen) {
            ensure!(
                Instant::now() < end,
                "{what}: not within {} s; the screen: {:#?}",
                limit.as_secs(),
                self.screen.last
            );
            self.watch_for(LOOK).await;
        }
        Ok(())
    }

    /// The screen is read meanwhile: a fault may take seconds until it is proven.
    async fn take(&mut self, number: usize, turn: Turn) -> anyhow::Result<()> {
        let started = Instant::now();
        let next = turn.clone();
        let work = tokio::task::spawn_blocking(move || lab::take(&next));
        while !work.is_finished() {
            self.watch_for(LOOK).await;
        }
        work.await??;
        let words = match turn {
            Turn::Inject(fault) => serde_json::to_string(&fault)?,
            Turn::OldHostKeys { node } => format!("old host keys on {node}"),
        };
        println!("{number:>2} {:>5.1} s  {words}", started.elapsed().as_secs_f64());
        Ok(())
    }
}

fn reached(screen: &Screen, shape: Shape) -> bool {
    let nodes = screen.last.as_ref().map(|last| last.nodes.as_slice()).unwrap_or_default();
    nodes.len() == shape.nodes() && nodes.iter().all(|node| matches!(node.contact, Contact::Connected { .. }))
}

fn agrees(screen: &Screen, shape: Shape) -> bool {
    let Some(last) = &screen.last else { return false };
    let whole = matches!(&last.agreement, Agreement::Agreed { partition } if partition.members.len() == shape.nodes());
    whole && last.health == Health::Healthy
}

/// All nodes told the witness the same members on every link, all votes, and may write.
fn agree(witness: &Witness, shape: Shape) -> bool {
    let latest = witness.latest();
    let whole = |seen: &Seen| {
        let links = seen.links.as_ref().is_some_and(|links| links.len() == 2 * (shape.nodes() - 1));
        let quorum = seen.quorum.as_ref();
        let all = quorum.is_some_and(|quorum| quorum.members.len() == shape.nodes() && quorum.total == shape.votes());
        links && all && seen.version.is_some()
    };
    latest.len() == shape.nodes() && latest.iter().all(|seen| seen.as_ref().is_some_and(whole))
}

fn verdict(screen: Screen, witness: Witness, lab: &Lab) -> anyhow::Result<()> {
    let rings = lab.nodes.iter().map(|node| (node.name.clone(), witness::rings(&node.name))).collect();
    let ids = lab.nodes.iter().map(|node| node.name.clone()).zip(1..).collect();
    let Heard { seen, blocks } = witness.end();
    let truth = Truth { seen, blocks, rings, ids };
    let lies = truth.lies(&screen.statements);
    let answers: usize = truth.seen.values().map(Vec::len).sum();
    println!(
        "{} snapshots with {} statements, held against {answers} answers of the nodes' own tools: {} not true",
        screen.snapshots,
        screen.statements.len(),
        lies.len()
    );
    let lines: Vec<String> = lies.iter().map(ToString::to_string).collect();
    ensure!(lines.is_empty(), "no node told this:\n{}", lines.join("\n"));
    ensure!(screen.problems.is_empty(), "{}", screen.problems.join("\n"));
    ensure!(screen.statements.len() > lab.nodes.len() && answers > lab.nodes.len(), "nothing was judged");
    Ok(())
}
