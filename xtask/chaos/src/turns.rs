//! Which fault comes next: from a seed, so that a run can be repeated.

use std::collections::BTreeMap;

use faults::Fault;

/// Nodes with a fault at the same time; with all of them nothing would be left to see.
const NODES_AT_ONCE_MAX: usize = 2;

/// Marsaglia's xorshift64.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end.max(1)
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        let at = usize::try_from(self.below(u64::try_from(all.len()).ok()?)).ok()?;
        all.get(at).cloned()
    }
}

/// What is broken now, and how each is taken back.
#[derive(Debug)]
pub struct Turns {
    nodes: Vec<String>,
    random: Random,
    ends: BTreeMap<String, Option<Fault>>,
}

impl Turns {
    pub fn new(nodes: Vec<String>, random: Random) -> Self {
        Self { nodes, random, ends: BTreeMap::new() }
    }

    pub fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// A new fault of a whole node, or the end of one.
    pub fn next(&mut self) -> Option<Fault> {
        let broken: Vec<String> = self.ends.keys().cloned().collect();
        let free: Vec<String> = self.nodes.iter().filter(|node| !self.ends.contains_key(*node)).cloned().collect();
        if broken.len() >= NODES_AT_ONCE_MAX || (!broken.is_empty() && self.random.below(3) == 0) {
            let node = self.random.one_of(&broken)?;
            return self.ends.remove(&node)?;
        }
        let node = self.random.one_of(&free)?;
        let link = u8::try_from(self.random.below(2)).ok()?;
        let (fault, end) = self.random.one_of(&switches(&node, link))?;
        if let Some(end) = end {
            self.ends.insert(node, Some(end));
        }
        Some(fault)
    }

    /// Everything back.
    pub fn ends(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.ends).into_values().flatten().collect()
    }
}

/// Each fault with its end; without one it is over by itself.
fn switches(node: &str, link: u8) -> Vec<(Fault, Option<Fault>)> {
    let name = || node.to_owned();
    let both = |on: Fault, off: Fault| (on, Some(off));
    vec![
        both(Fault::Kill { node: name() }, Fault::Start { node: name() }),
        both(Fault::Freeze { node: name() }, Fault::Thaw { node: name() }),
        both(Fault::CutLink { node: name(), link }, Fault::RestoreLink { node: name(), link }),
        both(Fault::CutOneWay { node: name(), link, on: true }, Fault::CutOneWay { node: name(), link, on: false }),
        both(Fault::CutOneWayIn { node: name(), link, on: true }, Fault::CutOneWayIn { node: name(), link, on: false }),
        both(Fault::Loss { node: name(), link, percent: 40 }, Fault::Loss { node: name(), link, percent: 0 }),
        both(Fault::Mtu { node: name(), link, mtu: 1_000 }, Fault::Mtu { node: name(), link, mtu: 1_500 }),
        both(Fault::StopCorosync { node: name() }, Fault::StartCorosync { node: name() }),
        both(Fault::StopPmxcfs { node: name() }, Fault::StartPmxcfs { node: name() }),
        both(Fault::StopSshd { node: name() }, Fault::StartSshd { node: name() }),
        both(Fault::FillDisk { node: name(), on: true }, Fault::FillDisk { node: name(), on: false }),
        both(Fault::BreakHosts { node: name(), on: true }, Fault::BreakHosts { node: name(), on: false }),
        (Fault::PowerCycle { node: name() }, None),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seed: u64) -> Vec<Fault> {
        let nodes = ["pve1", "pve2", "pve3"].map(str::to_owned).to_vec();
        let mut turns = Turns::new(nodes, Random::new(seed));
        let mut all: Vec<Fault> = (0..2_000).filter_map(|_| turns.next()).collect();
        all.extend(turns.ends());
        all
    }

    #[test]
    fn a_seed_repeats_its_faults_and_another_has_others() {
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn every_fault_comes_and_whatever_has_an_end_ends() {
        let all = run(7);
        for (fault, end) in switches("pve1", 0) {
            assert!(all.contains(&fault), "{fault:?} never came");
            let Some(end) = end else { continue };
            let count = |one: &Fault| all.iter().filter(|other| *other == one).count();
            assert_eq!(count(&fault), count(&end), "{fault:?} and its end");
        }
    }
}
