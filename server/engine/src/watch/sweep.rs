//! The rhythm of looking at one machine: files often, corosync's tools in each sweep, versions rarely.
//!
//! All of it is asked in the machine's one long-lived shell, and none of it starts Perl there.

use super::counts::Counts;
use super::node::Watched;
use crate::evidence::{answer, fact, kept};
use crate::hub::Observed;
use crate::limits::{FILES_PAUSE, MUTE_SWEEPS_MAX, SLOW_PAUSE, SWEEP_COALESCE, SWEEP_PAUSE, WOKEN_PAUSE};
use crate::ports::Output;
use model::facts::QuorumStatus;
use model::ids::NodeId;
use model::problem::Problem;
use pve::packages::{self, Package};
use pve::pmxcfs::{self, PmxVersions};
use pve::quorumtool;
use pve::{CommandLine, Reason, cfgtool, corosync_conf, files};
use tokio::time::{Instant, sleep, sleep_until};

/// One thing that a sweep asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// `.members`, `.version`, `.vmlist`
    State,
    Quorum,
    Links,
    Conf,
    Packages,
    QuorumtoolHelp,
}

/// What the versions are told apart by.
const PACKAGES: [Package; 6] = [
    Package::PveManager,
    Package::PveCluster,
    Package::PveHaManager,
    Package::Corosync,
    Package::LibknetOne,
    Package::LibknetOneT64,
];

impl Question {
    pub(crate) const ALL: [Self; 6] =
        [Self::State, Self::Quorum, Self::Links, Self::Conf, Self::Packages, Self::QuorumtoolHelp];

    pub(crate) fn command(self) -> CommandLine {
        match self {
            Self::State => pmxcfs::cat_state(),
            Self::Quorum => quorumtool::status(),
            Self::Links => cfgtool::nodes().unless_hung(),
            Self::Conf => files::cluster_corosync_conf(),
            Self::Packages => packages::query(&PACKAGES),
            Self::QuorumtoolHelp => quorumtool::help(),
        }
    }
}

/// Looks again and again until the connection is lost or stays mute; returns why it ended.
pub async fn repeat(watched: &Watched<'_>) -> Problem {
    let lanes = &watched.engine.watchers.lanes;
    let looks = watched.engine.hub.looks(watched.cluster);
    let mut rhythm = Rhythm::new(watched.node.id, Instant::now());
    let mut mute = 0;
    loop {
        // Registered before the sweep: who asks meanwhile gets another one.
        let asked = looks.notified();
        tokio::pin!(asked);
        asked.as_mut().enable();
        let now = Instant::now();
        let questions = rhythm.due(now);
        let turn = lanes.turn(rhythm.hangs).await;
        let result = sweep(watched, &mut rhythm, &questions).await;
        drop(turn);
        if watched.shell.is_closed() {
            return result.err().unwrap_or_else(|| watched.lost());
        }
        match result {
            Ok(()) => mute = 0,
            Err(problem) => {
                Counts::add(&watched.engine.watchers.counts.mute_sweeps);
                rhythm.hangs = true;
                mute += 1;
                if mute >= MUTE_SWEEPS_MAX {
                    return problem;
                }
            }
        }
        if rhythm.conf_moved() {
            continue;
        }
        tokio::select! {
            () = sleep_until(rhythm.next()) => {}
            () = asked => rhythm.all_due(),
            () = watched.wake.notified() => {
                sleep(SWEEP_COALESCE).await;
                sleep_until(now + WOKEN_PAUSE).await;
                rhythm.all_due();
            }
        }
    }
}

/// When what is due, and what the node was like.
struct Rhythm {
    files_at: Instant,
    tools_at: Instant,
    slow_at: Instant,
    /// Added to the first round of pauses, so that nodes which were found together are not asked together for ever.
    stagger: f64,
    conf: ConfSeen,
    /// What corosync-quorumtool said last and contradicted itself in.
    torn: Option<QuorumStatus>,
    /// The last sweep ran into a limit.
    hangs: bool,
}

/// Which corosync.conf was read, by the version that pmxcfs counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct ConfSeen {
    /// As the last answer had it: when pmxcfs started, and its count.
    now: Option<(Option<u64>, Option<u64>)>,
    /// As it was when the file was last asked for, and whether that could be read.
    asked: Option<(Option<u64>, Option<u64>)>,
    read: bool,
}

impl Rhythm {
    fn new(node: NodeId, now: Instant) -> Self {
        Self {
            files_at: now,
            tools_at: now,
            slow_at: now,
            stagger: stagger(node),
            conf: ConfSeen::default(),
            torn: None,
            hangs: false,
        }
    }

