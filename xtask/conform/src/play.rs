//! Playing a scenario on a side and comparing what it answers.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use anyhow::{Context as _, ensure};

use crate::compare::{Pair, compare};
use crate::differences::{Asked, Differences};
use crate::recording::{self, Entry};
use crate::scenario::{Scenario, Settled, Step, Wait, address};
use crate::side::{QUESTIONS, Side};
use crate::{Answer, normal, order};

const SETTLED: Wait = Wait::State(Settled::Settled);
/// How corosync's and pmxcfs's journal is read.
const JOURNAL: &str = "journalctl -u corosync -u pve-cluster -n 5000 --no-pager";

/// One answer with the recorded one.
#[derive(Debug, Clone)]
pub struct Compared {
    pub command: String,
    pub ours: Answer,
    pub theirs: Answer,
}

/// One answer to a question of the suite.
#[derive(Debug, Clone)]
pub struct Told {
    pub step: usize,
    pub node: String,
    pub question: String,
    pub answer: Answer,
}

/// What became of a scenario.
#[derive(Debug, Default)]
pub struct Report {
    pub compared: Vec<Compared>,
    /// The answers to [`QUESTIONS`], step by step.
    pub told: Vec<Told>,
    pub problems: Vec<String>,
}

struct Play<'a, S> {
    name: &'a str,
    scenario: &'a Scenario,
    side: &'a S,
    differences: &'a Differences,
    report: Report,
    /// Journal lines that were there at the last fault, by node.
    seen: std::collections::BTreeMap<String, usize>,
    /// The command replayed last, until something was waited for: the cluster may still move because of it.
    last: String,
}

/// Plays all steps.
///
/// # Errors
/// A step cannot be done at all; what differs is in the report.
pub async fn play<S: Side>(
    name: &str,
    scenario: &Scenario,
    side: &S,
    differences: &Differences,
) -> anyhow::Result<Report> {
    let seen = std::collections::BTreeMap::new();
    let mut play = Play { name, scenario, side, differences, report: Report::default(), seen, last: String::new() };
    match &scenario.cluster {
        Some(cluster) if !side.comes_clustered() => play.build(cluster).await?,
        _ => side.wait(&SETTLED).await?,
    }
    if let Some(first) = scenario.nodes.first().filter(|_| scenario.cluster.is_some()) {
        // Each join of a recorded cluster has reloaded its configuration, which leaves keys in corosync's map. Where the
        // nodes come as a cluster nobody has; once more for both, and they are alike.
        side.run(first, "corosync-cfgtool -R", "").await?;
        side.wait(&SETTLED).await?;
    }
    for (at, step) in scenario.steps.iter().enumerate() {
        play.step(at, step).await.with_context(|| format!("{name}, step {}", at + 1))?;
    }
    Ok(play.report)
}

