//! Two hundred random faults: whatever the screen says with a node, a command and a time is what that node told then.

use crate::chaos_judge::Judge;
use crate::house::House;
use lab::{Fault, FaultInfo, Scenario};
use model::topology::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Faults of one run, their ends included.
const FAULTS: usize = 200;
/// Between two faults, in seconds.
const PAUSE_MAX_S: u64 = 40;
/// More at once and nothing is left to be seen.
const ACTIVE_MAX: usize = 5;
/// How often it is looked at what was published.
const LOOK: Duration = Duration::from_millis(500);
/// Everything is back, every timer has run out, and the console has dialled every node again.
const BACK_WITHIN: Duration = Duration::from_secs(300);
/// A sweep and what brings it forward, after the nodes agree again and are reached.
const AGREES_WITHIN: Duration = Duration::from_secs(12);

/// Marsaglia's xorshift64.
struct Random(u64);

impl Random {
    /// From the clock, or `QUORATE_CHAOS_SEED`: the run can be repeated.
    fn seeded(what: &str) -> Self {
        let given = std::env::var("QUORATE_CHAOS_SEED").ok().and_then(|seed| seed.parse().ok());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |since| since.as_secs());
        let seed: u64 = given.unwrap_or(now);
        println!("chaos, {what}: QUORATE_CHAOS_SEED={seed}");
        Self(seed.max(1))
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end.max(1)
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(all.len()).ok()?;
        all.get(usize::try_from(self.below(count)).ok()?)
    }
}

struct Chaos {
    house: House,
    judge: Judge,
    random: Random,
    counts: BTreeMap<&'static str, usize>,
}

impl Chaos {
    async fn on(house: House, what: &str) -> Self {
        house.lab.record();
        house.engine().watch(house.cluster).await;
        let judge = Judge::new(&house);
        Self { house, judge, random: Random::seeded(what), counts: BTreeMap::new() }
    }

    /// Switches that can be turned now. A changed host key needs a person, and is not part of this.
    fn switches(&self) -> Vec<FaultInfo> {
        self.house.lab.faults().into_iter().filter(|fault| fault.kind != "change-host-key").collect()
    }

    async fn run(&mut self) {
        for _ in 0..FAULTS {
            let all = self.switches();
            let active: Vec<FaultInfo> = all.iter().filter(|fault| fault.active).cloned().collect();
            // With many at once, one of them ends.
            let from = if active.len() >= ACTIVE_MAX { &active } else { &all };
            // Each kind as often as the others, however many links there are.
            let kinds: Vec<&str> = from.iter().map(|fault| fault.kind).collect::<BTreeSet<_>>().into_iter().collect();
            let Some(kind) = self.random.one_of(&kinds).copied() else { continue };
            let of_kind: Vec<&FaultInfo> = from.iter().filter(|fault| fault.kind == kind).collect();
            let Some(fault) = self.random.one_of(&of_kind).copied().cloned() else { continue };
            if self.house.lab.inject(fault.switch.clone()).is_ok() {
                *self.counts.entry(fault.kind).or_default() += 1;
            }
            let pause = Duration::from_millis(self.random.below(PAUSE_MAX_S * 1_000));
            self.watch_for(pause).await;
        }
    }

    /// Lets time pass and judges everything that is published meanwhile.
    async fn watch_for(&mut self, span: Duration) {
        let end = tokio::time::Instant::now() + span;
        while tokio::time::Instant::now() < end {
            tokio::time::sleep(LOOK.min(end - tokio::time::Instant::now())).await;
            self.judge.look(&self.house);
        }
    }

