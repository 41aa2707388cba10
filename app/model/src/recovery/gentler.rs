//! Ways back to quorum that write nobody off.

#[cfg(test)]
mod tests;

use super::{Absent, Recovery};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

crate::problem::codes!(
    /// Ways back to quorum that write nobody off, the gentlest first; locale key `gentler_CODE`.
    Gentler {
        /// The node answers: it only has to find its cluster again.
        RepairLinks => "repair_links",
        /// The QDevice would be enough.
        StartQnetd => "start_qnetd",
        /// `nodes`: any one of them is enough.
        StartNode => "start_node",
        /// `count`, `nodes`: any so many of them are enough.
        StartNodes => "start_nodes",
        /// `count`, `nodes`: any so many of them are enough beside the QDevice.
        StartNodesAndQnetd => "start_nodes_and_qnetd",
        /// `nodes`: there is no quorum before all of them were there at once (`wait_for_all`, votequorum(5)).
        WaitForAll => "wait_for_all",
        /// `nodes`: the same, and the QDevice's votes are among those that have to be there.
        WaitForAllAndQnetd => "wait_for_all_and_qnetd",
    }
);

/// One way, with what its sentence names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GentlerWay {
    pub code: Gentler,
    pub params: BTreeMap<String, String>,
}

impl GentlerWay {
    const fn bare(code: Gentler) -> Self {
        Self { code, params: BTreeMap::new() }
    }

    fn naming(code: Gentler, nodes: &[&Absent]) -> Self {
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        Self { code, params: BTreeMap::from([("nodes".to_owned(), names.join(", "))]) }
    }

    fn counting(code: Gentler, (count, nodes): (usize, &[&Absent])) -> Self {
        let mut way = Self::naming(code, nodes);
        way.params.insert("count".to_owned(), count.to_string());
        way
    }
}

impl Recovery {
    /// Ways that write nobody off.
    #[must_use]
    pub fn gentler(&self) -> Vec<GentlerWay> {
        if self.quorate {
            return Vec::new();
        }
        let mut ways = Vec::new();
        if self.absent.iter().any(|node| !node.answers.is_empty()) {
            ways.push(GentlerWay::bare(Gentler::RepairLinks));
        }
        // Where another side has quorum, what is started beside this one could make it the second.
        if self.quorate_elsewhere.is_empty() {
            ways.extend(self.starting());
        }
        ways
    }

    /// What brings quorum once it runs.
    fn starting(&self) -> Vec<GentlerWay> {
        let short = self.quorum.saturating_sub(self.present_votes);
        // Who lacks no vote and has no quorum waits too, whatever its flags say.
        if self.options.waits_for_all || short == 0 {
            return self.waiting().into_iter().collect();
        }
        // Who answers runs already.
        let mut silent: Vec<&Absent> = self.absent.iter().filter(|node| node.answers.is_empty()).collect();
        silent.sort_by_key(|node| Reverse(node.votes));
        let device = self.qdevice_missing;
        let mut ways = Vec::new();
        if device >= short {
            ways.push(GentlerWay::bare(Gentler::StartQnetd));
        }
        let alone = enough(&silent, short);
        ways.extend(alone.map(|(count, nodes)| match count {
            1 => GentlerWay::naming(Gentler::StartNode, nodes),
            _ => GentlerWay::counting(Gentler::StartNodes, (count, nodes)),
        }));
        if device > 0 && device < short {
            let fewer = |(count, _): &(usize, _)| alone.is_none_or(|(without, _)| *count < without);
            let beside = enough(&silent, short.saturating_sub(device)).filter(fewer);
            ways.extend(beside.map(|found| GentlerWay::counting(Gentler::StartNodesAndQnetd, found)));
        }
        ways
    }

    /// What is missing where nothing short of all votes brings quorum: not while it starts, and not after it was lost.
    fn waiting(&self) -> Option<GentlerWay> {
        let away: Vec<&Absent> = self.absent.iter().filter(|node| node.votes > 0).collect();
        if self.qdevice_missing > 0 {
            // Neither is enough without the other, so also those are named that run and only have to come back.
            return Some(match away.as_slice() {
                [] => GentlerWay::bare(Gentler::StartQnetd),
                nodes => GentlerWay::naming(Gentler::WaitForAllAndQnetd, nodes),
            });
        }
        let silent: Vec<&Absent> = away.into_iter().filter(|node| node.answers.is_empty()).collect();
        (!silent.is_empty()).then(|| GentlerWay::naming(Gentler::WaitForAll, &silent))
    }
}

/// The fewest nodes that bring so many votes, and everybody among whom any so many of them do. `nodes` are sorted, those with
/// most votes first.
fn enough<'a, 'b>(nodes: &'a [&'b Absent], votes: u32) -> Option<(usize, &'a [&'b Absent])> {
    let brings = |some: &[&Absent]| some.iter().fold(0_u32, |sum, node| sum.saturating_add(node.votes)) >= votes;
    let count = (1..=nodes.len()).find(|count| nodes.get(..*count).is_some_and(brings))?;
    // Of all that begin with the first ones, the last so many have the fewest votes.
    let others = nodes.windows(count).skip(1).take_while(|some| brings(some)).count();
    Some((count, nodes.get(..count.saturating_add(others))?))
}