impl<S: Side> Play<'_, S> {
    async fn step(&mut self, at: usize, step: &Step) -> anyhow::Result<()> {
        if let Some(fault) = &step.fault {
            self.note_journals().await;
            self.side.inject(fault).await?;
        } else if let Some(wait) = &step.wait {
            self.side.wait(wait).await?;
            self.last.clear();
        } else if let Some(line) = &step.run {
            let on = step.on.as_deref().context("a line is run on a node")?;
            self.side.run(on, line, "").await?;
        } else if let Some(name) = &step.replay {
            let mut entries = recording::read(name)?;
            if let Some([from, to]) = step.entries {
                entries = entries.get(from..to).context("the recording is shorter than that")?.to_vec();
            }
            self.replay(entries, step.on.as_deref()).await?;
        } else if let Some(state) = &step.state {
            let on = step.on.as_deref().context("a state was recorded on a node")?;
            self.replay(recording::plain(state, &on.replace("pve", "node"))?, Some(on)).await?;
        } else if let Some([joiner, member]) = &step.carry {
            self.carry(joiner, member).await?;
        } else if let Some(nodes) = &step.ask {
            self.ask(at, nodes).await?;
        } else if let Some(order) = &step.order {
            self.order(order, step).await?;
        }
        Ok(())
    }

    /// A cluster of all nodes, as people build one.
    async fn build(&self, cluster: &str) -> anyhow::Result<()> {
        let links = |node: &str| -> String {
            (0..self.scenario.networks).map(|link| format!(" --link{link} {}", address(node, link + 1))).collect()
        };
        let mut nodes = self.scenario.nodes.iter();
        let first = nodes.next().context("a cluster has a first node")?;
        let created = self.side.run(first, &format!("pvecm create {cluster}{}", links(first)), "").await?;
        ensure!(created.exit == Some(0), "{created:?}");
        self.side.wait(&SETTLED).await?;
        for node in nodes {
            self.carry(node, first).await?;
            let line = format!("pvecm add {} --use_ssh{}", address(first, 1), links(node));
            let joined = self.side.run(node, &line, "").await?;
            ensure!(joined.stdout.contains("successfully added node"), "{joined:?}");
            self.side.wait(&SETTLED).await?;
        }
        Ok(())
    }

    async fn carry(&self, joiner: &str, member: &str) -> anyhow::Result<()> {
        let make = "ssh-keygen -q -t rsa -b 4096 -N '' -f /root/.ssh/id_rsa";
        self.side.run(joiner, make, "").await?;
        let key = self.side.run(joiner, "cat /root/.ssh/id_rsa.pub", "").await?.stdout;
        self.side.run(member, "tee -a /root/.ssh/authorized_keys", &key).await?;
        let host = self.side.run(member, "cat /etc/ssh/ssh_host_rsa_key.pub", "").await?.stdout;
        let known = format!("{} {host}", address(member, 1));
        self.side.run(joiner, "tee -a /root/.ssh/known_hosts", &known).await?;
        Ok(())
    }

    async fn replay(&mut self, entries: Vec<Entry>, on: Option<&str>) -> anyhow::Result<()> {
        for entry in entries {
            if self.differences.leaves_out(self.asked(&entry.command)) {
                continue;
            }
            let node = match on {
                Some(on) => on.to_owned(),
                None => self.node_at(&entry.on).with_context(|| entry.command.clone())?,
            };
            // Real time is dear: only what changes something is waited for.
            if self.side.name() == "simulated" || changes_something(&self.last) {
                self.side.wait(&SETTLED).await?;
            }
            self.last.clone_from(&entry.command);
            let mut ours = self.side.run(&node, &quoted(&entry.command), "").await?;
            if entry.merged {
                ours.stdout.push_str(&std::mem::take(&mut ours.stderr));
            }
            if entry.command.starts_with("journalctl") {
                self.journal(&entry.command, &ours);
                continue;
            }
            let pair = Pair {
                scenario: self.name,
                command: &entry.command,
                side: self.side.name(),
                answer: &ours,
                other_side: "recorded",
                other: &entry.answer,
            };
            self.report.problems.extend(compare(pair, self.differences));
            self.report.compared.push(Compared { command: entry.command, ours, theirs: entry.answer });
        }
        Ok(())
    }

    fn asked<'b>(&'b self, command: &'b str) -> Asked<'b> {
        Asked { lab: self.side.name(), scenario: self.name, command }
    }

    fn node_at(&self, on: &str) -> Option<String> {
        let mut all: Vec<&str> = self.scenario.nodes.iter().map(String::as_str).collect();
        all.push("qnetd1");
        all.into_iter().find(|node| *node == on || address(node, 1) == on).map(str::to_owned)
    }

    /// Every line must have been seen on a real node; how many of them were kept is another matter.
    fn journal(&mut self, command: &str, answer: &Answer) {
        for line in normal::lines(command, &answer.stdout) {
            let argued = || self.differences.allow(self.asked(command), self.side.name(), &line);
            if !JOURNALS.contains(&line) && !argued() {
                self.report.problems.push(format!("{}: {command}: no journal ever had {line:?}", self.name));
            }
        }
    }

    async fn ask(&mut self, at: usize, nodes: &[String]) -> anyhow::Result<()> {
        if changes_something(&self.last) {
            self.side.wait(&SETTLED).await?;
        }
        self.last.clear();
        for node in nodes {
            for question in QUESTIONS {
                let answer = self.side.run(node, question, "").await?;
                let (node, question) = (node.clone(), question.to_owned());
                self.report.told.push(Told { step: at, node, question, answer });
            }
        }
        Ok(())
    }

    /// Lines of a node's journal; none of a node that is off.
    async fn journal_lines(&self, node: &str) -> Vec<String> {
        let answer = self.side.run(node, JOURNAL, "").await.unwrap_or_default();
        answer.stdout.lines().map(str::to_owned).collect()
    }

    async fn note_journals(&mut self) {
        for node in &self.scenario.nodes {
            let count = self.journal_lines(node).await.len();
            self.seen.insert(node.clone(), count);
        }
    }

    async fn order(&mut self, wanted: &[String], step: &Step) -> anyhow::Result<()> {
        let on = step.on.as_deref().context("an order is seen on a node")?;
        let lines = self.journal_lines(on).await;
        let new = lines.iter().skip(self.seen.get(on).copied().unwrap_or(0)).map(String::as_str);
        let found = order::first_known(new);
        if found != wanted {
            self.report.problems.push(format!("{}: {on} knows {found:?}, not {wanted:?}", self.name));
        }
        if let Some(name) = &step.journal {
            let entries = recording::read(name)?;
            let journal = entries.iter().find(|entry| entry.command.starts_with("journalctl"));
            let recorded = order::of(journal.context("no journal is recorded there")?.answer.stdout.lines());
            if !recorded.ends_with(wanted) && !wanted.ends_with(&recorded) {
                self.report.problems.push(format!("{}: {name} recorded {recorded:?}, not {wanted:?}", self.name));
            }
        }
        if let Some([from, to]) = &step.stream {
            let text = recording::everything()?;
            let between = |line: &&str| line.get(..8).is_some_and(|time| time >= from.as_str() && time < to.as_str());
            let recorded = order::of(text.lines().filter(between));
            if recorded != wanted {
                self.report.problems.push(format!("{}: recorded was {recorded:?}, not {wanted:?}", self.name));
            }
        }
        Ok(())
    }
}

/// Whether a journal's line of that shape was recorded anywhere.
#[must_use]
pub fn was_recorded(line: &str) -> bool {
    JOURNALS.contains(line)
}

/// The shapes of all journal lines that were recorded anywhere.
static JOURNALS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let text = recording::everything().unwrap_or_default();
    let lines = text.lines().flat_map(|line| {
        // Streams were recorded with the time of arrival in front, and with fractions of seconds.
        let bare = line.split_once(' ').map_or(line, |(_, rest)| rest);
        let short = [line, bare].map(|line| normal::lines("journalctl", line));
        short.into_iter().chain([normal::lines("journalctl -o short-iso", line)])
    });
    lines.flatten().collect()
});

/// Commands of the recordings after which the cluster moves.
fn changes_something(command: &str) -> bool {
    ["pvecm create", "pvecm add", "pvecm delnode", "pvecm expected", "pvecm qdevice"]
        .iter()
        .any(|start| command.starts_with(start))
}

/// A shell would take an exclamation mark for its history.
fn quoted(command: &str) -> String {
    let word = |word: &str| if word.contains('!') { format!("'{word}'") } else { word.to_owned() };
    command.split(' ').map(word).collect::<Vec<_>>().join(" ")
}