    /// Ends every fault, and waits until the nodes agree and the console has reached each of them.
    async fn heal(&mut self) {
        for _ in 0..10 {
            for fault in self.switches().into_iter().filter(|fault| fault.active) {
                // A node that is still off takes no other switch yet.
                let _ = self.house.lab.inject(fault.switch);
            }
            self.watch_for(Duration::from_secs(6)).await;
        }
        let pve: Vec<String> =
            self.house.lab.nodes().into_iter().filter(|node| !node.is_qnetd).map(|node| node.name).collect();
        for node in &pve {
            // What was stopped together with something else is started by hand, as a person would.
            let _ = self.house.lab.inject(Fault::StartPmxcfs { node: node.clone() });
            let _ = self.house.lab.inject(Fault::StartCorosync { node: node.clone() });
        }
        self.house.lab.settle().await;
        let left: Vec<String> =
            self.switches().into_iter().filter(|fault| fault.active).map(|fault| fault.id).collect();
        assert!(left.is_empty(), "still there: {left:?}");
        let truth = self.house.lab.inspect();
        assert_eq!(truth.partitions.len(), 1, "the nodes do not agree: {:?}", truth.partitions);
        assert!(truth.nodes.values().filter(|node| node.cluster.is_some()).all(|node| node.writable));
        let end = tokio::time::Instant::now() + BACK_WITHIN;
        while !self.judge.all_reached(&self.house) {
            assert!(
                tokio::time::Instant::now() < end,
                "a node is not reached again: {}",
                self.judge.contacts(&self.house)
            );
            self.watch_for(LOOK).await;
        }
        self.watch_for(AGREES_WITHIN).await;
        self.judge.agrees(&self.house, pve.len());
    }

    fn tell(&self) {
        println!("faults: {:?}", self.counts);
        println!("judged: {:?}", self.judge.counts);
    }
}

#[tokio::test(start_paused = true)]
async fn two_hundred_faults_of_five_nodes() {
    let mut chaos = Chaos::on(House::new(Scenario::healthy(5)).await, "five nodes").await;
    chaos.run().await;
    chaos.heal().await;
    chaos.tell();
    chaos.judge.saw_enough();
    assert!(chaos.counts.len() >= 15, "too few kinds of faults: {:?}", chaos.counts);
}

#[tokio::test(start_paused = true)]
async fn two_hundred_faults_of_four_nodes_with_a_qdevice() {
    let house = House::new(Scenario::healthy(4)).await;
    house.done(&house.qdevice_intent().await).await;
    let mut chaos = Chaos::on(house, "four nodes and a QDevice").await;
    chaos.run().await;
    chaos.heal().await;
    chaos.tell();
    chaos.judge.saw_enough();
    assert!(chaos.counts.len() >= 15, "too few kinds of faults: {:?}", chaos.counts);
}

/// What stands on the screen of three healthy nodes, and a judge who has seen it.
async fn judged_screen() -> (Chaos, Snapshot) {
    let mut chaos = Chaos::on(House::new(Scenario::healthy(3)).await, "no faults").await;
    chaos.watch_for(Duration::from_secs(30)).await;
    let shown = chaos.judge.shown(&chaos.house);
    (chaos, (*shown).clone())
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "never told")]
async fn a_vote_that_no_node_told_is_noticed() {
    let (mut chaos, mut shown) = judged_screen().await;
    shown.quorum.as_mut().expect("a quorum").fact.value.total_votes += 1;
    chaos.judge.judge(&chaos.house, &shown);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "never told")]
async fn a_link_that_no_node_told_is_noticed() {
    let (mut chaos, mut shown) = judged_screen().await;
    let told_by = &mut shown.links.first_mut().expect("a link").told_by;
    told_by.first_mut().expect("an end").value ^= true;
    chaos.judge.judge(&chaos.house, &shown);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "on a screen of")]
async fn an_old_value_that_is_shown_as_fresh_is_noticed() {
    let (mut chaos, mut shown) = judged_screen().await;
    shown.at += jiff::SignedDuration::from_secs(26);
    chaos.judge.judge(&chaos.house, &shown);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "goes back in time")]
async fn a_screen_that_goes_back_is_noticed() {
    let (mut chaos, mut shown) = judged_screen().await;
    shown.at -= jiff::SignedDuration::from_secs(20);
    chaos.judge.judge(&chaos.house, &shown);
}