    fn due(&mut self, now: Instant) -> Vec<Question> {
        let mut questions = Vec::new();
        let part = std::mem::replace(&mut self.stagger, 1.0);
        let tools = self.tools_at <= now;
        if self.files_at <= now || tools {
            questions.push(Question::State);
            self.files_at = now + FILES_PAUSE.mul_f64(part);
        }
        if tools {
            // First of the tools: its answers compete with what the follower says, so its time has to be exact.
            questions.extend([Question::Quorum, Question::Links]);
            self.tools_at = now + SWEEP_PAUSE.mul_f64(part);
        }
        if self.conf_moved() || (tools && !self.conf.read) {
            questions.push(Question::Conf);
        }
        if self.slow_at <= now {
            questions.extend([Question::Packages, Question::QuorumtoolHelp]);
            self.slow_at = now + SLOW_PAUSE;
        }
        questions
    }

    /// The file has changed since it was last asked for.
    fn conf_moved(&self) -> bool {
        self.conf.now.is_some() && self.conf.now != self.conf.asked
    }

    fn all_due(&mut self) {
        let now = Instant::now();
        self.files_at = now;
        self.tools_at = now;
    }

    fn next(&self) -> Instant {
        self.files_at.min(self.tools_at).min(self.slow_at)
    }

    /// The answer, unless it contradicts itself for the first time: corosync-quorumtool asks for the ring, the votes and
    /// the members one after the other, and a ring that forms meanwhile tears them apart. Said again, it is what the node says.
    fn whole(&mut self, value: QuorumStatus) -> Option<QuorumStatus> {
        let torn = !value.adds_up() && self.torn.as_ref() != Some(&value);
        self.torn = torn.then(|| value.clone());
        (!torn).then_some(value)
    }

    fn versions(&mut self, versions: &PmxVersions) {
        self.conf.now = Some((versions.start_time, versions.versions.get("corosync.conf").copied()));
    }
}

/// Between 0.2 and 1, the same for a machine all its life.
fn stagger(node: NodeId) -> f64 {
    let part = u32::try_from(node.as_uuid().as_u128() % 1_000).unwrap_or(0);
    0.2 + f64::from(part) / 1_250.0
}

/// One look; what cannot be read is no fact: the old one ages.
async fn sweep(watched: &Watched<'_>, rhythm: &mut Rhythm, questions: &[Question]) -> Result<(), Problem> {
    let commands: Vec<CommandLine> = questions.iter().map(|question| question.command()).collect();
    let outputs = watched.shell.sweep(&commands).await;
    let outputs = outputs.map_err(|error| error.problem().with("node", watched.node.label()))?;
    rhythm.hangs = outputs.iter().any(Output::timed_out);
    let mut hung = false;
    for ((question, command), output) in questions.iter().zip(&commands).zip(&outputs) {
        // Left out on the node, because the one before it hung.
        if *question == Question::Links && hung {
            continue;
        }
        hung = output.timed_out();
        if let Some(observed) = read(watched, rhythm, *question, command, output) {
            watched.observe(observed);
        }
        watched.keep(kept(watched.node.label(), command, output));
    }
    Ok(())
}

