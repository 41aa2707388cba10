//! Which fault comes next: from a seed, so that a run can be repeated.

use std::collections::BTreeMap;

use anyhow::Context as _;
use faults::Fault;

use crate::kinds::{self, Breadth, Shape, Switch, Turn};

/// Nodes with a fault at the same time; with more of them nothing would be left to see.
const NODES_AT_ONCE_MAX: usize = 2;

/// Marsaglia's xorshift64.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        // Neighbouring seeds begin alike: the odd number spreads them.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).max(1))
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end.max(1)
    }

    fn index(&mut self, count: usize) -> usize {
        let below = u64::try_from(count).map_or(0, |count| self.below(count));
        usize::try_from(below).unwrap_or(0)
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        let at = self.index(all.len());
        all.get(at).cloned()
    }
}

/// What is broken now and how each is taken back, and what has been broken so far.
#[derive(Debug)]
pub struct Turns {
    nodes: Vec<String>,
    shape: Shape,
    random: Random,
    /// By the node that has it; the qnetd host stands under no name.
    ends: BTreeMap<String, Turn>,
    /// The broken thing needs everything else whole.
    alone: bool,
    /// Kinds that have not come yet in this round: each comes once before any comes twice.
    bag: Vec<usize>,
    counts: BTreeMap<String, usize>,
}

impl Turns {
    pub fn new(nodes: Vec<String>, shape: Shape, random: Random) -> Self {
        let counts = kinds::names(shape).into_iter().map(|name| (name, 0)).collect();
        Self { nodes, shape, random, ends: BTreeMap::new(), alone: false, bag: Vec::new(), counts }
    }

    pub fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// How often each kind was begun, those included that never were.
    pub fn counts(&self) -> &BTreeMap<String, usize> {
        &self.counts
    }

    pub fn begun(&self) -> usize {
        self.counts.values().sum()
    }

    /// A new fault, or the end of one.
    pub fn next(&mut self) -> anyhow::Result<Turn> {
        let on_nodes = self.ends.keys().filter(|name| !name.is_empty()).count();
        let full = self.alone || on_nodes >= NODES_AT_ONCE_MAX;
        if full || (!self.ends.is_empty() && self.random.below(3) == 0) {
            return self.end_one();
        }
        match self.begin()? {
            Some(fault) => Ok(Turn::Inject(fault)),
            None => self.end_one(),
        }
    }

    /// Everything back.
    pub fn ends(&mut self) -> Vec<Turn> {
        self.alone = false;
        std::mem::take(&mut self.ends).into_values().collect()
    }

    fn end_one(&mut self) -> anyhow::Result<Turn> {
        let broken: Vec<String> = self.ends.keys().cloned().collect();
        let name = self.random.one_of(&broken).context("nothing is broken")?;
        self.alone = false;
        self.ends.remove(&name).context("a broken thing without an end")
    }

    /// `None` where everything that is left in the bag must wait until something else is over.
    fn begin(&mut self) -> anyhow::Result<Option<Fault>> {
        let free: Vec<String> = self.nodes.iter().filter(|node| !self.ends.contains_key(*node)).cloned().collect();
        let node = self.random.one_of(&free).context("no node is whole")?;
        let link = u8::from(self.random.below(2) == 1);
        let mut all = kinds::switches(&node, link, self.shape);
        if self.bag.is_empty() {
            self.bag = (0..all.len()).collect();
        }
        let fits = |switch: &Switch| match switch.breadth {
            Breadth::Node => true,
            Breadth::Qnetd => !self.ends.contains_key(""),
            Breadth::Alone => self.ends.is_empty(),
        };
        let can: Vec<usize> = self.bag.iter().copied().filter(|at| all.get(*at).is_some_and(fits)).collect();
        let Some(at) = self.random.one_of(&can) else { return Ok(None) };
        self.bag.retain(|other| *other != at);
        let Switch { fault, end, breadth } = all.swap_remove(at);
        *self.counts.entry(kinds::name(&fault)).or_default() += 1;
        self.alone = breadth == Breadth::Alone;
        if let Some(end) = end {
            self.ends.insert(if breadth == Breadth::Qnetd { String::new() } else { node }, end);
        }
        Ok(Some(fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(seed: u64) -> Turns {
        let nodes = ["pve1", "pve2", "pve3", "pve4"].map(str::to_owned);
        let shape = Shape::of(seed);
        Turns::new(nodes.into_iter().take(shape.nodes()).collect(), shape, Random::new(seed))
    }

    fn run(seed: u64, count: usize) -> Vec<Turn> {
        let mut turns = turns(seed);
        let mut all: Vec<Turn> = (0..count).map(|_| turns.next().unwrap()).collect();
        all.extend(turns.ends());
        all
    }

    #[test]
    fn a_seed_repeats_its_faults_and_another_has_others() {
        assert_eq!(run(7, 50), run(7, 50));
        assert_ne!(run(7, 50), run(8, 50));
    }

    #[test]
    fn every_fault_comes_and_whatever_has_an_end_ends() {
        for seed in [7, 8] {
            let all = run(seed, 4_000);
            let count = |one: &Turn| all.iter().filter(|other| *other == one).count();
            for Switch { fault, end, .. } in kinds::switches("pve1", 0, Shape::of(seed)) {
                let begun = Turn::Inject(fault);
                assert!(all.contains(&begun), "{begun:?} never came");
                let Some(end) = end else { continue };
                assert_eq!(count(&begun), count(&end), "{begun:?} and its end");
            }
        }
    }

    #[test]
    fn no_kind_comes_twice_before_each_has_come_and_they_are_counted() {
        for seed in 1..40 {
            let kinds = kinds::names(Shape::of(seed)).len();
            let mut turns = turns(seed);
            while turns.begun() < kinds {
                turns.next().unwrap();
            }
            assert!(turns.counts().values().all(|count| *count == 1), "seed {seed}: {:?}", turns.counts());
        }
    }

    #[test]
    fn what_needs_a_whole_cluster_finds_and_leaves_one() {
        for seed in 1..40 {
            let mut turns = turns(seed);
            for _ in 0..200 {
                let before = turns.ends.len();
                let turn = turns.next().unwrap();
                if matches!(turn, Turn::Inject(Fault::SplitBrain { on: true, .. })) {
                    assert_eq!(before, 0, "seed {seed}");
                    let end = turns.next().unwrap();
                    assert!(matches!(end, Turn::Inject(Fault::SplitBrain { on: false, .. })), "seed {seed}: {end:?}");
                }
                assert!(turns.ends.keys().filter(|name| !name.is_empty()).count() <= NODES_AT_ONCE_MAX);
            }
        }
    }
}