fn read(
    watched: &Watched<'_>,
    rhythm: &mut Rhythm,
    question: Question,
    command: &CommandLine,
    output: &Output,
) -> Option<Observed> {
    let node = watched.node.label();
    match question {
        Question::State => {
            let state = pmxcfs::state(answer(output)).ok()?;
            rhythm.versions(&state.versions);
            watched.engine.watchers.guests.seen(watched.cluster, output.at, &state.guests);
            Some(Observed::Members(fact(state.members, node, command, output)))
        }
        Question::Quorum => match quorumtool::quorum(answer(output)) {
            Ok(value) => {
                // Only after the first one at once: what goes on like that is asked again when it is due.
                let first = rhythm.torn.is_none();
                let whole = rhythm.whole(value);
                if whole.is_none() && first {
                    watched.wake.notify_one();
                }
                whole.map(|value| Observed::Quorum(fact(value, node, command, output)))
            }
            Err(error) if error.reason == Reason::CorosyncDown => {
                Some(Observed::NoQuorum(fact((), node, command, output)))
            }
            Err(_) => None,
        },
        Question::Links => {
            cfgtool::link_lines(answer(output)).ok().map(|value| Observed::Links(fact(value, node, command, output)))
        }
        Question::Conf => {
            rhythm.conf.asked = rhythm.conf.now;
            let conf = corosync_conf::conf(answer(output)).ok()?;
            rhythm.conf.read = true;
            conf.map(|value| Observed::Conf(fact(value, node, command, output)))
        }
        Question::Packages => {
            packages::installed(answer(output)).ok().map(|value| Observed::Packages(fact(value, node, command, output)))
        }
        Question::QuorumtoolHelp => quorumtool::options(answer(output))
            .ok()
            .map(|value| Observed::QuorumtoolOptions(fact(value, node, command, output))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use uuid::Uuid;

    /// Programs that are written in Perl on a Proxmox node, or start it (`costs-and-traps`).
    const PERL: [&str; 14] = [
        "perl",
        "pvecm",
        "pvesh",
        "qm",
        "pct",
        "ha-manager",
        "pveversion",
        "pvesm",
        "pveum",
        "pvenode",
        "pveceph",
        "pvesr",
        "pveperf",
        "vzdump",
    ];

    #[test]
    fn watching_never_starts_perl() {
        let followers = [quorumtool::follow(), pve::journal::follow(&[pve::systemd::Service::Corosync], None)];
        for command in Question::ALL.map(Question::command).iter().chain(&followers) {
            let perl = command.argv().into_iter().find(|word| PERL.contains(&word.rsplit('/').next().unwrap_or(word)));
            assert_eq!(perl, None, "{command}");
            assert_eq!(command.effect(), pve::Effect::ReadsOnly);
        }
    }

    fn versions(started: u64, conf: u64) -> PmxVersions {
        PmxVersions { start_time: Some(started), versions: [("corosync.conf".to_owned(), conf)].into() }
    }

    #[test]
    fn files_are_read_twice_as_often_as_tools_and_the_configuration_when_it_moved() {
        let start = Instant::now();
        let mut rhythm = Rhythm::new(NodeId::from_uuid(Uuid::from_u128(999)), start);
        use Question::{Conf, Links, Packages, Quorum, QuorumtoolHelp, State};
        assert_eq!(rhythm.due(start), [State, Quorum, Links, Conf, Packages, QuorumtoolHelp], "everything at first");
        rhythm.versions(&versions(1, 1));
        rhythm.conf.asked = rhythm.conf.now;
        rhythm.conf.read = true;
        let mut counts = [0_u32; 2];
        for second in 1..=100 {
            let questions = rhythm.due(start + Duration::from_secs(second));
            counts[0] += u32::from(questions.contains(&State));
            counts[1] += u32::from(questions.contains(&Quorum));
            assert!(!questions.contains(&Conf) && !questions.contains(&Packages));
        }
        assert!((19..=21).contains(&counts[0]) && (9..=11).contains(&counts[1]), "{counts:?}");
        rhythm.versions(&versions(1, 2));
        assert!(rhythm.conf_moved());
        assert_eq!(rhythm.due(start + Duration::from_millis(100_001)), [Conf]);
    }

    #[test]
    fn an_answer_that_contradicts_itself_is_shown_when_it_is_repeated() {
        let text = "Quorum information\n---\nNodes: 3\nNode ID: 2\nRing ID: 1.d\nQuorate: Yes\nExpected votes: 3\n\
                    Highest expected: 3\nTotal votes: 3\nQuorum: 2\nFlags: Quorate\n\n Nodeid Votes Name\n\
                    1 1 10.0.0.1\n 2 1 10.0.0.2 (local)\n 3 1 10.0.0.3\n";
        let status = quorumtool::quorum(pve::Answer::ok(text.as_bytes())).expect("readable");
        // The ring of now beside a member of the one before, as it was printed after a partition.
        let mut torn = status.clone();
        torn.members.retain(|member| member.id != 1);
        torn.total_votes = torn.members.iter().map(|member| member.votes).sum();
        let mut rhythm = Rhythm::new(NodeId::from_uuid(Uuid::nil()), Instant::now());
        assert_eq!(rhythm.whole(status.clone()), Some(status.clone()));
        assert_eq!(rhythm.whole(torn.clone()), None);
        let other = QuorumStatus { ring_id: "1.ff".to_owned(), ..torn.clone() };
        assert_eq!(rhythm.whole(other), None, "torn again, and otherwise");
        assert_eq!(rhythm.whole(torn.clone()), None, "not twice in a row");
        assert_eq!(rhythm.whole(torn.clone()), Some(torn.clone()), "what a node says twice is shown");
        assert_eq!(rhythm.whole(status.clone()), Some(status));
        assert_eq!(rhythm.whole(torn), None);
    }

    #[test]
    fn an_unreadable_configuration_is_not_asked_for_in_a_loop() {
        let start = Instant::now();
        let mut rhythm = Rhythm::new(NodeId::from_uuid(Uuid::nil()), start);
        rhythm.due(start);
        rhythm.versions(&versions(1, 1));
        rhythm.conf.asked = rhythm.conf.now;
        assert!(!rhythm.conf_moved());
        assert!(rhythm.due(start + SWEEP_PAUSE).contains(&Question::Conf), "but with each sweep");
    }

    #[test]
    fn nodes_are_not_asked_together_for_ever() {
        let start = Instant::now();
        let next = |number| {
            let mut rhythm = Rhythm::new(NodeId::from_uuid(Uuid::from_u128(number)), start);
            rhythm.due(start);
            rhythm.next()
        };
        let mut times: Vec<Instant> = (0..32).map(|number| next(number * 31)).collect();
        times.sort_unstable();
        times.dedup();
        assert_eq!(times.len(), 32);
    }
}
